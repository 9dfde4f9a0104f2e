import { Clock, Duration, Effect, type Scope } from "effect"
import * as DueQueue from "./DueQueue.ts"

/** Wakes when something in a queue falls due. Belongs to the scope it was made in. */
export interface DueTimer {
  /** The clock of the queue's times. */
  readonly nowMs: () => number
  /** To be run after something has been added. It does not wait. */
  readonly added: Effect.Effect<void>
}

/** `handleDue` takes everything from the queue that is due. It may be run again before it has ended. */
export const make = Effect.fnUntraced(function* <A>(
  queue: DueQueue.DueQueue<A>,
  handleDue: (nowMs: number) => Effect.Effect<void>
): Effect.fn.Return<DueTimer, never, Scope.Scope> {
  const clock = yield* Clock.Clock
  const scope = yield* Effect.scope
  const nowMs = () => Number(clock.monotonicTimeNanosUnsafe()) / 1_000_000

  // A fiber sleeps until the first item is due. One that is due before it starts another, and the first fiber then finds
  // less to do: cheaper than to interrupt it, and a sleep that starts at once is on time under a TestClock.
  let wakesAtMs = Infinity
  const added: Effect.Effect<void> = Effect.suspend(() => {
    const dueMs = DueQueue.nextMs(queue)
    if (dueMs >= wakesAtMs) return Effect.void
    wakesAtMs = dueMs
    const handle = Effect.suspend(() => {
      if (wakesAtMs === dueMs) wakesAtMs = Infinity
      return handleDue(nowMs())
    })
    return clock
      .sleep(Duration.millis(Math.max(0, dueMs - nowMs())))
      .pipe(
        Effect.andThen(handle),
        Effect.andThen(added),
        Effect.forkIn(scope, { startImmediately: true }),
        Effect.asVoid
      )
  })
  return { nowMs, added }
})
