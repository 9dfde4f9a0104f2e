import { Effect, Schedule, Stream } from "effect"
import { type CallReport, CallReports } from "../../../src/actor/CallReports.ts"
import { Call } from "../../../src/actor/CallRpcs.ts"
import { PlanFeed } from "../../../src/actor/PlanFeed.ts"
import * as CallVersion from "../../../src/call/CallVersion.ts"
import * as PlanVersion from "../../../src/call/PlanVersion.ts"
import { RelayDirectory } from "../../../src/cluster/RelayDirectory.ts"
import type { CallId } from "../../../src/protocol/Ids.ts"
import { join, place } from "../../call/Commands.ts"

const nothingNew = new Uint8Array()
/** As often as a relay reports calls in which media flows. */
const turn = "200 millis"
/** As many as a relay carries out at once: see ControlPipeline. */
const joinsAtOnce = 64
/** Whether all calls have recovered. When they did is known to the moment. */
const look = "50 millis"
const askAgain = { schedule: Schedule.spaced("200 millis"), times: 20 }
/** In each call. */
const participants = [1, 2]

const self = place("relay-a")

/** What the relay knows of one call. */
interface LocalCall {
  readonly legTags: ReadonlyArray<number>
  /** Of the newest plan. */
  version: PlanVersion.PlanVersion
  /** Of the first plan of another owner than the one that its participants have joined with. */
  newOwner: NewOwner | undefined
}

interface NewOwner {
  /** When the plan has come. `performance.now()`. */
  readonly heardAtMs: number
  /** When the owner has taken the call over, which is the owner epoch. Unix time. */
  readonly sinceUnixMs: number
}

/**
 * A relay as the decision layer sees it: it is in the directory, its devices join, it takes plans in and reports the version
 * that it has. It forwards nothing, so that what is measured is how long calls are without an actor.
 */
export interface StandInRelay {
  /**
   * How long after the moment each call had a plan of a new owner; calls that had none within `waitMs` are missing.
   * Milliseconds. Fails if calls had a new owner before: theirs has not died at that moment.
   */
  readonly recoveries: (atMs: number, waitMs: number) => Effect.Effect<ReadonlyArray<number>, Error>
}

/** Everybody of one call comes, one after the other, and nobody has an address, a leg or a stream of somebody else. */
const enter = Effect.fnUntraced(function* (id: CallId, index: number) {
  const call = (yield* Call.client)(id)
  const legTags = participants.map((person) => 2 * index + person)
  let version = PlanVersion.of(CallVersion.none, 0)
  for (const [order, legTag] of legTags.entries()) {
    const address = `10.${index >> 8}.${index & 255}.${participants[order]!}:5000`
    const command = join(legTag, { relay: self, address, legTag, deviceLegTag: legTag })
    // On a busy machine nodes lose their connections. A device asks again.
    const { plan } = yield* Effect.retry(call.Join(command), askAgain)
    version = plan.version
  }
  return { legTags, version, newOwner: undefined } satisfies LocalCall as LocalCall
})

/** Everybody is in the calls when this has run. The relay goes with the scope. */
export const make = Effect.fnUntraced(function* (ids: ReadonlyArray<CallId>) {
  const directory = yield* RelayDirectory
  const feed = yield* PlanFeed
  const reports = yield* CallReports
  const calls = new Map<CallId, LocalCall>()

  yield* directory.register({ relay: self.id, incarnation: 1, address: self.address, keyFingerprints: ["bench"] })

  yield* feed.watch(self.id).pipe(
    Stream.runForEach(({ call: id, plan: { version } }) =>
      Effect.sync(() => {
        const call = calls.get(id)
        if (call === undefined || !PlanVersion.isNewer(version, call.version)) return
        if (version.ownerEpoch > call.version.ownerEpoch) {
          call.newOwner ??= { heardAtMs: performance.now(), sinceUnixMs: version.ownerEpoch }
        }
        call.version = version
      })
    ),
    Effect.forkScoped({ startImmediately: true })
  )

  // From the first call on: an actor that hears nothing goes, and the next report would bring a new owner.
  const reportAll = Effect.suspend(() =>
    reports.send(
      self.id,
      [...calls].map(([call, { legTags, version }]): CallReport => ({
        call,
        version,
        legTags,
        isActive: true,
        estimates: nothingNew,
        volumes: nothingNew,
        subscriptions: nothingNew
      }))
    )
  )
  yield* reportAll.pipe(Effect.andThen(Effect.sleep(turn)), Effect.forever, Effect.forkScoped)

  yield* Effect.forEach(ids, (id, index) => Effect.map(enter(id, index), (call) => calls.set(id, call)), {
    concurrency: joinsAtOnce,
    discard: true
  })

  const recoveries = Effect.fnUntraced(function* (atMs: number, waitMs: number) {
    const newOwners = () => [...calls.values()].flatMap(({ newOwner }) => newOwner ?? [])
    while (newOwners().length < calls.size && performance.now() < atMs + waitMs) yield* Effect.sleep(look)
    const atUnixMs = Math.floor(performance.timeOrigin + atMs)
    const moved = newOwners().filter(({ sinceUnixMs }) => sinceUnixMs < atUnixMs).length
    if (moved > 0) return yield* Effect.fail(new Error(`${moved} calls have moved before their node has died`))
    return newOwners().map(({ heardAtMs }) => heardAtMs - atMs)
  })
  return { recoveries } satisfies StandInRelay
})
