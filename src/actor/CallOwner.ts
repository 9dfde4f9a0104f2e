import { Clock, Effect, Metric, Result, Semaphore } from "effect"
import * as CallDecision from "../call/CallDecision.ts"
import type { CallState } from "../call/CallState.ts"
import * as CallVersion from "../call/CallVersion.ts"
import { type ForwardingPlan, planOf } from "../call/ForwardingPlan.ts"
import type { LegEstimate } from "../call/LegEstimate.ts"
import * as PlanVersion from "../call/PlanVersion.ts"
import type { CallId, ParticipantId, RelayId } from "../protocol/Ids.ts"
import { CallStore, CallStoreError } from "../state/CallStore.ts"
import type { CallReport } from "./CallReports.ts"
import * as Checkpoints from "./Checkpoints.ts"
import * as GroupDecisions from "../call/GroupDecisions.ts"
import * as LegEstimates from "./LegEstimates.ts"
import { PlanFeed } from "./PlanFeed.ts"
import * as ReportLedger from "./ReportLedger.ts"

/** Calls that a new owner has loaded. */
export const takeOvers = Metric.counter("tandem_call_take_overs_total", { incremental: true })
/** Calls that somebody else was found to have written. */
export const ownershipsLost = Metric.counter("tandem_call_ownerships_lost_total", { incremental: true })
/** Changes that took effect before they were saved, because the store was away. */
export const savesDelayed = Metric.counter("tandem_call_saves_delayed_total", { incremental: true })

/** Unix time in whole milliseconds, as versions and participants have it: a virtual clock may stand between two. */
const unixMs = Effect.map(Clock.currentTimeMillis, Math.floor)
/** For how long ago something was: goes on as before when the clock is set. Milliseconds. */
const steadyMs = Effect.map(Clock.monotonicTimeNanos, (nanos) => Number(nanos) / 1_000_000)

/** The call as its owner has it in memory. */
interface Held {
  readonly state: CallState
  /** The version in the store: older than the state while a change, or the new owner's epoch, waits to be saved. */
  readonly stored: CallVersion.CallVersion
}

/** What a relay has measured of a participant's leg. */
export interface ParticipantEstimate extends LegEstimate {
  readonly participant: ParticipantId
  readonly relay: RelayId
  /** Since it was reported. Milliseconds. */
  readonly ageMs: number
}

/** What follows from the state, or why nothing does. */
type Decide<D extends CallDecision.Decision, E> = (state: CallState, unixMs: number) => Result.Result<D, E>

/** With the plan that relays get. */
type Decided<D extends CallDecision.Decision> = D & { readonly plan: ForwardingPlan }

/** Whether a change waits for the store, or counts although the store is away: its answer is then that it was not saved. */
type TakesEffect = "saved" | "at once"

/** The one who decides about a call, for as long as the store agrees. A plain record: there is one for every call. */
export interface CallOwner {
  readonly id: CallId
  readonly store: CallStore["Service"]
  readonly feed: PlanFeed["Service"]
  readonly turn: Semaphore.Semaphore
  readonly ledger: ReportLedger.ReportLedger
  readonly estimates: LegEstimates.LegEstimates
  readonly group: GroupDecisions.GroupDecisions
  readonly checkpoints: Checkpoints.Checkpoints
  /**
   * Undefined until it is first needed, so that a store that is away refuses a command and not the actor; and again when
   * somebody else has written the call.
   */
  held: Held | undefined
  /** A report has shown that something is to be done, which is being done. The next one comes soon. */
  isRepairing: boolean
}

export const make = Effect.fnUntraced(function* (id: CallId) {
  const store = yield* CallStore
  const owner: CallOwner = {
    id,
    store,
    feed: yield* PlanFeed,
    turn: yield* Semaphore.make(1),
    ledger: ReportLedger.make(),
    estimates: LegEstimates.make(),
    group: GroupDecisions.make(),
    checkpoints: Checkpoints.make(id, store, yield* Effect.scope),
    held: undefined,
    isRepairing: false
  }
  return owner
})

/**
 * Load, decide, save, publish: in that order, one change at a time. When somebody else has written the call, it is taken
 * over again and the command decided anew: the cluster has brought the command here, so the call is ours. If it is taken
 * away once more meanwhile, it is not: the command is refused.
 */
export const change = <D extends CallDecision.Decision, E>(
  self: CallOwner,
  decide: Decide<D, E>,
  takesEffect: TakesEffect = "saved"
): Effect.Effect<Decided<D>, E | CallStoreError> =>
  attempt(self, decide, takesEffect).pipe(
    Effect.catchIf(isStale, () =>
      forget(self).pipe(
        Effect.andThen(attempt(self, unchanged, "saved")),
        Effect.andThen(attempt(self, decide, takesEffect))
      )
    ),
    Effect.tapError((error) => (isStale(error) ? forget(self) : Effect.void)),
    // Whoever has asked may go away; between the store and what is held here nothing may be cut off.
    Effect.uninterruptible,
    self.turn.withPermit
  )

/** What a relay has of the call. It is given the plan again if it has an older one, and what has gone silent is gone. */
export const report = (self: CallOwner, relay: RelayId, report: CallReport): Effect.Effect<void, CallStoreError> =>
  Effect.flatMap(steadyMs, (atMs) => {
    LegEstimates.handleReport(self.estimates, report.estimates, atMs)
    return Effect.andThen(checkpoint(self, atMs), decide(self, relay, report, atMs))
  })

const decide = (
  self: CallOwner,
  relay: RelayId,
  report: CallReport,
  atMs: number
): Effect.Effect<void, CallStoreError> =>
  Effect.suspend(() => {
    const { held, ledger } = self
    ReportLedger.handleReport(ledger, relay, report, atMs)
    if (self.isRepairing) return Effect.void
    // Whoever has a newer plan has it of an owner who has written since. What is found is published to all relays.
    if (held === undefined || CallVersion.isNewer(report.version, held.state.version)) return repair(self, unchanged)
    const { state, stored } = held
    // Nothing is published before the epoch is stored, and what has woken this owner may have been refused.
    if (stored.ownerEpoch !== state.version.ownerEpoch) return repair(self, unchanged)
    const legTags = ReportLedger.silentLegs(ledger, state, atMs)
    if (legTags.length > 0) return repair(self, (state) => CallDecision.expire(state, { legTags }))
    const hub = ReportLedger.hubToChange(ledger, state, atMs)
    if (hub !== undefined) return repair(self, (state) => CallDecision.suspect(state, { relay: hub }))
    const { subscriptions, uplinks, volumes, withheld } = report
    GroupDecisions.handleWithheld(self.group, relay, withheld, atMs)
    if (volumes !== undefined) GroupDecisions.handleVolumes(self.group, state, volumes, atMs)
    if (subscriptions !== undefined) GroupDecisions.handleSubscriptions(self.group, state, subscriptions)
    if (uplinks !== undefined) GroupDecisions.handleUplinks(self.group, state, uplinks)
    const downlinksBps = LegEstimates.downlinksBps(self.estimates, state, atMs)
    // All relays have to know of what is decided anew; otherwise this one alone, if it has missed something.
    if (GroupDecisions.decide(self.group, state, downlinksBps, atMs))
      return publish(self, state, relaysOf(state, state))
    const version = PlanVersion.of(state.version, self.group.decision.revision)
    return PlanVersion.isNewer(version, report.version) ? publish(self, state, new Set([relay])) : Effect.void
  })

const planNow = ({ group }: CallOwner, state: CallState): ForwardingPlan => planOf(state, group.decision)

const publish = (self: CallOwner, state: CallState, relays: ReadonlySet<RelayId>): Effect.Effect<void> =>
  self.feed.publish({ call: self.id, plan: planNow(self, state) }, relays)

const repair = (self: CallOwner, decide: Decide<CallDecision.Decision, never>) =>
  Effect.suspend(() => {
    self.isRepairing = true
    return Effect.asVoid(change(self, decide))
  }).pipe(
    Effect.ensuring(
      Effect.sync(() => {
        self.isRepairing = false
      })
    )
  )

/** What has been measured of the legs of those who are in the call now. Empty when nothing has been decided here yet. */
export const estimates = (self: CallOwner): Effect.Effect<ReadonlyArray<ParticipantEstimate>> =>
  Effect.map(steadyMs, (atMs) => {
    if (self.held === undefined) return []
    const { state } = self.held
    const known = LegEstimates.known(self.estimates, state, atMs)
    return state.participants.flatMap(({ id: participant, legTag, relay }) => {
      const measured = known.get(legTag)
      return measured === undefined
        ? []
        : [{ participant, relay, ageMs: Math.max(0, atMs - measured.atMs), ...measured.estimate }]
    })
  })

const checkpoint = ({ checkpoints, estimates, held }: CallOwner, atMs: number): Effect.Effect<void> => {
  if (held === undefined || !estimates.isChanged || !Checkpoints.isDue(checkpoints, atMs)) return Effect.void
  LegEstimates.known(estimates, held.state, atMs)
  return Effect.flatMap(unixMs, (unix) =>
    Checkpoints.write(checkpoints, LegEstimates.toCheckpoint(estimates, unix, atMs), atMs)
  )
}

/** The new owner's epoch is in the state, and gets into the store with the first write. */
const load = Effect.fnUntraced(function* (self: CallOwner) {
  const { checkpoints, id, store } = self
  const stored = yield* store.load(id)
  yield* Metric.update(takeOvers, 1)
  // A call that is not stored has none.
  if (stored.participants.length > 0) {
    yield* Checkpoints.read(checkpoints, (bytes) =>
      Effect.map(Effect.all([unixMs, steadyMs]), ([unix, steady]) =>
        LegEstimates.restore(self.estimates, bytes, unix, steady)
      )
    )
  }
  return { state: CallDecision.takeOver(stored, yield* unixMs), stored: stored.version }
})

/** A call that everybody has left is forgotten. */
const write = ({ id, store }: CallOwner, state: CallState, stored: CallVersion.CallVersion) =>
  state.participants.length > 0 ? store.save(id, state, stored) : store.remove(id, stored)

const attempt = Effect.fnUntraced(function* <D extends CallDecision.Decision, E>(
  self: CallOwner,
  decide: Decide<D, E>,
  takesEffect: TakesEffect
) {
  const { stored, state: before } = (self.held ??= yield* load(self))
  const decision = yield* Effect.fromResult(decide(before, yield* unixMs))
  const { state } = decision
  const decided = { ...decision, plan: planNow(self, state) }
  const storedNext = state.participants.length > 0 ? state.version : CallVersion.none
  if (CallVersion.equals(storedNext, stored)) return decided
  const takeEffect = (stored: CallVersion.CallVersion) =>
    Effect.suspend(() => {
      self.held = { state, stored }
      return self.feed.publish({ call: self.id, plan: decided.plan }, relaysOf(before, state))
    })
  // Nothing may be published before the epoch is stored, so only an owner whose epoch is may go on without the store.
  const mayGoOn = takesEffect === "at once" && stored.ownerEpoch === state.version.ownerEpoch
  yield* write(self, state, stored).pipe(
    Effect.tapError((error) =>
      mayGoOn && isUnavailable(error) ? Effect.andThen(Metric.update(savesDelayed, 1), takeEffect(stored)) : Effect.void
    )
  )
  yield* takeEffect(storedNext)
  return decided
})

const forget = (self: CallOwner) =>
  Effect.suspend(() => {
    self.held = undefined
    return Metric.update(ownershipsLost, 1)
  })

/** Who must know the plan: also a relay that the last participant has just left. */
const relaysOf = (before: CallState, after: CallState) =>
  new Set([...before.participants, ...after.participants].map(({ relay }) => relay))

const unchanged = (state: CallState) => Result.succeed(CallDecision.unchanged(state))

const isStale = (error: unknown): error is CallStoreError =>
  error instanceof CallStoreError && error.reason._tag === "StaleVersion"

const isUnavailable = (error: unknown): error is CallStoreError =>
  error instanceof CallStoreError && error.reason._tag === "StoreUnavailable"
