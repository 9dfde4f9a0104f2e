import { Context, Effect, Layer } from "effect"
import type { CallId } from "../protocol/Ids.ts"
import type { SignedReport } from "./CallReports.ts"
import { Call } from "./CallRpcs.ts"
import { ResidentCalls } from "./ResidentCalls.ts"

/**
 * When a node has died thousands of calls want their actors at once. What is bounded is what is under way at a time, and with
 * it what the store is asked; that takes nothing off how long all of them take together, which was measured (decision 0013).
 */
const startsMax = 32
/** Longer than a store takes that is well. Whoever is left behind here is asked for again by the next report. */
const startTimeout = "5 seconds"

/**
 * Messages to actors because of reports: the first starts one that does not run, and those after it tell the cluster that it
 * is needed. One start for a call at a time, the others in the order in which they were first asked for; so what waits is
 * bounded by the number of calls. Who runs already waits behind nobody.
 */
export class CallStarts extends Context.Service<
  CallStarts,
  {
    /** Waits for nobody. There is nothing to start a call that rests for. */
    readonly put: (report: SignedReport) => Effect.Effect<void>
    /** Keeps an actor that runs. Waits for nobody. */
    readonly touch: (call: CallId) => Effect.Effect<void>
  }
>()("tandem/actor/CallStarts") {
  static readonly layer = Layer.effect(
    CallStarts,
    Effect.gen(function* () {
      const callOf = yield* Call.client
      const scope = yield* Effect.scope
      const waiting = new Map<CallId, SignedReport>()
      const underWay = new Set<CallId>()
      const touches = new Set<CallId>()
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
        return attempt(
          underWay,
          call,
          Effect.suspend(() => callOf(call).Report(next))
        ).pipe(Effect.andThen(work))
      })

      return CallStarts.of({
        put: (signed) =>
          Effect.suspend(() => {
            const { call, isActive } = signed.report
            if (!isActive || underWay.has(call)) return Effect.void
            waiting.set(call, signed)
            if (workers === startsMax) return Effect.void
            workers++
            return Effect.asVoid(Effect.forkIn(work, scope))
          }),
        touch: (call) =>
          Effect.suspend(() => {
            if (touches.has(call)) return Effect.void
            touches.add(call)
            const touched = Effect.suspend(() => callOf(call).Touch())
            return Effect.asVoid(Effect.forkIn(attempt(touches, call, touched), scope))
          })
      })
    })
  )
}

/** However it ends, it is over then. */
const attempt = <A, E>(underWay: Set<CallId>, call: CallId, message: Effect.Effect<A, E>): Effect.Effect<void> =>
  message.pipe(
    Effect.timeout(startTimeout),
    Effect.exit,
    Effect.ensuring(Effect.sync(() => underWay.delete(call))),
    Effect.asVoid
  )

const deliver = Effect.fnUntraced(function* (signed: SignedReport) {
  const { relay, report } = signed
  const residents = yield* ResidentCalls
  const starts = yield* CallStarts
  if (!(yield* residents.report(relay, report))) return yield* starts.put(signed)
  if (report.isActive && residents.needsTouch(report.call)) yield* starts.touch(report.call)
})

/** Each is work for an actor, done on the spot: after so many of them packets have their turn. */
const inARow = 8

/** Reports of calls whose actors run on this node, or should: to those that run by their memory, always. */
export const deliverAll = (
  reports: ReadonlyArray<SignedReport>
): Effect.Effect<void, never, ResidentCalls | CallStarts> =>
  Effect.forEach(
    reports,
    (signed, at) => {
      const delivered = deliver(signed)
      return at > 0 && at % inARow === 0 ? Effect.andThen(Effect.yieldNow, delivered) : delivered
    },
    { discard: true }
  )
