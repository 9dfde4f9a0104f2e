import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit } from "effect"
import { TestClock } from "effect/testing"
import * as CallClient from "../../src/client/CallClient.ts"
import * as MessageIntegrity from "../../src/access/MessageIntegrity.ts"
import * as ControlMessage from "../../src/protocol/ControlMessage.ts"
import * as Stun from "../../src/protocol/Stun.ts"
import * as FakeRelay from "./FakeRelay.ts"
import { device, during, joined, linkMs, optionsOf, relayA, relayB, run } from "./Scene.ts"

/** Joins while so much time passes, and expects it to fail. */
const refusedJoin = Effect.fnUntraced(function* (relays: ReadonlyArray<string>, forMs: number) {
  const exit = yield* during(forMs, Effect.exit(CallClient.join(optionsOf(relays))))
  assert.isTrue(Exit.isFailure(exit))
  return yield* Effect.flip(exit)
})

const refusal = (
  { transactionId }: { readonly transactionId: Uint8Array },
  code: number,
  more: Partial<ControlMessage.Refused> = {}
): ControlMessage.Refused => ({
  _tag: "Refused",
  method: "Join",
  transactionId,
  error: { code, reason: "no\nway" },
  relays: [],
  ...more
})

const success = (transactionId: Uint8Array): ControlMessage.JoinSuccess => ({
  _tag: "JoinSuccess",
  transactionId,
  ticket: Uint8Array.of(1),
  legTag: 1,
  epoch: 1,
  mappedAddress: Uint32Array.of(1, 0, 0, 0xffff, 1),
  relays: [],
  relayTimeMs: 0
})

describe("join", () => {
  it.effect("shows its address with the cookie, then is in the call", () =>
    Effect.gen(function* () {
      const { client, observed, relay } = yield* joined()
      assert.strictEqual(client.participant, "ada")
      assert.strictEqual(client.call, "c")
      const [first, second, ...rest] = relay.requests.map(({ message }) => message)
      assert.strictEqual(rest.length, 0)
      if (first?._tag !== "JoinRequest" || second?._tag !== "JoinRequest") return assert.fail("two joins are expected")
      assert.isUndefined(first.cookie)
      assert.isDefined(second.cookie)
      assert.deepStrictEqual([first.counter, second.counter], [1, 2])
      assert.notDeepEqual(first.transactionId, second.transactionId)
      assert.deepStrictEqual(second.token, FakeRelay.token.claimsBytes)
      assert.deepStrictEqual(
        second.streams.map(({ clockRate, codec, kind, ssrc }) => ({ clockRate, codec, kind, ssrc })),
        client.streams.map(({ clockRate, codec, kind, ssrc }) => ({ clockRate, codec, kind, ssrc }))
      )
      yield* TestClock.adjust(1)
      assert.deepStrictEqual(observed.connection, [{ _tag: "Connected", relay: relay.address, mappedAddress: device }])
    }).pipe(run(1))
  )

  it.effect("repeats the same request after 500 ms, doubling, seven times in all", () =>
    Effect.gen(function* () {
      const relay = yield* FakeRelay.make(relayA)
      relay.behaviour.instead = () => "none"
      const error = yield* refusedJoin([relayA], 39_500)
      assert.deepStrictEqual(
        relay.requests.map(({ atMs }) => atMs - linkMs),
        [0, 500, 1500, 3500, 7500, 15_500, 31_500]
      )
      assert.strictEqual(new Set(relay.requests.map(({ message }) => message.transactionId.join())).size, 1)
      assert.strictEqual(error._tag, "RelayUnreachable")
      assert.match(error.message, /^no answer from 203\.0\.113\.1:3478: check/)
    }).pipe(run(2))
  )

  it.effect("goes on with the next relay when one does not answer", () =>
    Effect.gen(function* () {
      const relay = yield* FakeRelay.make(relayB)
      yield* during(1100, CallClient.join(optionsOf([relayA, relayB])))
      assert.isDefined(relay.hop)
    }).pipe(run(3))
  )

  it.effect("asks those that did not answer once more, and longer", () =>
    Effect.gen(function* () {
      const relay = yield* FakeRelay.make(relayA)
      relay.behaviour.instead = () => (relay.requests.length <= 3 ? "none" : undefined)
      yield* during(4000, CallClient.join(optionsOf([relayA, relayB])))
      assert.deepStrictEqual(
        relay.requests.map(({ atMs }) => atMs - linkMs),
        [0, 500, 2000, 3000, 3000 + 2 * linkMs]
      )
    }).pipe(run(11))
  )

  it.effect("gives up when none has answered twice", () =>
    Effect.gen(function* () {
      const error = yield* refusedJoin([relayA, relayB], 16_000)
      assert.strictEqual(error._tag, "RelayUnreachable")
    }).pipe(run(12))
  )

  it.effect("takes a busy relay's word for where else to go", () =>
    Effect.gen(function* () {
      const busy = yield* FakeRelay.make(relayA)
      const other = yield* FakeRelay.make(relayB)
      busy.behaviour.instead = (request) => refusal(request, 503, { relays: [other.address] })
      yield* during(1000, CallClient.join(optionsOf([relayA])))
      assert.isDefined(other.hop)
    }).pipe(run(4))
  )

  describe("a relay with a neighbour that has less to do", () => {
    const wasPlaced = ({ requests }: FakeRelay.FakeRelay) =>
      requests.flatMap(({ message }) => (message._tag === "JoinRequest" ? [message.placed === true] : []))

    it.effect("sends the device there, which says that it was sent", () =>
      Effect.gen(function* () {
        const asked = yield* FakeRelay.make(relayA)
        const named = yield* FakeRelay.make(relayB)
        asked.behaviour.instead = (request) =>
          request._tag === "JoinRequest" && request.placed === undefined
            ? refusal(request, 300, { relays: [named.address] })
            : undefined
        // Another relay that would be next gets nothing.
        yield* during(1000, CallClient.join(optionsOf([relayA, "203.0.113.3", relayB])))
        assert.isDefined(named.hop)
        assert.deepStrictEqual(wasPlaced(asked), [false])
        assert.deepStrictEqual([...new Set(wasPlaced(named))], [true])
      }).pipe(run(21))
    )

    it.effect("takes the device after all when the neighbour is silent", () =>
      Effect.gen(function* () {
        const asked = yield* FakeRelay.make(relayA)
        asked.behaviour.instead = (request) =>
          request._tag === "JoinRequest" && request.placed === undefined
            ? refusal(request, 300, { relays: [`${relayB}:3478`] })
            : undefined
        yield* during(2000, CallClient.join(optionsOf([relayA])))
        assert.isDefined(asked.hop)
        assert.strictEqual(wasPlaced(asked).at(-1), true)
      }).pipe(run(22))
    )

    it.effect("is not asked for ever, even if it never takes anybody", () =>
      Effect.gen(function* () {
        const relays = [yield* FakeRelay.make(relayA), yield* FakeRelay.make(relayB)]
        relays.forEach((relay, index) => {
          relay.behaviour.instead = (request) => refusal(request, 300, { relays: [relays[1 - index]!.address] })
        })
        const error = yield* refusedJoin([relayA, relayB], 2000)
        assert.isTrue(error._tag === "JoinRefused" && error.code === 300)
        assert.match(error.message, /another relay with less to do was to take it, and did not; try again/)
        assert.deepStrictEqual(relays.map(wasPlaced), [
          [false, true],
          [true, true]
        ])
      }).pipe(run(23))
    )
  })

  it.effect("passes on for how long a busy relay wants to be left alone", () =>
    Effect.gen(function* () {
      const relay = yield* FakeRelay.make(relayA)
      relay.behaviour.instead = (request) => refusal(request, 503, { retryAfterMs: 2000 })
      const error = yield* refusedJoin([relayA], 100)
      assert.isTrue(error._tag === "JoinRefused" && error.retryAfterMs === 2000)
      assert.strictEqual(error.message, "203.0.113.1:3478 refused: it is busy; try again in 2 seconds")
    }).pipe(run(5))
  )

  it.effect("says in one line what to do about every refusal", () =>
    Effect.gen(function* () {
      const relay = yield* FakeRelay.make(relayA)
      for (const code of [400, 401, 403, 409, 440, 441, 481, 486, 500]) {
        relay.behaviour.instead = (request) => refusal(request, code)
        const error = yield* refusedJoin([relayA], 100)
        assert.isTrue(error._tag === "JoinRefused" && error.code === code)
        assert.match(error.message, /^203\.0\.113\.1:3478 refused: .+/)
        assert.notInclude(error.message, "\n")
      }
    }).pipe(run(6))
  )

  it.effect("tells whose clock differs when a token is refused, and only when it does", () =>
    Effect.gen(function* () {
      const startMs = 36_000_000
      yield* TestClock.setTime(startMs)
      const relay = yield* FakeRelay.make(relayA)
      const textAt = Effect.fnUntraced(function* (aheadMs: number) {
        relay.behaviour.instead = (request) =>
          refusal(request, 440, { relayTimeMs: startMs + relay.requests.length * 2 * linkMs - aheadMs })
        const { message } = yield* refusedJoin([relayA], 2 * linkMs)
        return message
      })
      assert.notInclude(yield* textAt(30_000), "clock")
      assert.include(yield* textAt(7_200_000), "2 hours ahead of")
      assert.include(yield* textAt(-300_000), "5 minutes behind")
    }).pipe(run(7))
  )

  it.effect("leaves no port open when it fails", () =>
    Effect.gen(function* () {
      const relay = yield* FakeRelay.make(relayA)
      relay.behaviour.instead = (request) => refusal(request, 403)
      yield* refusedJoin([relayA], 100)
      relay.behaviour.instead = () => undefined
      // The same port once more.
      yield* during(100, CallClient.join(optionsOf([relayA])))
      assert.isDefined(relay.hop)
    }).pipe(run(8))
  )

  it.effect("cannot be answered by somebody without the key, or to nothing that was asked", () =>
    Effect.gen(function* () {
      const relay = yield* FakeRelay.make(relayA)
      const wrongKey = new Uint8Array(32)
      const forgeries: Array<(transactionId: Uint8Array) => Uint8Array> = [
        (transactionId) => MessageIntegrity.sign(ControlMessage.encode(success(transactionId)), wrongKey),
        (transactionId) =>
          Stun.appendFingerprint(ControlMessage.encode(refusal({ transactionId: transactionId.toReversed() }, 403))),
        (transactionId) => MessageIntegrity.sign(ControlMessage.encode(refusal({ transactionId }, 403)), wrongKey),
        (transactionId) =>
          Stun.appendFingerprint(ControlMessage.encode({ ...refusal({ transactionId }, 403), method: "Ping" }))
      ]
      relay.behaviour.instead = (request) =>
        "cookie" in request ? forgeries.shift()?.(request.transactionId) : undefined
      yield* during(10_000, CallClient.join(optionsOf([relayA])))
      const { atMs } = relay.requests.findLast(({ message }) => message._tag === "JoinRequest")!
      assert.strictEqual(forgeries.length, 0)
      assert.strictEqual(atMs - linkMs, 2 * linkMs + 500 + 1000 + 2000 + 4000)
    }).pipe(run(9))
  )

  it.effect("rejects what is no address", () =>
    Effect.gen(function* () {
      const options = { ...optionsOf([]), relays: ["relay.example:3478"] }
      const error = yield* Effect.flip(CallClient.join(options))
      assert.strictEqual(error._tag, "InvalidAddress")
      const none = yield* Effect.flip(CallClient.join({ ...options, relays: [] }))
      assert.strictEqual(none._tag, "RelayUnreachable")
    }).pipe(run(10))
  )
})
