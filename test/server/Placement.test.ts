import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { RelayId } from "../../src/protocol/Ids.ts"
import * as Relay from "../../src/server/Relay.ts"
import * as Fleet from "./FleetScene.ts"
import * as Raw from "./RawDevice.ts"

/** Two relays of one machine, which know each other by the directory. All devices ask the first one. */

const first = "10.0.0.1:3478"
const second = "10.0.0.1:3479"

const start = (address: string, host = "10.0.0.1") =>
  Layer.build(
    Layer.fresh(
      Relay.layerWith({
        keyRing: Raw.keyRing,
        relayId: RelayId.make(address),
        host,
        port: Number(address.split(":")[1]),
        audioRingBytes: 1 << 20,
        videoRingBytes: 1 << 20
      })
    )
  )

/** The relays hear of each other, and of what they have to do. */
const tell = Effect.sleep("3 seconds")

/** Each in a call of its own. */
const join = (numbers: ReadonlyArray<number>) => Effect.forEach(numbers, (n) => Fleet.member(n, ["a"], `call-${n}`, n))

const numbers = (from: number, count: number) => Array.from({ length: count }, (_, index) => from + index)

const relaysOf = (members: ReadonlyArray<Fleet.Member>) =>
  members.map(({ events }) => events.flatMap((event) => (event._tag === "Connected" ? [event.relay] : [event._tag])))

describe("placement", () => {
  it.effect("a relay that is added gets new calls, and no running call is moved", () =>
    Fleet.scene(
      31,
      Effect.gen(function* () {
        yield* start(first)
        const old = yield* join(numbers(1, 12))
        yield* start(second)
        yield* tell
        const fresh = yield* join(numbers(21, 8))
        const late = yield* Fleet.member(41, ["a"], "call-1", 41)
        yield* Fleet.talk([old[0]!, late], 1)
        yield* tell
        assert.deepStrictEqual(
          relaysOf(old),
          old.map(() => [first])
        )
        // Until the first has no eight more than the second; who is on his way there may not have been counted yet.
        const sent = relaysOf(fresh).filter(([relay]) => relay === second).length
        assert.isTrue(sent === 5 || sent === 6, String(sent))
        assert.deepStrictEqual(relaysOf(fresh).at(0), [second])
        assert.deepStrictEqual(relaysOf(fresh).at(-1), [first])
        assert.deepStrictEqual(relaysOf([late]), [[first]])
        assert.strictEqual(Fleet.heard(old[0]!, late).length, 50)
      })
    )
  )

  it.effect("a crowd does not overrun the relay that was empty when last heard of", () =>
    Fleet.scene(
      32,
      Effect.gen(function* () {
        yield* start(first)
        yield* join(numbers(1, 12))
        yield* start(second)
        yield* tell
        const crowd = yield* Effect.forEach(numbers(21, 20), (n) => Fleet.member(n, ["a"], `call-${n}`, n), {
          concurrency: "unbounded"
        })
        yield* tell
        const sent = relaysOf(crowd).filter(([relay]) => relay === second)
        // Of 32 in all, both have the same then, but for the eight that make no difference.
        assert.isAtLeast(sent.length, 5)
        assert.isAtMost(sent.length, 14)
      })
    )
  )

  it.effect("a device that was sent is not sent on, and one of another machine is not sent at all", () =>
    Fleet.scene(
      33,
      Effect.gen(function* () {
        yield* start(first)
        yield* join(numbers(1, 12))
        yield* start("10.0.0.2:3478", "10.0.0.2")
        yield* tell
        const stayed = yield* join([20])
        yield* tell
        assert.deepStrictEqual(relaysOf(stayed), [[first]])
        yield* start(second)
        yield* tell
        const token = yield* Raw.mint("ada", "other")
        const device = yield* Raw.open("10.0.1.90:5000")
        const request = { _tag: "JoinRequest" as const, token: token.claimsBytes, legTag: 1, streams: [Raw.audio(1)] }
        const ask = (counter: number, more: { readonly cookie?: Uint8Array; readonly placed?: true }) =>
          device.answersTo(Raw.signed({ ...request, transactionId: Raw.transactionId(), counter, ...more }, token.key))
        const { cookie } = Raw.only(yield* ask(1, {}), "Challenge")
        const refused = Raw.only(yield* ask(2, { cookie }), "Refused")
        assert.strictEqual(refused.error.code, 300)
        assert.deepStrictEqual(refused.relays, [second])
        Raw.only(yield* ask(3, { cookie, placed: true }), "JoinSuccess")
      })
    )
  )
})
