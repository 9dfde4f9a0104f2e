import { type Cause, Clock, Effect } from "effect"

/** Milliseconds. */
const everyMs = 10_000

/**
 * A warning of what happens to thousands at once when it happens: told the first time, and then at most every ten seconds with how
 * often it has happened meanwhile. Of all causes the log has the one that it is told with.
 */
export const make = (message: string): ((cause: Cause.Cause<unknown>) => Effect.Effect<void>) => {
  let toldAtMs = -Infinity
  let times = 0
  return (cause) =>
    Effect.flatMap(Clock.monotonicTimeNanos, (nanos) => {
      const nowMs = Number(nanos) / 1_000_000
      times++
      if (nowMs - toldAtMs < everyMs) return Effect.void
      const told = times === 1 ? message : `${message}, ${times} times since this was told last`
      toldAtMs = nowMs
      times = 0
      return Effect.logWarning(told, cause)
    })
}
