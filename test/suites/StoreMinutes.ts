import { Effect, Metric } from "effect"
import { TestClock } from "effect/testing"
import * as CallExpiry from "../../src/state/CallExpiry.ts"

/** What comes in over a network has its turn. */
export const turn = Effect.promise(() => new Promise<void>((resolve) => setImmediate(resolve)))

const turns = Effect.map(Metric.value(CallExpiry.turns), ({ count }) => count)

const untilTurned = (before: number | bigint): Effect.Effect<void> =>
  Effect.flatMap(turns, (now) => (now === before ? Effect.andThen(turn, untilTurned(before)) : Effect.void))

/**
 * A minute of virtual time, a round of the store, and as much real time as the store needs for what it does in it. The
 * clock must not have been turned by anything else since the store was opened: it would leave the store behind.
 */
export const pass = Effect.gen(function* () {
  const before = yield* turns
  yield* TestClock.adjust("1 minute")
  yield* untilTurned(before)
})

/** A minute in which the store does not answer, and the time until whoever has asked in it gives up. */
export const passAway = Effect.gen(function* () {
  const before = yield* turns
  yield* TestClock.adjust("1 minute")
  yield* turn
  while ((yield* turns) === before) {
    yield* TestClock.adjust("250 millis")
    yield* turn
  }
})
