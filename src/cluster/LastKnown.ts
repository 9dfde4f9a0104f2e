import { Clock, Effect } from "effect"

export interface LastKnown<A, E, R> {
  readonly read: Effect.Effect<A, E, R>
  /** What was read before is known to be wrong. */
  readonly forget: Effect.Effect<void>
}

/** After an outage every runner gets the time for this many beats. */
export const graceBeats = 2

/**
 * Reads what many write who have to beat. While the source fails, what was read last stands; and for `graceMs` after, since
 * nobody could beat meanwhile: whoever is back first must not count the others out. Fails only if nothing was ever read.
 */
export const make = <A, E, R>(read: Effect.Effect<A, E, R>, graceMs: number): LastKnown<A, E, R> => {
  let known: { readonly value: A } | undefined
  let wasAway = false
  let graceEndsAtMs = 0

  const answered = (value: A): Effect.Effect<A> =>
    Effect.map(Clock.monotonicTimeNanos, (nanos) => {
      const nowMs = Number(nanos) / 1_000_000
      if (wasAway) graceEndsAtMs = nowMs + graceMs
      wasAway = false
      if (known === undefined || nowMs >= graceEndsAtMs) known = { value }
      return known.value
    })

  const failed = (error: E): Effect.Effect<A, E> =>
    Effect.suspend(() => {
      if (known === undefined) return Effect.fail(error)
      wasAway = true
      return Effect.succeed(known.value)
    })

  return {
    read: Effect.matchEffect(read, { onSuccess: answered, onFailure: failed }),
    forget: Effect.sync(() => {
      known = undefined
    })
  }
}
