import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Logger } from "effect"
import { TestClock } from "effect/testing"
import * as RareWarning from "../../src/pipeline/RareWarning.ts"

describe("RareWarning", () => {
  it.effect("is told at once, and later with how often it has happened", () => {
    const told: Array<unknown> = []
    const logger = Logger.make<unknown, void>(({ message }) => void told.push(message))
    return Effect.gen(function* () {
      const warn = RareWarning.make("nobody answers")
      const happens = warn(Cause.fail("late"))
      yield* happens
      for (let n = 0; n < 1000; n++) yield* happens
      yield* TestClock.adjust("9999 millis")
      yield* happens
      assert.deepStrictEqual(told.flat(), ["nobody answers"])
      yield* TestClock.adjust("1 millis")
      yield* happens
      yield* TestClock.adjust("1 minute")
      yield* happens
      assert.deepStrictEqual(told.flat(), [
        "nobody answers",
        "nobody answers, 1002 times since this was told last",
        "nobody answers"
      ])
    }).pipe(Effect.provide(Logger.layer([logger])))
  })
})
