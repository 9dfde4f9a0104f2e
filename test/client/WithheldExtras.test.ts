import { assert, describe, it } from "@effect/vitest"
import { Effect, Schedule, Stream } from "effect"
import { TestClock } from "effect/testing"
import type { ConnectionEvent } from "../../src/client/ConnectionEvent.ts"
import type { QualityExtra } from "../../src/protocol/QualityExtra.ts"
import * as FakeFleet from "./FakeFleet.ts"
import { joined, linkMs, relayA, run } from "./Scene.ts"

const settle = TestClock.adjust(3 * linkMs)

const extrasOf = (counter: number, withheld: ReadonlyArray<QualityExtra>) =>
  ({ _tag: "ExtrasDirective", counter, withheld }) as const

const toldOf = (events: ReadonlyArray<ConnectionEvent>) =>
  events.flatMap((event) => (event._tag === "ExtrasWithheld" ? [event.extras] : []))

describe("what a busy relay withholds", () => {
  it.effect("is told to the application whenever it changes, and acknowledged always", () =>
    Effect.gen(function* () {
      const { client, observed, relay } = yield* joined()
      yield* relay.direct(extrasOf(1, []))
      yield* relay.direct(extrasOf(2, ["fec"]))
      yield* settle
      assert.deepStrictEqual(toldOf(observed.connection), [["fec"]])
      yield* relay.direct(extrasOf(4, ["fec", "duplication", "high-layer", "group-video"]))
      // Late: what it says is over.
      yield* relay.direct(extrasOf(3, ["fec", "duplication"]))
      yield* relay.direct(extrasOf(5, ["fec", "duplication", "high-layer", "group-video"]))
      yield* relay.direct(extrasOf(6, []))
      yield* settle
      assert.deepStrictEqual(toldOf(observed.connection), [
        ["fec"],
        ["fec", "duplication", "high-layer", "group-video"],
        []
      ])
      assert.deepStrictEqual(relay.acknowledged, [1, 2, 4, 3, 5, 6])
      assert.deepStrictEqual((yield* client.statistics).dropped.unexpected, 0)
    }).pipe(run(430))
  )

  it.effect("hides from nobody who listens late that the relay is there", () =>
    Effect.gen(function* () {
      const { client, relay } = yield* joined()
      yield* relay.direct(extrasOf(1, ["fec"]))
      yield* settle
      const events = yield* client.connection.pipe(Stream.take(2), Stream.runCollect)
      assert.deepStrictEqual(
        events.map(({ _tag }) => _tag),
        ["Connected", "ExtrasWithheld"]
      )
    }).pipe(run(431))
  )

  it.effect("is not sent by the device: no repair packets while fec is withheld, and again after it", () =>
    Effect.gen(function* () {
      const { client, relay } = yield* joined()
      // Farther than a resend may take: repair packets are all there is.
      yield* FakeFleet.setLink(relayA, { latencyMs: 120, lossRatio: 0.05 })
      let timestamp = 0
      const frame = Effect.suspend(() =>
        client.sendAll(
          client.streams[1]!,
          [false, false, true].map((marker) => ({
            payload: new Uint8Array(500),
            timestamp,
            marker,
            descriptor: marker ? 0x40 : 0
          }))
        )
      )
      yield* frame.pipe(
        Effect.tap(() => Effect.sync(() => (timestamp += 3600))),
        Effect.repeat(Schedule.spaced("40 millis")),
        Effect.forkScoped({ startImmediately: true })
      )
      const repairsIn = Effect.fnUntraced(function* (forMs: number) {
        const before = (yield* client.statistics).uplink.repairsSent
        yield* TestClock.adjust(forMs)
        return (yield* client.statistics).uplink.repairsSent - before
      })
      assert.isAbove(yield* repairsIn(8000), 10)
      yield* relay.direct(extrasOf(1, ["fec"]))
      yield* relay.direct(extrasOf(2, ["fec"]))
      yield* TestClock.adjust(600)
      assert.strictEqual(yield* repairsIn(8000), 0)
      yield* relay.direct(extrasOf(3, []))
      yield* relay.direct(extrasOf(4, []))
      assert.isAbove(yield* repairsIn(8000), 10)
    }).pipe(run(432))
  )

  it.effect("is nothing at another relay until that one says so", () =>
    Effect.gen(function* () {
      const fleet = yield* FakeFleet.joined()
      const { first, observed, second } = fleet
      yield* FakeFleet.speak(fleet)
      yield* first.direct(extrasOf(2, ["fec", "duplication"]))
      yield* TestClock.adjust("2 seconds")
      first.behaviour.isDead = true
      yield* TestClock.adjust("3 seconds")
      assert.deepStrictEqual(toldOf(observed.connection), [["fec", "duplication"], []])
      assert.strictEqual(observed.connection.at(-1)!._tag, "Resumed")
      yield* second.direct(extrasOf(1, ["fec"]))
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(toldOf(observed.connection).at(-1), ["fec"])
    }).pipe(run(433))
  )
})
