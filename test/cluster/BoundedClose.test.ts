import { assert, describe, it } from "@effect/vitest"
import { Cause, Clock, Effect, Exit, Fiber, Layer, Logger, Scope } from "effect"
import { TestClock } from "effect/testing"
import * as BoundedClose from "../../src/cluster/BoundedClose.ts"

/** A layer that takes so long to be closed, before one that it needs. What has been closed, and what was said. */
const close = Effect.fnUntraced(function* (closing: Effect.Effect<void>) {
  const closed: Array<string> = []
  const warnings: Array<string> = []
  const part = (name: string, closing: Effect.Effect<void>) =>
    Layer.effectDiscard(
      Effect.addFinalizer(() =>
        Effect.andThen(
          closing,
          Effect.sync(() => closed.push(name))
        )
      )
    )
  const layer = BoundedClose.within("the part", part("part", closing)).pipe(Layer.provide(part("other", Effect.void)))
  const logger = Layer.succeed(
    Logger.CurrentLoggers,
    new Set([Logger.make(({ cause, message }) => warnings.push(`${String(message)} ${Cause.pretty(cause)}`))])
  )
  const scope = yield* Scope.make()
  yield* Layer.buildWithScope(layer, scope)
  const startedAtMs = yield* Clock.currentTimeMillis
  const fiber = yield* Effect.forkChild(Effect.provide(Scope.close(scope, Exit.void), logger))
  while (fiber.pollUnsafe() === undefined) yield* TestClock.adjust("100 millis")
  yield* Fiber.join(fiber)
  return { closed, warnings, tookMs: (yield* Clock.currentTimeMillis) - startedAtMs }
})

describe("a layer whose end is bounded", () => {
  it.effect("is closed before what it needs, as any other", () =>
    Effect.gen(function* () {
      const { closed, tookMs, warnings } = yield* close(Effect.sleep("1 second"))
      assert.deepStrictEqual(closed, ["part", "other"])
      assert.isAtMost(tookMs, 1100)
      assert.deepStrictEqual(warnings, [])
    })
  )

  it.effect("is left behind when it hangs, and that is said", () =>
    Effect.gen(function* () {
      const { closed, tookMs, warnings } = yield* close(Effect.never)
      assert.deepStrictEqual(closed, ["other"])
      assert.isAtMost(tookMs, 2200)
      assert.strictEqual(warnings.length, 1)
    })
  )

  it.effect("may fail while it is closed, which is said and keeps nothing else from being closed", () =>
    Effect.gen(function* () {
      const { closed, warnings } = yield* close(Effect.die("a mistake of ours"))
      assert.deepStrictEqual(closed, ["other"])
      assert.include(warnings.join(), "the part has not ended as it should")
      assert.include(warnings.join(), "a mistake of ours")
    })
  )
})
