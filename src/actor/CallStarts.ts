import { Context, Effect, Layer } from "effect"
import type { CallId, RelayId } from "../protocol/Ids.ts"
import type { CallReport } from "./CallReports.ts"
import { Call } from "./CallRpcs.ts"

/**
 * As many as keep the store's connections busy. When a node has died thousands of calls want their actors at once: were all
 * of them begun together, each would be answered too late, and asked for anew before the first attempt has ended.
 */
const startsMax = 32
/** Longer than a store takes that is well. Whoever is left behind here is asked for again by the next report. */
const startTimeout = "5 seconds"

/**
 * Brings reports to actors by their mailbox: this starts those that do not run, and tells the cluster of those that do that
 * they are needed. One attempt for a call at a time, the others in the order in which they were first asked for; so what
 * waits is bounded by the number of calls.
 */
export class CallStarts extends Context.Service<
  CallStarts,
  {
    /** Waits for nobody. There is nothing to start a call that rests for. */
    readonly put: (relay: RelayId, report: CallReport) => Effect.Effect<void>
  }
>()("tandem/actor/CallStarts") {
  static readonly layer = Layer.effect(
    CallStarts,
    Effect.gen(function* () {
      const callOf = yield* Call.client
      const scope = yield* Effect.scope
      const waiting = new Map<CallId, { readonly relay: RelayId; readonly report: CallReport }>()
      const underWay = new Set<CallId>()
      let workers = 0

      const work: Effect.Effect<void> = Effect.suspend(() => {
        const [next] = waiting.values()
        // Counted in the same step in which nothing is found, so that nothing is put where nobody looks any more.
        if (next === undefined) {
          workers--
          return Effect.void
        }
        const { call } = next.report
        waiting.delete(call)
        underWay.add(call)
        return callOf(call)
          .Report(next)
          .pipe(
            Effect.timeout(startTimeout),
            Effect.exit,
            Effect.andThen(Effect.sync(() => underWay.delete(call))),
            Effect.andThen(work)
          )
      })

      return CallStarts.of({
        put: (relay, report) =>
          Effect.suspend(() => {
            if (!report.isActive || underWay.has(report.call)) return Effect.void
            waiting.set(report.call, { relay, report })
            if (workers === startsMax) return Effect.void
            workers++
            return Effect.asVoid(Effect.forkIn(work, scope))
          })
      })
    })
  )
}
