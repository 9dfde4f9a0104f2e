import { Context, Effect, FiberMap, Layer, Stream } from "effect"
import { Call } from "../actor/CallRpcs.ts"
import type { ForwardingPlan } from "../call/ForwardingPlan.ts"
import type { CallId } from "../protocol/Ids.ts"
import type { StreamDescription } from "../protocol/StreamDescription.ts"
import * as CallTable from "./CallTable.ts"
import { Directives } from "./Directives.ts"
import * as LegTable from "./LegTable.ts"
import * as LegTimers from "./LegTimers.ts"
import { RelayCore } from "./RelayCore.ts"
import type { Session } from "./Session.ts"

/** Before the plan is watched again when the actor has gone. */
const watchAgainAfter = "200 millis"

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
      const { calls, forwarding } = yield* RelayCore
      const directives = yield* Directives
      const clientOf = yield* Call.client
      const watchers = yield* FiberMap.make<CallId>()

      const apply = Effect.fnUntraced(function* (call: CallTable.LocalCall, plan: ForwardingPlan) {
        const before = call.plan
        if (!CallTable.applyPlan(call, plan)) return
        // An address that has changed is nobody else's business.
        if (before !== undefined && isSameRoster(before, plan)) return
        yield* Effect.forEach(call.sessions.values(), (session) => directives.sendRoster(session, plan), {
          discard: true
        })
      })

      /** For as long as the call has participants here: the actor may move, restart or be away for a while. */
      const watch = (id: CallId) =>
        Stream.runForEach(clientOf(id).WatchPlan(undefined, { streamBufferSize: 1 }), (plan) => {
          const call = calls.calls.get(id)
          return call === undefined ? Effect.void : apply(call, plan)
        }).pipe(
          Effect.catchCause((cause) => Effect.logDebug("the plan is watched again", cause)),
          Effect.andThen(Effect.sleep(watchAgainAfter)),
          Effect.forever
        )

      const close = Effect.fnUntraced(function* (session: Session) {
        LegTable.remove(forwarding.legs, session.leg)
        LegTimers.remove(forwarding.timers, session.leg)
        CallTable.remove(calls, session)
        yield* directives.forget(session)
        if (!calls.calls.has(session.call)) yield* FiberMap.remove(watchers, session.call)
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
        // A plan that the watcher has brought already is as new; then only the new leg has to be connected.
        if (call.plan !== undefined) {
          CallTable.connect(call, call.plan)
          yield* directives.sendRoster(session, call.plan)
        }
        yield* apply(call, plan)
        yield* FiberMap.run(watchers, call.id, watch(call.id), { onlyIfMissing: true })
      })

      return CallSessions.of({ open, close })
    })
  )
}
