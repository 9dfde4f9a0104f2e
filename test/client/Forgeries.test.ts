import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber } from "effect"
import { TestClock } from "effect/testing"
import * as MessageIntegrity from "../../src/access/MessageIntegrity.ts"
import * as CallClient from "../../src/client/CallClient.ts"
import * as ControlMessage from "../../src/protocol/ControlMessage.ts"
import * as HopFrame from "../../src/protocol/HopFrame.ts"
import { messageKinds } from "../../src/protocol/MessageKinds.ts"
import * as Stun from "../../src/protocol/Stun.ts"
import * as FakeRelay from "./FakeRelay.ts"
import { audioPacket, device, during, joined, lin, linkMs, optionsOf, relayA, rosterOf, run } from "./Scene.ts"

/** Eve sees every request, and sends what she likes from an address of her own, or from the relay's. She drops nothing. */
const eveHost = "198.51.100.66"

const unsigned = (message: ControlMessage.ControlMessage) => Stun.appendFingerprint(ControlMessage.encode(message))
const signed = (message: ControlMessage.ControlMessage) =>
  MessageIntegrity.sign(ControlMessage.encode(message), FakeRelay.token.key)

const refusal = ({ _tag, transactionId }: FakeRelay.Request, code: number): ControlMessage.Refused => ({
  _tag: "Refused",
  method: messageKinds[_tag].method,
  transactionId,
  error: { code, reason: "" },
  relays: []
})

const challenge = ({ transactionId }: FakeRelay.Request): ControlMessage.Challenge => ({
  _tag: "Challenge",
  method: "Join",
  transactionId,
  error: { code: 438, reason: "" },
  cookie: new Uint8Array(12)
})

const success = ({ transactionId }: FakeRelay.Request): ControlMessage.JoinSuccess => ({
  _tag: "JoinSuccess",
  transactionId,
  ticket: Uint8Array.of(1),
  legTag: 1,
  epoch: 1,
  mappedAddress: Uint32Array.of(5000, 0, 0, 0xffff, 1),
  relays: [],
  relayTimeMs: 0
})

const tagsOf = (events: ReadonlyArray<{ readonly _tag: string }>) => events.map(({ _tag }) => _tag)

/** A join of which the first request is answered by the bytes at once, and with a grant a tenth of a second later. */
const joinedAfter = Effect.fnUntraced(function* (forge: (request: FakeRelay.Request) => ControlMessage.ControlMessage) {
  const relay = yield* FakeRelay.make(relayA)
  relay.behaviour.instead = (request) => (relay.requests.length === 1 ? unsigned(forge(request)) : "none")
  const joining = yield* Effect.forkChild(CallClient.join(optionsOf([relayA])), { startImmediately: true })
  yield* TestClock.adjust(100)
  yield* relay.sendBytes(signed(success(relay.requests[0]!.message)), device)
  yield* TestClock.adjust(2 * linkMs)
  yield* Fiber.join(joining)
  return relay.requests.length
})

describe("a forged answer", () => {
  it.effect("that refuses does not keep out the one that is proved", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* joinedAfter((request) => refusal(request, 401)), 1)
    }).pipe(run(80))
  )

  it.effect("that asks for a cookie does not keep out the one that is proved", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* joinedAfter(challenge), 2)
    }).pipe(run(81))
  )

  it.effect("counts when the request would be repeated and nothing better has come", () =>
    Effect.gen(function* () {
      const relay = yield* FakeRelay.make(relayA)
      relay.behaviour.instead = (request) => unsigned(refusal(request, 403))
      const joining = yield* Effect.forkChild(Effect.exit(CallClient.join(optionsOf([relayA]))), {
        startImmediately: true
      })
      yield* TestClock.adjust(499)
      assert.isUndefined(joining.pollUnsafe())
      yield* TestClock.adjust(1)
      const exit = yield* Fiber.join(joining)
      assert.isTrue(Exit.isFailure(exit))
      assert.strictEqual((yield* Effect.flip(exit))._tag, "JoinRefused")
      assert.strictEqual(relay.requests.length, 1)
    }).pipe(run(82))
  )

  it.effect("from another address than was asked does not count, whoever has signed it", () =>
    Effect.gen(function* () {
      const { client, observed, relay } = yield* joined()
      const eve = yield* FakeRelay.make(eveHost)
      relay.behaviour.instead = () => "none"
      yield* TestClock.adjust(5100)
      const { transactionId } = relay.requests.findLast(({ message }) => message._tag === "PingRequest")!.message
      const mappedAddress = Uint32Array.of(1, 0, 0, 0xffff, 1)
      const answer = signed({ _tag: "PingSuccess", transactionId, mappedAddress, relays: [] })
      yield* eve.sendBytes(answer, device)
      yield* TestClock.adjust(2 * linkMs)
      assert.deepStrictEqual(tagsOf(observed.connection), ["Connected"])
      assert.strictEqual((yield* client.statistics).dropped.unexpected, 1)
      yield* relay.sendBytes(answer, device)
      yield* TestClock.adjust(2 * linkMs)
      assert.deepStrictEqual(tagsOf(observed.connection), ["Connected", "Moved"])
    }).pipe(run(83))
  )

  it.effect("that refuses a ping moves nobody; one that is proved does at once", () =>
    Effect.gen(function* () {
      const { client, observed, relay } = yield* joined()
      const speak = Effect.fnUntraced(function* (forMs: number) {
        for (let atMs = 0; atMs < forMs; atMs += 20) {
          yield* client.send(client.streams[0]!, audioPacket(0))
          yield* TestClock.adjust(20)
        }
      })
      relay.behaviour.instead = (request) =>
        request._tag === "PingRequest" ? unsigned(refusal(request, 481)) : undefined
      yield* speak(20_500)
      assert.isAtLeast(relay.requests.filter(({ message }) => message._tag === "PingRequest").length, 4)
      assert.deepStrictEqual(tagsOf(observed.connection), ["Connected"])
      relay.behaviour.instead = (request) => (request._tag === "PingRequest" ? refusal(request, 481) : undefined)
      yield* speak(5500)
      assert.include(tagsOf(observed.connection), "Resumed")
    }).pipe(run(84))
  )
})

describe("a frame from another address than the relay's", () => {
  it.effect("is dropped, and its numbers with it", () =>
    Effect.gen(function* () {
      const { client, observed, relay } = yield* joined()
      const eve = yield* FakeRelay.make(eveHost)
      const other = lin(1)
      yield* relay.direct(rosterOf(1, [other.entry]))
      yield* TestClock.adjust(100)
      const { epoch, legTag } = relay.hop!.send
      const forged = new Uint8Array(HopFrame.headerBytes)
      const type = HopFrame.typeByte(HopFrame.FrameType.Padding, 0)
      HopFrame.writeHeader(new DataView(forged.buffer), 0, type, 0, 30_000, 30_000, epoch, legTag)
      for (let number = 0; number < 100; number++) {
        if (number === 50) yield* eve.sendBytes(forged, device)
        yield* relay.sendMedia(other.audio, audioPacket(number))
        yield* TestClock.adjust(20)
      }
      yield* TestClock.adjust(200)
      assert.strictEqual(observed.packets.length, 100)
      assert.strictEqual((yield* client.statistics).dropped.unknownLegTag, 1)
    }).pipe(run(85))
  )
})

describe("a directive that is replayed", () => {
  it.effect("is no sign of life", () =>
    Effect.gen(function* () {
      const { client, observed, relay } = yield* joined()
      const transactionId = new Uint8Array(12).fill(3)
      const directive = relay.direct(rosterOf(1, [lin(1).entry]), { transactionId })
      for (let i = 0; i < 40; i++) {
        yield* directive
        yield* during(100, client.send(client.streams[0]!, audioPacket(i)))
        if (i === 5) relay.behaviour.isDead = true
      }
      assert.isAtLeast(relay.acknowledged.length, 5)
      assert.include(tagsOf(observed.connection), "Suspect")
      assert.strictEqual(observed.connection.filter(({ _tag }) => _tag === "Connected").length, 1)
    }).pipe(run(86))
  )
})
