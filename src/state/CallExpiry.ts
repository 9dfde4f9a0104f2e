import { Duration, Effect, Metric } from "effect"

/**
 * How a call that nobody owns any more is forgotten, without a clock that machines would have to agree on: life is counted
 * in rounds of the store. A call outlives this many whole rounds after the one in which it was last saved or kept.
 */
export const roundsOfLife = 10

export interface Options {
  /**
   * A call that is neither saved nor kept for so long is forgotten, about a tenth of it later. The same for all relays of
   * a store. Default: 10 minutes.
   */
  readonly lifeMs?: number | undefined
}

const lifeMsDefault = 10 * 60_000

/** So many at a time, that nobody has to wait behind them for long. */
const batchCalls = 100

/** Counts how often the store has been looked at, in every round once. */
export const turns = Metric.counter("tandem_state_store_turns_total", { incremental: true })
/** Counts the turns of these in which it could not be reached. */
export const turnsMissed = Metric.counter("tandem_state_store_turns_missed_total", { incremental: true })
/** Counts calls that nobody has kept. */
export const callsForgotten = Metric.counter("tandem_calls_forgotten_total", { incremental: true })

/** What a store does about it. */
export interface Rounds<E> {
  /** The number of the round that the store is in. */
  readonly current: Effect.Effect<number, E>
  /** Begins the next round if the store is still in this one. Whether it was. */
  readonly end: (round: number) => Effect.Effect<boolean, E>
  /** Forgets calls that were last saved or kept before this round, not more than `atMost`. How many. */
  readonly forgetBefore: (round: number, atMost: number) => Effect.Effect<number, E>
}

/**
 * Ends the rounds of a store, and forgets what has outlived its last. A round is ended by a relay that has found it a
 * round's length ago and has not missed the store since. So time in which the store was away, or all relays were down or
 * asleep, is no part of a call's life, and whoever keeps its calls once in a round has many rounds to do so before they
 * are forgotten. Of several relays one ends a round; if it dies another ends the next.
 */
export const run = <E extends { readonly message: string }>(
  rounds: Rounds<E>,
  { lifeMs = lifeMsDefault }: Options
): Effect.Effect<never> =>
  Effect.suspend(() => {
    let watched: number | undefined
    let isAway = false

    const forget = (round: number): Effect.Effect<void, E> =>
      rounds.forgetBefore(round, batchCalls).pipe(
        Effect.tap((forgotten) => Metric.update(callsForgotten, forgotten)),
        Effect.flatMap((forgotten) => (forgotten < batchCalls ? Effect.void : forget(round)))
      )

    const turn = Effect.gen(function* () {
      const round = yield* rounds.current
      if (isAway) yield* Effect.logInfo("the state store can be reached again")
      isAway = false
      if (round !== watched) {
        watched = round
        return
      }
      // It is ended now, by this relay or by another at the same moment.
      watched = round + 1
      if (yield* rounds.end(round)) yield* forget(watched - roundsOfLife)
    })

    const missed = Effect.fnUntraced(function* ({ message }: E) {
      watched = undefined
      yield* Metric.update(turnsMissed, 1)
      if (!isAway) yield* Effect.logWarning(message)
      isAway = true
    })

    return turn.pipe(
      Effect.catch(missed),
      Effect.andThen(Metric.update(turns, 1)),
      Effect.andThen(Effect.sleep(Duration.millis(lifeMs / roundsOfLife))),
      Effect.forever
    )
  })
