import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Result } from "effect"
import * as SingleRunner from "../../src/cluster/SingleRunner.ts"
import * as HopFrame from "../../src/protocol/HopFrame.ts"
import { CallId } from "../../src/protocol/Ids.ts"
import * as RtpHeader from "../../src/protocol/RtpHeader.ts"
import { DatagramNetwork } from "../../src/sockets/DatagramNetwork.ts"
import * as PackedAddress from "../../src/sockets/PackedAddress.ts"
import * as PacketBatch from "../../src/sockets/PacketBatch.ts"
import * as PacketMemory from "../../src/sockets/PacketMemory.ts"
import * as SimulatedNetwork from "../../src/sockets/simulated/SimulatedNetwork.ts"
import { CallStore } from "../../src/state/CallStore.ts"
import * as LegPair from "../media/LegPair.ts"
import * as Fleet from "./FleetScene.ts"
import * as Raw from "./RawDevice.ts"

const all = (seconds: number) => Array.from({ length: seconds * 50 }, (_, tick) => tick)

const pairs = (members: ReadonlyArray<Fleet.Member>) =>
  members.flatMap((member) => members.filter((other) => other !== member).map((other) => [member, other] as const))

const longestGapMs = (members: ReadonlyArray<Fleet.Member>) =>
  Math.max(...pairs(members).map(([member, other]) => Fleet.longestGapMs(member, other)))

/** Nobody has heard anything twice or out of order, and everybody all of these. */
const assertHeard = (members: ReadonlyArray<Fleet.Member>, expected: ReadonlyArray<number>) => {
  for (const [member, other] of pairs(members)) {
    const heard = Fleet.heard(member, other)
    const once = [...new Set(heard)].sort((a, b) => a - b)
    assert.deepStrictEqual(heard, once, `p${member.n} of p${other.n}: twice or out of order`)
    const missing = expected.filter((tick) => !heard.includes(tick))
    assert.deepStrictEqual(missing, [], `p${member.n} of p${other.n}: missing`)
  }
}

/** The devices have noticed nothing. */
const assertUnmoved = (members: ReadonlyArray<Fleet.Member>) => {
  for (const { events, n } of members) {
    const tags = events.map(({ _tag }) => _tag)
    assert.deepStrictEqual(
      tags.filter((tag) => tag !== "Connected"),
      [],
      `p${n}`
    )
  }
}

const stateOf = Effect.fnUntraced(function* (call = "call") {
  const { participants } = yield* (yield* CallStore).load(CallId.make(call))
  return participants.map(({ address, id, relay, restores }) => ({ id, relay, restores, address }))
})

const placesOf = Effect.map(stateOf(), (participants) =>
  participants.map(({ id, relay, restores }) => `${id} ${relay} ${restores}`)
)

/** Whoever is behind the balancer is named to nobody. */
const startRelays = Effect.forEach(["a", "b", "c"] as const, (name) => Fleet.startRelay(name, ["c"]))

/** Two behind the balancer, one at another relay; they talk for six seconds, and after two something happens. */
const talkWhile = Effect.fnUntraced(function* <A, E, R>(happening: Effect.Effect<A, E, R>) {
  yield* Fleet.balance("a")
  const members = [
    yield* Fleet.member(1, [Fleet.balancer]),
    yield* Fleet.member(2, [Fleet.balancer]),
    yield* Fleet.member(3, ["c"])
  ]
  yield* Effect.sleep("6 seconds")
  const talking = yield* Effect.forkChild(Fleet.talk(members, 6))
  yield* Effect.sleep("2 seconds")
  yield* happening
  yield* Fiber.join(talking)
  yield* Effect.sleep("1 second")
  return members
})

describe("a relay behind a load balancer dies", () => {
  for (const actors of ["answer", "are away"] as const) {
    it.effect(`while the actors ${actors}: another goes on with its sessions`, () =>
      Fleet.scene(
        1,
        Effect.gen(function* () {
          const [a] = yield* startRelays
          const members = yield* talkWhile(
            Effect.gen(function* () {
              yield* Fleet.holdActors(actors === "are away")
              yield* a!.kill
              yield* Fleet.balance("b")
              yield* Effect.sleep("2500 millis")
              yield* Fleet.holdActors(false)
            })
          )
          assert.isAtMost(longestGapMs(members), 500)
          assertUnmoved(members)
          assertHeard(members, all(6).slice(125))
          assert.deepStrictEqual(yield* placesOf, ["p1 b 1", "p2 b 1", "p3 c 0"])
        })
      )
    )
  }

  it.effect("again and again: each that follows goes on", () =>
    Fleet.scene(
      2,
      Effect.gen(function* () {
        const [a, b] = yield* startRelays
        const members = yield* talkWhile(
          Effect.gen(function* () {
            yield* a!.kill
            yield* Fleet.balance("b")
            yield* Effect.sleep("1500 millis")
            yield* b!.kill
            yield* Fleet.balance("c")
          })
        )
        assert.isAtMost(longestGapMs(members), 500)
        assertUnmoved(members)
        assertHeard(members, all(6).slice(205))
        assert.deepStrictEqual(yield* placesOf, ["p1 c 2", "p2 c 2", "p3 c 0"])
      })
    )
  )

  it.effect("and is only cut off: when it is back it lets go, and nobody hears anything twice", () =>
    Fleet.scene(
      3,
      Effect.gen(function* () {
        yield* startRelays
        const others = [...Fleet.relayNames.map(Fleet.relayHost), ...[1, 2, 3].map(Fleet.deviceHost)]
        const members = yield* talkWhile(
          Effect.gen(function* () {
            yield* Fleet.holdActors(true)
            yield* Fleet.setLinks(Fleet.relayHost("a"), others, { lossRatio: 1 })
            yield* Fleet.balance("b")
            yield* Effect.sleep("1 second")
            yield* Fleet.setLinks(Fleet.relayHost("a"), others, {})
            yield* Effect.sleep("1 second")
            yield* Fleet.holdActors(false)
          })
        )
        assert.isAtMost(longestGapMs(members), 500)
        assertUnmoved(members)
        assertHeard(members, all(6).slice(125))
        assert.deepStrictEqual(yield* placesOf, ["p1 b 1", "p2 b 1", "p3 c 0"])
      })
    )
  )
})

describe("a load balancer changes its mind", () => {
  it.effect("while the relay lives: it gets the frames, and the sessions stay", () =>
    Fleet.scene(
      4,
      Effect.gen(function* () {
        yield* startRelays
        const members = yield* talkWhile(Fleet.balance("b"))
        assertUnmoved(members)
        assertHeard(members, all(6))
        assert.deepStrictEqual(yield* placesOf, ["p1 a 0", "p2 a 0", "p3 c 0"])
        // Nothing is said any more but pings, which need their answers too.
        yield* Effect.sleep("40 seconds")
        assertUnmoved(members)
        assert.deepStrictEqual(yield* placesOf, ["p1 a 0", "p2 a 0", "p3 c 0"])
      })
    )
  )

  it.effect("and then the relay dies: who gets the frames goes on", () =>
    Fleet.scene(
      5,
      Effect.gen(function* () {
        const [a] = yield* startRelays
        const members = yield* talkWhile(
          Effect.gen(function* () {
            yield* Fleet.balance("b")
            yield* Effect.sleep("1 second")
            yield* a!.kill
          })
        )
        assert.isAtMost(longestGapMs(members), 500)
        assertHeard(members, all(6).slice(180))
      })
    )
  )
})

/** A relay with the actors of its calls, as one process: only the store outlives it. */
const startProcess = Effect.gen(function* () {
  const runner = yield* Layer.build(Layer.fresh(SingleRunner.layer))
  return yield* Effect.provideContext(Fleet.startRelay("a", []), runner)
})

describe("the only relay is killed and started again", () => {
  for (const restarts of [1, 2]) {
    it.effect(`${restarts === 1 ? "once" : "twice"}: the call goes on from what is stored`, () =>
      Fleet.scene(
        6,
        Effect.gen(function* () {
          let relay = yield* startProcess
          const members = [yield* Fleet.member(1, ["a"]), yield* Fleet.member(2, ["a"])]
          yield* Effect.sleep("6 seconds")
          const talking = yield* Effect.forkChild(Fleet.talk(members, 8))
          for (let restart = 0; restart < restarts; restart++) {
            yield* Effect.sleep("2 seconds")
            yield* relay.kill
            yield* Effect.sleep("150 millis")
            relay = yield* startProcess
          }
          yield* Fiber.join(talking)
          yield* Effect.sleep("1 second")
          assert.isAtMost(longestGapMs(members), 250)
          assertUnmoved(members)
          assert.deepStrictEqual(
            yield* placesOf,
            ["p1", "p2"].map((id) => `${id} a ${restarts}`)
          )
          assertHeard(members, all(8).slice(-150))
        })
      )
    )
  }

  it.effect("after a second: the gap is no longer than that and a little", () =>
    Fleet.scene(
      7,
      Effect.gen(function* () {
        const relay = yield* startProcess
        const members = [yield* Fleet.member(1, ["a"]), yield* Fleet.member(2, ["a"])]
        yield* Effect.sleep("6 seconds")
        const talking = yield* Effect.forkChild(Fleet.talk(members, 6))
        yield* Effect.sleep("2 seconds")
        yield* relay.kill
        yield* Effect.sleep("1 second")
        yield* startProcess
        yield* Fiber.join(talking)
        yield* Effect.sleep("1 second")
        assert.isAtMost(longestGapMs(members), 1500)
        assertHeard(members, all(6).slice(-100))
      })
    )
  )

  it.effect("while nobody says anything: a ping brings the session back", () =>
    Fleet.scene(
      8,
      Effect.gen(function* () {
        const relay = yield* startProcess
        const members = [yield* Fleet.member(1, ["a"]), yield* Fleet.member(2, ["a"])]
        yield* Effect.sleep("6 seconds")
        yield* relay.kill
        yield* Effect.sleep("100 millis")
        yield* startProcess
        yield* Effect.sleep("10 seconds")
        assertUnmoved(members)
        assert.deepStrictEqual(yield* placesOf, ["p1 a 1", "p2 a 1"])
        yield* Fleet.talk(members, 1)
        yield* Effect.sleep("1 second")
        assertHeard(members, all(1))
      })
    )
  )
})

/** An audio frame of the leg with this tag. */
const frameOn = (legTag: number, epoch: number, number = 0): Uint8Array => {
  const bytes = new Uint8Array(HopFrame.headerBytes + RtpHeader.fixedHeaderBytes + 20)
  const view = new DataView(bytes.buffer)
  const first = HopFrame.typeByte(HopFrame.FrameType.Audio, 0)
  HopFrame.writeHeader(view, 0, first, 127, number, number, epoch, legTag)
  const rtp = { marker: false, payloadType: 111, sequenceNumber: number, timestamp: number * 960, ssrc: 7 }
  RtpHeader.writeHeader(view, HopFrame.headerBytes, rtp)
  return bytes
}

describe("who is not the device", () => {
  for (const owner of ["lives", "is dead"] as const) {
    it.effect(`cannot take its leg over by its tag, whether its relay ${owner} or not`, () =>
      Fleet.scene(
        9,
        Effect.gen(function* () {
          const [a] = yield* Effect.forEach(["a", "b"] as const, (name) => Fleet.startRelay(name))
          const device = yield* Raw.openTo(Fleet.relayAddress("a"), "10.0.1.1:5000")
          const token = yield* Raw.mint("p1")
          const { epoch, legTag } = yield* Raw.join(device, token, { legTag: 4711, streams: [Raw.audio(7)] })
          const before = yield* stateOf()
          if (owner === "is dead") yield* a!.kill
          const forger = yield* Raw.openTo(Fleet.relayAddress("b"), "10.0.1.2:5000")
          for (let number = 0; number < 100; number++) yield* forger.sendBytes(frameOn(legTag, epoch, number))
          assert.deepStrictEqual(yield* forger.answersTo(frameOn(legTag, epoch, 100)), [])
          assert.deepStrictEqual(yield* stateOf(), before)
          // From the device's own address, but without its tag or epoch.
          if (owner === "lives") return
          const network = yield* SimulatedNetwork.SimulatedNetwork
          yield* network.rebind("10.0.1.1:5000", "10.0.1.3:5000")
          yield* network.rebind("10.0.1.2:5000", "10.0.1.1:5000")
          yield* forger.answersTo(frameOn(legTag ^ 1, epoch))
          yield* forger.answersTo(frameOn(legTag, epoch ^ 1))
          yield* Effect.sleep("1 second")
          assert.deepStrictEqual(yield* stateOf(), before)
          yield* Effect.sleep("6 seconds")
          yield* forger.answersTo(frameOn(legTag, epoch))
          yield* Effect.sleep("1 second")
          assert.deepStrictEqual(yield* placesOf, ["p1 b 1"])
        })
      )
    )
  }

  it.effect("and sends random tags from everywhere makes the relay ask no more than so often", () =>
    Fleet.scene(
      10,
      Effect.gen(function* () {
        const store = yield* CallStore
        let asked = 0
        const findByAddress: typeof store.findByAddress = (address) => {
          asked++
          return store.findByAddress(address)
        }
        yield* Effect.provideService(Fleet.startRelay("a"), CallStore, { ...store, findByAddress })
        const members = [yield* Fleet.member(1, ["a"]), yield* Fleet.member(2, ["a"])]
        yield* Effect.sleep("2 seconds")
        const talking = yield* Effect.forkChild(Fleet.talk(members, 4))
        const network = yield* SimulatedNetwork.SimulatedNetwork
        const memory = PacketMemory.make({ receiveSlots: 1, ownerBytes: 64 * 1024 })
        const out = PacketBatch.makeSendBatch({
          capacity: 64,
          scratchOffset: memory.ownerOffset,
          scratchBytes: 64 * 1024
        })
        const relay = Result.getOrThrow(PackedAddress.parse(Fleet.relayAddress("a")))
        const port = yield* (yield* DatagramNetwork).open({ host: "20.0.0.0", port: 5000, memory })
        const draw = LegPair.dice(5)
        const byte = () => Math.floor(draw() * 256)
        let address = "20.0.0.0:5000"
        for (let sender = 0; sender < 10_000; sender++) {
          const next = `20.${sender >> 8}.${sender & 255}.${byte()}:${1024 + byte()}`
          yield* network.rebind(address, next)
          address = next
          for (let i = 0; i < 2; i++) {
            PacketBatch.addBytes(out, memory, frameOn(Math.floor(draw() * 2 ** 32), byte()), relay, 0)
          }
          yield* port.send(out)
          if (sender % 50 === 49) yield* Effect.sleep("10 millis")
        }
        yield* Fiber.join(talking)
        yield* Effect.sleep("1 second")
        assert.isAtLeast(asked, 200)
        // Two seconds of it.
        assert.isAtMost(asked, 200 + 2 * 200 + 10)
        assertUnmoved(members)
        assertHeard(members, all(4))
      })
    )
  )
})
