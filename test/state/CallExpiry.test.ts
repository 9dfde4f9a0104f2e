import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Schema } from "effect"
import { TestClock } from "effect/testing"
import * as CallExpiry from "../../src/state/CallExpiry.ts"

class Away extends Schema.TaggedError<Away>()("Away", {}) {
  override get message(): string {
    return "away for a test"
  }
}

/** A store of rounds alone, with a number of calls that have outlived theirs. */
const makeStore = () => {
  const store = { round: 0, isAway: false, outlived: 0, forgottenBefore: [] as Array<number> }
  const unlessAway = <A>(answer: () => A) =>
    Effect.suspend(() => (store.isAway ? Effect.fail(new Away()) : Effect.sync(answer)))
  const rounds: CallExpiry.Rounds<Away> = {
    current: unlessAway(() => store.round),
    end: (round) =>
      unlessAway(() => {
        if (round !== store.round) return false
        store.round += 1
        return true
      }),
    forgetBefore: (round, atMost) =>
      unlessAway(() => {
        store.forgottenBefore.push(round)
        const forgotten = Math.min(store.outlived, atMost)
        store.outlived -= forgotten
        return forgotten
      })
  }
  return { store, relay: Effect.forkChild(CallExpiry.run(rounds, {})) }
}

describe("CallExpiry", () => {
  it.effect("ends a round a minute, and forgets what was last kept more than ten rounds before", () =>
    Effect.gen(function* () {
      const { relay, store } = makeStore()
      yield* relay
      yield* TestClock.adjust("59 seconds")
      assert.strictEqual(store.round, 0)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(store.round, 1)
      yield* TestClock.adjust("11 minutes")
      assert.strictEqual(store.round, 12)
      assert.strictEqual(store.forgottenBefore.at(-1), 2)
    })
  )

  it.effect("however many relays there are, and when one dies another goes on", () =>
    Effect.gen(function* () {
      const { relay, store } = makeStore()
      const first = yield* relay
      yield* TestClock.adjust("20 seconds")
      yield* relay
      yield* TestClock.adjust("25 seconds")
      yield* relay
      yield* TestClock.adjust("10 minutes")
      assert.strictEqual(store.round, 10)
      yield* Fiber.interrupt(first)
      yield* TestClock.adjust("10 minutes")
      assert.isAtLeast(store.round, 19)
      assert.isAtMost(store.round, 20)
    })
  )

  it.effect("time in which the store is away does not count", () =>
    Effect.gen(function* () {
      const { relay, store } = makeStore()
      yield* relay
      yield* TestClock.adjust("150 seconds")
      assert.strictEqual(store.round, 2)
      store.isAway = true
      yield* TestClock.adjust("10 hours")
      store.isAway = false
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(store.round, 2, "it has just been found again")
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(store.round, 3)
    })
  )

  it.effect("a store that is there only now and then stays in its round", () =>
    Effect.gen(function* () {
      const { relay, store } = makeStore()
      yield* relay
      for (let minute = 0; minute < 100; minute++) {
        store.isAway = minute % 2 === 0
        yield* TestClock.adjust("1 minute")
      }
      assert.strictEqual(store.round, 0)
    })
  )

  it.effect("who comes and goes within a minute ends no round", () =>
    Effect.gen(function* () {
      const { relay, store } = makeStore()
      for (let start = 0; start < 100; start++) {
        const fiber = yield* relay
        yield* TestClock.adjust("50 seconds")
        yield* Fiber.interrupt(fiber)
      }
      assert.strictEqual(store.round, 0)
    })
  )

  it.effect("forgets in several goes, until nothing is left that has outlived", () =>
    Effect.gen(function* () {
      const { relay, store } = makeStore()
      store.outlived = 1000
      yield* relay
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(store.outlived, 0)
      assert.isAbove(store.forgottenBefore.length, 5)
    })
  )
})
