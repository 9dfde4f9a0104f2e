import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import * as LastKnown from "../../src/cluster/LastKnown.ts"

describe("LastKnown", () => {
  it.effect("what was known stands while the source is away, and a while longer", () =>
    Effect.gen(function* () {
      let answer: Effect.Effect<string, "away"> = Effect.fail("away")
      const { forget, read } = LastKnown.make(
        Effect.suspend(() => answer),
        2000
      )
      assert.strictEqual(yield* Effect.flip(read), "away")
      answer = Effect.succeed("all")
      assert.strictEqual(yield* read, "all")
      answer = Effect.fail("away")
      yield* TestClock.adjust("1 hour")
      assert.strictEqual(yield* read, "all")
      answer = Effect.succeed("one")
      assert.strictEqual(yield* read, "all")
      yield* TestClock.adjust("1999 millis")
      assert.strictEqual(yield* read, "all")
      yield* TestClock.adjust("1 millis")
      assert.strictEqual(yield* read, "one")
      answer = Effect.fail("away")
      yield* read
      answer = Effect.succeed("two")
      yield* forget
      assert.strictEqual(yield* read, "two")
    })
  )
})
