import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Fiber } from "effect"
import * as Fleet from "./FleetScene.ts"

/** Of virtual time. */
const tookMs = Effect.fnUntraced(function* <A, E, R>(effect: Effect.Effect<A, E, R>) {
  const startedAtMs = yield* Clock.currentTimeMillis
  yield* effect
  return (yield* Clock.currentTimeMillis) - startedAtMs
})

describe("a relay that is stopped", () => {
  it.effect("takes nobody, and ends as soon as its devices are elsewhere and what was on the way has come", () =>
    Fleet.scene(
      41,
      Effect.gen(function* () {
        const [a] = yield* Effect.forEach(["a", "b"] as const, (name) => Fleet.startRelay(name))
        const members = [yield* Fleet.member(1, ["a"]), yield* Fleet.member(2, ["a"])]
        yield* Effect.sleep("6 seconds")
        yield* Effect.forkChild(Fleet.talk(members, 10))
        yield* Effect.sleep("1 second")
        const stopping = yield* Effect.forkChild(tookMs(a!.stop))
        yield* Effect.sleep("500 millis")
        const late = yield* Fleet.member(3, ["a"], "another")
        assert.isUndefined(stopping.pollUnsafe())
        assert.isBelow(yield* Fiber.join(stopping), 4000)
        assert.deepInclude(late.events.at(0), { _tag: "Connected", relay: Fleet.relayAddress("b") })
        for (const { events } of members) {
          assert.deepInclude(events.at(-1), { _tag: "Resumed", relay: Fleet.relayAddress("b") })
        }
      })
    )
  )

  it.effect("ends at once when nobody is there", () =>
    Fleet.scene(
      42,
      Effect.gen(function* () {
        const a = yield* Fleet.startRelay("a")
        yield* Effect.sleep("1 second")
        assert.isBelow(yield* tookMs(a.stop), 100)
      })
    )
  )
})
