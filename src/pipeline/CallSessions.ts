import { Clock, Context, Effect, Layer, Stream } from "effect"
import { PlanFeed } from "../actor/PlanFeed.ts"
import { carriedOn, type ForwardingPlan } from "../call/ForwardingPlan.ts"
import * as LegAge from "../call/LegAge.ts"
import * as PlanVersion from "../call/PlanVersion.ts"
import { isAhead, provisional, type Relocation } from "../call/Relocation.ts"
import type { CallId } from "../protocol/Ids.ts"
import * as QualityExtra from "../protocol/QualityExtra.ts"
import { isSameStreams } from "../protocol/StreamDescription.ts"
import * as BoundedMap from "./BoundedMap.ts"
import * as CallRoutes from "./CallRoutes.ts"
import * as CallTable from "./CallTable.ts"
import { Directives } from "./Directives.ts"
import * as LegTable from "./LegTable.ts"
import * as LegTimers from "./LegTimers.ts"
import * as Lingering from "./Lingering.ts"
import { RelayCore } from "./RelayCore.ts"
import * as SentVideo from "./SentVideo.ts"
import type { Session } from "./Session.ts"

/** Plans of calls that have no session here yet, the oldest are forgotten first: an answer is on its way for a moment. */
const earlyPlansMax = 1024

const isSameRoster = (a: ForwardingPlan, b: ForwardingPlan): boolean =>
  a.participants.length === b.participants.length &&
  a.participants.every(({ id, streams }, i) => {
    const other = b.participants[i]!
    return id === other.id && isSameStreams(streams, other.streams)
  })

/** Opens and closes sessions, and keeps the plans of their calls up to date. */
export class CallSessions extends Context.Service<
  CallSessions,
  {
    /**
     * Replaces the session that the participant had here before, if any. With a relocation the plan is an old one, and the
     * participant has come without the call's actor.
     */
    readonly open: (session: Session, plan: ForwardingPlan, relocation?: Relocation) => Effect.Effect<void>
    /** Media stops at once; the call's actor is not told. */
    readonly close: (session: Session) => Effect.Effect<void>
    /** What the call's actor has decided. Calls that have no session here are not concerned. */
    readonly apply: (call: CallId, plan: ForwardingPlan) => Effect.Effect<void>
    /** A participant has come to another relay, which the call's actor has not confirmed. */
    readonly relocate: (call: CallId, relocation: Relocation) => Effect.Effect<void>
  }
>()("tandem/pipeline/CallSessions") {
  static readonly layer = Layer.effect(
    CallSessions,
    Effect.gen(function* () {
      const { calls, forwarding, nowMs, options, relief, routing } = yield* RelayCore
      const directives = yield* Directives
      const feed = yield* PlanFeed
      // A plan may overtake the answer to the join that it follows upon.
      const earlyPlans = BoundedMap.make<CallId, ForwardingPlan>(earlyPlansMax)

      /** What is on its way to a participant's old leg, or from it, still gets where it belongs. */
      const leaveBehind = Effect.fnUntraced(function* (session: Session) {
        CallTable.remove(calls, session)
        Lingering.add(routing.lingering, session.leg, nowMs())
        yield* directives.forget(session)
      })

      const connect = (call: CallTable.LocalCall): void => {
        if (call.sessions.size > 0) CallRoutes.connect(routing, call, nowMs())
        else CallRoutes.disconnect(routing, call, nowMs())
      }

      const close = Effect.fnUntraced(function* (session: Session) {
        LegTable.remove(forwarding.legs, session.leg)
        LegTimers.remove(forwarding.timers, session.leg)
        const call = CallTable.remove(calls, session)
        if (call !== undefined) connect(call)
        yield* directives.forget(session)
      })

      /** Of those who were here: who is elsewhere now, and who has left the call. */
      const letGo = Effect.fnUntraced(function* (call: CallTable.LocalCall, plan: ForwardingPlan) {
        for (const session of call.sessions.values()) {
          const planned = plan.participants.find(({ id }) => id === session.participant)
          if (planned === undefined) yield* close(session)
          // A plan with an older leg was made before the session was.
          else if (planned.relay !== options.relayId && !LegAge.isNewer(session, planned)) yield* leaveBehind(session)
        }
      })

      /** Those who are here: what of their video nobody wants. */
      const tellOfVideo = Effect.fnUntraced(function* (call: CallTable.LocalCall, plan: ForwardingPlan) {
        const unixSeconds = Math.floor((yield* Clock.currentTimeMillis) / 1000)
        for (const session of call.sessions.values()) {
          const news = SentVideo.newsOf(session, plan, unixSeconds)
          if (news !== undefined) yield* directives.sendVideo(session, news)
        }
      })

      const follow = Effect.fnUntraced(function* (call: CallTable.LocalCall, confirmed: ForwardingPlan) {
        const before = call.plan
        call.confirmed = confirmed
        for (const [id, relocation] of call.relocations) {
          if (!isAhead(confirmed, relocation)) call.relocations.delete(id)
        }
        const plan = provisional(confirmed, [...call.relocations.values()])
        call.plan = plan
        yield* letGo(call, plan)
        connect(call)
        yield* tellOfVideo(call, plan)
        // An address that has changed is nobody else's business.
        if (before !== undefined && isSameRoster(before, plan)) return
        yield* Effect.forEach(call.sessions.values(), (session) => directives.sendRoster(session, plan), {
          discard: true
        })
      })

      const applyTo = (call: CallTable.LocalCall, plan: ForwardingPlan): Effect.Effect<void> =>
        call.confirmed === undefined
          ? follow(call, plan)
          : PlanVersion.isNewer(plan.version, call.confirmed.version)
            ? follow(call, carriedOn(plan, call.confirmed))
            : Effect.void

      const keepEarly = (id: CallId, plan: ForwardingPlan): void => {
        if (!plan.participants.some(({ relay }) => relay === options.relayId)) return
        BoundedMap.set(earlyPlans, id, plan)
      }

      const relocate = (id: CallId, relocation: Relocation) =>
        Effect.suspend(() => {
          const call = calls.calls.get(id)
          const known = call?.relocations.get(relocation.participant)
          const isNews = known === undefined || LegAge.isNewer(relocation, known)
          if (call?.confirmed === undefined || !isNews || !isAhead(call.confirmed, relocation)) return Effect.void
          call.relocations.set(relocation.participant, relocation)
          return follow(call, call.confirmed)
        })

      const open = Effect.fnUntraced(function* (session: Session, plan: ForwardingPlan, relocation?: Relocation) {
        const before = calls.calls.get(session.call)?.sessions.get(session.participant)
        LegTable.add(forwarding.legs, session.leg)
        if (before !== undefined) {
          calls.sessionsByTag.delete(before.leg.receiveTag)
          Lingering.add(routing.lingering, before.leg, nowMs())
          yield* directives.forget(before)
        }
        const call = CallTable.add(calls, session)
        // A plan that the feed has brought already is as new; then only the new leg has to be connected.
        if (call.plan !== undefined) {
          connect(call)
          yield* directives.sendRoster(session, call.plan)
          yield* tellOfVideo(call, call.plan)
        }
        if (relocation !== undefined) call.relocations.set(relocation.participant, relocation)
        yield* applyTo(call, plan)
        if (relocation !== undefined && call.confirmed !== undefined) yield* follow(call, call.confirmed)
        const early = BoundedMap.get(earlyPlans, call.id)
        BoundedMap.remove(earlyPlans, call.id)
        if (early !== undefined) yield* applyTo(call, early)
        // A device whose session was restored may still go without what another relay has withheld.
        if (relief.withheld !== 0 || session.restoredAtMs > -Infinity)
          yield* directives.sendExtras(session, QualityExtra.fromBits(relief.withheld))
      })

      const apply = (id: CallId, plan: ForwardingPlan) =>
        Effect.suspend(() => {
          const call = calls.calls.get(id)
          return call === undefined ? Effect.sync(() => keepEarly(id, plan)) : applyTo(call, plan)
        })

      const watch = Stream.runForEach(feed.watch(options.relayId), ({ call, plan }) =>
        // One plan that cannot be applied must not be the last that is.
        Effect.catchDefect(apply(call, plan), (defect) => Effect.logError("a plan could not be applied", defect))
      )
      yield* Effect.forkScoped(watch, { startImmediately: true })

      return CallSessions.of({ open, close, apply, relocate })
    })
  )
}
