import { Array, Effect, Layer, Schedule } from "effect"
import { CallLocator } from "../actor/CallLocator.ts"
import { type CallReport, CallReports } from "../actor/CallReports.ts"
import * as LegEstimate from "../call/LegEstimate.ts"
import * as Subscription from "../call/Subscription.ts"
import * as Uplinks from "../call/Uplinks.ts"
import * as Volumes from "../call/Volumes.ts"
import * as SendLeg from "../media/SendLeg.ts"
import * as VolumeMeter from "../media/VolumeMeter.ts"
import * as CallReporting from "./CallReporting.ts"
import type { LocalCall } from "./CallTable.ts"
import { Directives } from "./Directives.ts"
import * as LegSummary from "./LegSummary.ts"
import * as Lingering from "./Lingering.ts"
import { RelayCore } from "./RelayCore.ts"
import { RelayPeers } from "./RelayPeers.ts"
import type { Session } from "./Session.ts"
import * as UplinkNews from "./UplinkNews.ts"

/** While media flows a call is reported with every turn. Milliseconds. */
const turnMs = 200
/** Otherwise this often, to who cares. Milliseconds. */
const restingReportMs = 10_000
const { nothingNew } = CallReporting
/** What was told and has not changed. Milliseconds. */
const repeatMs = 5000
/** Of fewer nobody has to be chosen. */
const groupMin = 3
/** The store forgets calls that nobody has kept for ten minutes. */
const keepEvery = "1 minute"
const keepAgainAfter = "2 seconds"
const keptAtOnce = 500

/** What a relay does for its calls at regular times: it reports them to their actors, and keeps them in the store. */
export const layer = Layer.effectDiscard(
  Effect.gen(function* () {
    const { calls, forwarding, nowMs, options, routing } = yield* RelayCore
    const reports = yield* CallReports
    const peers = yield* RelayPeers
    const directives = yield* Directives
    const locator = yield* CallLocator

    const isActive = ({ sessions }: LocalCall): boolean => {
      const since = nowMs() - SendLeg.quietAfterMs
      for (const { leg } of sessions.values()) {
        if (leg.hop.receive.lastMediaAtMs > since || leg.hop.send.lastMediaAtMs > since) return true
      }
      return false
    }

    const summaries = new WeakMap<Session, LegSummary.LegSummary>()
    const newsOf = ({ sessions }: LocalCall): Uint8Array => {
      const news: Array<LegEstimate.LegEstimate> = []
      for (const session of sessions.values()) {
        const summary = summaries.get(session) ?? LegSummary.make()
        summaries.set(session, summary)
        const estimate = LegSummary.poll(summary, session.leg, nowMs())
        if (estimate !== undefined) news.push(estimate)
      }
      return news.length === 0 ? nothingNew : LegEstimate.encode(news)
    }

    const volumesOf = ({ plan, sessions }: LocalCall): Pick<CallReport, "volumes"> => {
      if (plan === undefined || plan.participants.length < groupMin) return {}
      const volumes: Array<Volumes.Volume> = []
      for (const { leg } of sessions.values()) {
        // Of several it is the voice that comes first. Who is silent is told of too: it is known that he is.
        const voice = leg.streams.find(({ gate }) => gate?.volume.isKnown)?.gate
        if (voice !== undefined) volumes.push({ legTag: leg.receiveTag, levels: VolumeMeter.take(voice.volume) })
      }
      return volumes.length === 0 ? {} : { volumes: Volumes.encode(volumes) }
    }

    const toldUplinks = new WeakMap<Session, UplinkNews.UplinkNews>()
    const uplinksOf = ({ sessions }: LocalCall): Pick<CallReport, "uplinks"> => {
      const news: Array<Uplinks.Uplink> = []
      for (const session of sessions.values()) {
        const told = toldUplinks.get(session) ?? UplinkNews.make()
        toldUplinks.set(session, told)
        const { receiveTag: legTag, uplinkBps } = session.leg
        if (UplinkNews.poll(told, uplinkBps, nowMs())) news.push({ legTag, uplinkBps })
      }
      return news.length === 0 ? {} : { uplinks: Uplinks.encode(news) }
    }

    const told = new WeakMap<
      Session,
      { readonly version: number; readonly ownerEpoch: number; readonly atMs: number }
    >()
    /** A new owner knows of none; and what is told may be lost. */
    const subscriptionsOf = ({ sessions }: LocalCall, ownerEpoch: number): Pick<CallReport, "subscriptions"> => {
      const news: Array<Subscription.LegSubscription> = []
      for (const session of sessions.values()) {
        const { leg, subscription } = session
        if (subscription === undefined) continue
        const last = told.get(session)
        const isTold = last?.version === subscription.version && last.ownerEpoch === ownerEpoch
        if (isTold && nowMs() - last.atMs < repeatMs) continue
        told.set(session, { version: subscription.version, ownerEpoch, atMs: nowMs() })
        news.push({ legTag: leg.receiveTag, subscription })
      }
      return news.length === 0 ? {} : { subscriptions: Subscription.encode(news) }
    }

    const dueReports = (): ReadonlyArray<CallReport> => {
      const due: Array<CallReport> = []
      for (const call of calls.calls.values()) {
        const active = isActive(call)
        if (call.confirmed === undefined || (!active && nowMs() - call.reportedAtMs < restingReportMs)) continue
        call.reportedAtMs = nowMs()
        const report = CallReporting.reportOf(call, {
          isActive: active,
          estimates: active ? newsOf(call) : nothingNew,
          ...(active && volumesOf(call)),
          ...subscriptionsOf(call, call.confirmed.version.ownerEpoch),
          ...(active && uplinksOf(call))
        })
        if (report !== undefined) due.push(report)
      }
      return due
    }

    const turn = Effect.suspend(() => {
      Lingering.sweep(routing.lingering, forwarding, nowMs())
      const due = dueReports()
      return due.length === 0 ? Effect.void : reports.send(options.relayId, due)
    })

    let edition = peers.edition()
    /** A device whose relay dies has only those that it was told of. */
    const tellOfRelays = Effect.suspend(() => {
      if (peers.edition() === edition) return Effect.void
      edition = peers.edition()
      return Effect.forEach([...calls.sessionsByTag.values()], directives.sendRelays, { discard: true })
    })

    const keepAll = Effect.suspend(() => {
      const ids = [...calls.calls.values()].map(({ id }) => id)
      return Effect.forEach(Array.chunksOf(ids, keptAtOnce), locator.keep, { discard: true })
    }).pipe(
      Effect.tapError((error) => Effect.logWarning(error.message)),
      Effect.retry(Schedule.spaced(keepAgainAfter)),
      Effect.ignore
    )

    // One turn that fails must not be the last: what has been missed is found out by reports alone.
    const guarded = Effect.catchDefect(Effect.andThen(turn, tellOfRelays), (defect) =>
      Effect.logError("calls could not be reported", defect)
    )
    yield* guarded.pipe(Effect.andThen(Effect.sleep(turnMs)), Effect.forever, Effect.forkScoped)
    yield* Effect.sleep(keepEvery).pipe(Effect.andThen(keepAll), Effect.forever, Effect.forkScoped)
  })
)
