import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import * as AddressCookie from "../../src/access/AddressCookie.ts"
import * as SingleRunner from "../../src/cluster/SingleRunner.ts"
import { participantsMax } from "../../src/call/CallState.ts"
import * as ControlMessage from "../../src/protocol/ControlMessage.ts"
import * as Relay from "../../src/server/Relay.ts"
import * as LinkEmulator from "../../src/sockets/simulated/LinkEmulator.ts"
import * as SimulatedNetwork from "../../src/sockets/simulated/SimulatedNetwork.ts"
import * as CallStore from "../../src/state/CallStore.ts"
import { Refused } from "../../src/throttle/Refused.ts"
import * as Throttle from "../../src/throttle/Throttle.ts"
import * as Raw from "../server/RawDevice.ts"
import * as RawPort from "./RawPort.ts"
import * as RelayCounters from "./RelayCounters.ts"

const { refusalCodes } = ControlMessage
const nowSeconds = 1_800_000_000
const timeoutMs = 60_000

/** What has been done for those who asked, where it costs: in the store. */
const makeCountingStore = () => {
  const counts = { saves: 0 }
  const layer = Layer.effect(
    CallStore.CallStore,
    Effect.map(CallStore.CallStore, (store) =>
      CallStore.CallStore.of({
        ...store,
        save: (...args) =>
          Effect.andThen(
            Effect.sync(() => void counts.saves++),
            store.save(...args)
          )
      })
    )
  ).pipe(Layer.provide(CallStore.layerMemory))
  return { counts, layer }
}

/** A relay in virtual time with HTTP, a store that counts, and the throttle that is wanted. */
const withRelay = <A, E, R>(
  test: (counts: { readonly saves: number }) => Effect.Effect<A, E, R>,
  throttle: Layer.Layer<Throttle.Throttle> = Throttle.layerOpen
) => {
  const { counts, layer } = makeCountingStore()
  const relay = Relay.layerWith({
    keyRing: Raw.keyRing,
    host: "10.0.0.1",
    port: 3478,
    audioRingBytes: 1 << 20,
    videoRingBytes: 1 << 20,
    admin: { host: "127.0.0.1", port: 0 }
  }).pipe(
    Layer.provide([throttle, SingleRunner.layer, layer]),
    Layer.provideMerge(SimulatedNetwork.layer(LinkEmulator.perfect))
  )
  return Effect.andThen(
    TestClock.adjust("1 second"),
    Effect.suspend(() => test(counts))
  ).pipe(Effect.provide(relay), Effect.scoped, Raw.passing, Raw.inThePresent)
}

/** Somebody with a proved address, who counts what he is answered. */
const open = Effect.fnUntraced(function* (host: string) {
  const answers = new Map<string, number>()
  let bytesIn = 0
  const port = yield* RawPort.open({
    host,
    port: 5000,
    relay: Raw.relayAddress,
    received: (bytes, offset, length) => {
      bytesIn += length
      const [message] = Raw.messagesIn([bytes.slice(offset, offset + length)])
      const name =
        message === undefined ? "a frame" : message._tag === "Refused" ? `${message.error.code}` : message._tag
      answers.set(name, (answers.get(name) ?? 0) + 1)
    }
  })
  return {
    port,
    answers,
    bytesReceived: () => bytesIn,
    cookie: AddressCookie.make(Raw.keyRing, port.address, nowSeconds)
  }
})
type Asker = Effect.Success<ReturnType<typeof open>>

const join = Effect.fnUntraced(function* (
  { cookie, port }: Asker,
  options: { readonly name: string; readonly call: string; readonly ssrc: number }
) {
  const token = yield* Raw.mint(options.name, options.call)
  port.add(
    Raw.signed(
      {
        _tag: "JoinRequest",
        transactionId: Raw.transactionId(),
        token: token.claimsBytes,
        cookie,
        counter: options.ssrc,
        legTag: options.ssrc,
        streams: [Raw.audio(options.ssrc)]
      },
      token.key
    )
  )
  yield* port.flush
})

const relayState = Effect.gen(function* () {
  const { adminPort } = yield* Relay.Relay
  const counters = yield* RelayCounters.read(adminPort!)
  return {
    legs: RelayCounters.valueOf(counters, "tandem_legs"),
    calls: RelayCounters.valueOf(counters, "tandem_calls")
  }
})

describe("allocation abuse", () => {
  it.effect(
    "one token that joins 10,000 times within ten seconds has one session, and its call is written 21 times at most",
    () =>
      withRelay((counts) =>
        Effect.gen(function* () {
          const witness = yield* open("10.0.2.1")
          yield* join(witness, { name: "witness", call: "call", ssrc: 1 })
          yield* TestClock.adjust("5 seconds")
          const [heardBefore, savesBefore] = [witness.bytesReceived(), counts.saves]
          const abuser = yield* open("10.0.3.1")
          // Each with another SSRC: each would be a change of the roster that everybody is told of.
          for (let n = 0; n < 10_000; n++) {
            yield* join(abuser, { name: "abuser", call: "call", ssrc: 1000 + n })
            if (n % 100 === 99) yield* TestClock.adjust("100 millis")
          }
          yield* TestClock.adjust("1 second")
          const admitted = abuser.answers.get("JoinSuccess") ?? 0
          assert.isAtLeast(admitted, 10)
          assert.isAtMost(admitted, 21)
          assert.strictEqual(abuser.answers.get(`${refusalCodes.busy}`), 10_000 - admitted)
          assert.strictEqual(counts.saves - savesBefore, admitted)
          assert.deepStrictEqual(yield* relayState, { legs: 2, calls: 1 })
          // What the others are told of it: a roster for each change, which the witness never acknowledges.
          assert.isAtMost(witness.bytesReceived() - heardBefore, admitted * 10 * 400)
        })
      ),
    timeoutMs
  )

  it.effect(
    "2,000 tokens for one call bring 50 participants, the others are told that it is full",
    () =>
      withRelay((counts) =>
        Effect.gen(function* () {
          const abuser = yield* open("10.0.3.1")
          for (let n = 0; n < 2000; n++) {
            yield* join(abuser, { name: `p${n}`, call: "call", ssrc: 1000 + n })
            if (n % 20 === 19) yield* TestClock.adjust("10 millis")
          }
          yield* TestClock.adjust("1 second")
          assert.strictEqual(abuser.answers.get("JoinSuccess"), participantsMax)
          assert.strictEqual(abuser.answers.get(`${refusalCodes.callFull}`), 2000 - participantsMax)
          assert.strictEqual(counts.saves, participantsMax)
          assert.deepStrictEqual(yield* relayState, { legs: participantsMax, calls: 1 })
        })
      ),
    timeoutMs
  )

  it.effect(
    "tokens for as many calls get what the throttle lets in, and what nobody keeps up goes within 31 seconds",
    () => {
      let admitted = 0
      const throttle = Layer.succeed(
        Throttle.Throttle,
        Throttle.make(() =>
          admitted < 100
            ? Effect.sync(() => void admitted++)
            : Effect.fail(new Refused({ retryAfterMs: 1000, reason: "Overloaded" }))
        )
      )
      return withRelay(
        () =>
          Effect.gen(function* () {
            const abuser = yield* open("10.0.3.1")
            for (let n = 0; n < 1000; n++) {
              yield* join(abuser, { name: "p", call: `call-${n}`, ssrc: 1000 + n })
              if (n % 20 === 19) yield* TestClock.adjust("10 millis")
            }
            yield* TestClock.adjust("1 second")
            assert.strictEqual(abuser.answers.get("JoinSuccess"), 100)
            // Refused once; whoever goes on at once from the same address is challenged and no more.
            assert.strictEqual(abuser.answers.get(`${refusalCodes.busy}`), 1)
            assert.isAtLeast(abuser.answers.get("Challenge") ?? 0, 899)
            assert.deepStrictEqual(yield* relayState, { legs: 100, calls: 100 })
            yield* TestClock.adjust("31 seconds")
            assert.deepStrictEqual(yield* relayState, { legs: 0, calls: 0 })
          }),
        throttle
      )
    },
    timeoutMs
  )

  it.effect(
    "joins from one network take half of the places while the actors are slow, and another network gets in",
    () => {
      const slow = Layer.succeed(
        Throttle.Throttle,
        Throttle.make(({ priority }) => (priority === "new-group-video" ? Effect.sleep("2 seconds") : Effect.void))
      )
      return withRelay(
        () =>
          Effect.gen(function* () {
            const abuser = yield* open("10.0.3.1")
            for (let n = 0; n < 200; n++) yield* join(abuser, { name: "p", call: `call-${n}`, ssrc: 1000 + n })
            yield* TestClock.adjust("10 millis")
            const device = yield* open("10.0.4.1")
            yield* join(device, { name: "ada", call: "call", ssrc: 1 })
            yield* TestClock.adjust("2500 millis")
            assert.strictEqual(device.answers.get("JoinSuccess"), 1)
            assert.strictEqual(abuser.answers.get("JoinSuccess"), 32)
          }),
        slow
      )
    },
    timeoutMs
  )
})
