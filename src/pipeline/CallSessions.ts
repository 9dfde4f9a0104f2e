import { Context, Effect, Layer, Stream } from "effect"
import { PlanFeed } from "../actor/PlanFeed.ts"
import type { ForwardingPlan } from "../call/ForwardingPlan.ts"
import type { CallId } from "../protocol/Ids.ts"
import type { StreamDescription } from "../protocol/StreamDescription.ts"
import * as CallTable from "./CallTable.ts"
import { Directives } from "./Directives.ts"
import * as LegTable from "./LegTable.ts"
import * as LegTimers from "./LegTimers.ts"
import { RelayCore } from "./RelayCore.ts"
import type { Session } from "./Session.ts"

/** Plans of calls that have no session here yet, the oldest are forgotten first: an answer is on its way for a moment. */
const earlyPlansMax = 1024

const isSameRoster = (a: ForwardingPlan, b: ForwardingPlan): boolean =>
  a.participants.length === b.participants.length &&
  a.participants.every(({ id, streams }, i) => {
    const other = b.participants[i]!
    return id === other.id && streams.length === other.streams.length && streams.every(isStream(other.streams))
  })

const isStream =
  (others: ReadonlyArray<StreamDescription>) =>
  ({ clockRate, codec, kind, ssrc }: StreamDescription, i: number): boolean => {
    const other = others[i]!
    return ssrc === other.ssrc && kind === other.kind && clockRate === other.clockRate && codec === other.codec
  }

/** Opens and closes sessions, and keeps the plans of their calls up to date. */
export class CallSessions extends Context.Service<
  CallSessions,
  {
    /** Replaces the session that the participant had here before, if any. */
    readonly open: (session: Session, plan: ForwardingPlan) => Effect.Effect<void>
    /** Media stops at once; the call's actor is not told. */
    readonly close: (session: Session) => Effect.Effect<void>
  }
>()("tandem/pipeline/CallSessions") {
  static readonly layer = Layer.effect(
    CallSessions,
    Effect.gen(function* () {
      const { calls, forwarding, options } = yield* RelayCore
      const directives = yield* Directives
      const feed = yield* PlanFeed
      // A plan may overtake the answer to the join that it follows upon.
      const earlyPlans = new Map<CallId, ForwardingPlan>()

      const apply = Effect.fnUntraced(function* (call: CallTable.LocalCall, plan: ForwardingPlan) {
        const before = call.plan
        if (!CallTable.applyPlan(call, plan)) return
        // An address that has changed is nobody else's business.
        if (before !== undefined && isSameRoster(before, plan)) return
        yield* Effect.forEach(call.sessions.values(), (session) => directives.sendRoster(session, plan), {
          discard: true
        })
      })

      const keepEarly = (id: CallId, plan: ForwardingPlan): void => {
        if (!plan.participants.some(({ relay }) => relay === options.relayId)) return
        earlyPlans.delete(id)
        earlyPlans.set(id, plan)
        if (earlyPlans.size <= earlyPlansMax) return
        const [oldest] = earlyPlans.keys()
        earlyPlans.delete(oldest!)
      }

      const watch = Stream.runForEach(feed.watch(options.relayId), ({ call: id, plan }) => {
        const call = calls.calls.get(id)
        return (call === undefined ? Effect.sync(() => keepEarly(id, plan)) : apply(call, plan)).pipe(
          // One plan that cannot be applied must not be the last that is.
          Effect.catchDefect((defect) => Effect.logError("a plan could not be applied", defect))
        )
      })

      const close = Effect.fnUntraced(function* (session: Session) {
        LegTable.remove(forwarding.legs, session.leg)
        LegTimers.remove(forwarding.timers, session.leg)
        CallTable.remove(calls, session)
        yield* directives.forget(session)
      })

      const open = Effect.fnUntraced(function* (session: Session, plan: ForwardingPlan) {
        const before = calls.calls.get(session.call)?.sessions.get(session.participant)
        LegTable.add(forwarding.legs, session.leg)
        const call = CallTable.add(calls, session)
        if (before !== undefined) {
          LegTable.remove(forwarding.legs, before.leg)
          LegTimers.remove(forwarding.timers, before.leg)
          calls.sessionsByTag.delete(before.leg.hop.receive.legTag)
          yield* directives.forget(before)
        }
        // A plan that the feed has brought already is as new; then only the new leg has to be connected.
        if (call.plan !== undefined) {
          CallTable.connect(call, call.plan)
          yield* directives.sendRoster(session, call.plan)
        }
        yield* apply(call, plan)
        const early = earlyPlans.get(call.id)
        earlyPlans.delete(call.id)
        if (early !== undefined) yield* apply(call, early)
      })

      yield* Effect.forkScoped(watch, { startImmediately: true })

      return CallSessions.of({ open, close })
    })
  )
}
