import { Array, Effect, Layer, Schedule } from "effect"
import { CallLocator } from "../actor/CallLocator.ts"
import { type CallReport, CallReports } from "../actor/CallReports.ts"
import * as SendLeg from "../media/SendLeg.ts"
import { Throttle } from "../throttle/Throttle.ts"
import * as CallReporting from "./CallReporting.ts"
import type { LocalCall } from "./CallTable.ts"
import * as DeviceNews from "./DeviceNews.ts"
import { Directives } from "./Directives.ts"
import * as Lingering from "./Lingering.ts"
import { RelayCore } from "./RelayCore.ts"
import { RelayPeers } from "./RelayPeers.ts"
import * as VideoReturn from "./VideoReturn.ts"

/** While media flows a call is reported with every turn. Milliseconds. */
const turnMs = 200
/** Otherwise this often, to who cares. Milliseconds. */
const restingReportMs = 10_000
const { nothingNew } = CallReporting
/** Of fewer nobody has to be chosen. */
const groupMin = 3
/** The store forgets calls that nobody has kept for ten minutes. */
const keepEvery = "1 minute"
const keepAgainAfter = "2 seconds"
const keptAtOnce = 500

/** What a relay does for its calls at regular times: it reports them to their actors, and keeps them in the store. */
export const layer = Layer.effectDiscard(
  Effect.gen(function* () {
    const { calls, forwarding, nowMs, options, relief, routing } = yield* RelayCore
    const reports = yield* CallReports
    const peers = yield* RelayPeers
    const directives = yield* Directives
    const locator = yield* CallLocator
    const throttle = yield* Throttle
    const videoReturn = VideoReturn.make()

    const isActive = ({ sessions }: LocalCall): boolean => {
      const since = nowMs() - SendLeg.quietAfterMs
      for (const { leg } of sessions.values()) {
        if (leg.hop.receive.lastMediaAtMs > since || leg.hop.send.lastMediaAtMs > since) return true
      }
      return false
    }

    const mediaNewsOf = ({ plan, sessions }: LocalCall): Pick<CallReport, "volumes" | "uplinks"> => {
      const isGroup = plan !== undefined && plan.participants.length >= groupMin
      const volumes = isGroup ? DeviceNews.volumes(sessions.values()) : nothingNew
      const uplinks = DeviceNews.uplinks(sessions.values(), nowMs())
      return { ...(volumes.length > 0 && { volumes }), ...(uplinks.length > 0 && { uplinks }) }
    }

    const dueReports = (): ReadonlyArray<CallReport> => {
      relief.load = throttle.fullness()
      VideoReturn.poll(videoReturn, relief, nowMs())
      const due: Array<CallReport> = []
      for (const call of calls.calls.values()) {
        const active = isActive(call) || VideoReturn.isAwaited(videoReturn, call.plan, nowMs())
        if (call.confirmed === undefined || (!active && nowMs() - call.reportedAtMs < restingReportMs)) continue
        call.reportedAtMs = nowMs()
        const devices = [...call.sessions.values()]
        const subscriptions = DeviceNews.subscriptions(devices, call.confirmed.version.ownerEpoch, nowMs())
        const report = CallReporting.reportOf(relief, call, {
          isActive: active,
          estimates: active ? DeviceNews.estimates(devices, nowMs()) : nothingNew,
          ...(subscriptions.length > 0 && { subscriptions }),
          ...(active && mediaNewsOf(call))
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
