import { Clock, Effect, FiberHandle, Metric, Result, Semaphore, Stream } from "effect"
import * as CallDecision from "../call/CallDecision.ts"
import type { CallState } from "../call/CallState.ts"
import * as CallVersion from "../call/CallVersion.ts"
import type { ForwardingPlan } from "../call/ForwardingPlan.ts"
import type { CallId } from "../protocol/Ids.ts"
import { CallStore, CallStoreError } from "../state/CallStore.ts"
import * as PlanFeed from "./PlanFeed.ts"

/** Calls that a new owner has loaded. */
export const takeOvers = Metric.counter("tandem_call_take_overs_total", { incremental: true })
/** Calls that somebody else was found to have written. */
export const ownershipsLost = Metric.counter("tandem_call_ownerships_lost_total", { incremental: true })
/** Changes that took effect before they were saved, because the store was away. */
export const savesDelayed = Metric.counter("tandem_call_saves_delayed_total", { incremental: true })

/** Until the store is asked again for what it could not save. */
const saveAgainAfter = "1 second"

/** The call as its owner has it in memory. */
interface Held {
  readonly state: CallState
  /** The version in the store: older than the state while a change, or the new owner's epoch, waits to be saved. */
  readonly stored: CallVersion.CallVersion
}

/** What follows from the state, or why nothing does. */
type Decide<D extends CallDecision.Decision, E> = (state: CallState, nowMs: number) => Result.Result<D, E>

/** The one who decides about a call, for as long as the store agrees. */
export interface CallOwner {
  /** Load, decide, save, publish: in that order, one change at a time. */
  readonly change: <D extends CallDecision.Decision, E>(
    decide: Decide<D, E>,
    whenUnavailable?: "refuse" | "save-later"
  ) => Effect.Effect<D, E | CallStoreError>
  /** See `CallRpcs.WatchPlan`. */
  readonly plans: Stream.Stream<ForwardingPlan, CallStoreError>
}

export const make = Effect.fnUntraced(function* (id: CallId) {
  const store = yield* CallStore
  const feed = yield* PlanFeed.make
  const savingLater = yield* FiberHandle.make()
  const turn = yield* Semaphore.make(1)
  // Undefined until it is first needed, so that a store that is away refuses a command and not the actor; and again
  // when somebody else has written the call.
  let held: Held | undefined

  /** The new owner's epoch is in the state, and gets into the store with the first write. */
  const load = Effect.gen(function* () {
    const stored = yield* store.load(id)
    yield* Metric.update(takeOvers, 1)
    return { state: CallDecision.takeOver(stored, yield* Clock.currentTimeMillis), stored: stored.version }
  })

  /** A call that everybody has left is forgotten. */
  const write = (state: CallState, stored: CallVersion.CallVersion) =>
    state.participants.length > 0 ? store.save(id, state, stored) : store.remove(id, stored)

  const attempt = Effect.fnUntraced(function* <D extends CallDecision.Decision, E>(
    decide: Decide<D, E>,
    whenUnavailable: "refuse" | "save-later"
  ) {
    const { stored, state: before } = (held ??= yield* load)
    const decision = yield* Effect.fromResult(decide(before, yield* Clock.currentTimeMillis))
    const { state, plan } = decision
    const storedNext = state.participants.length > 0 ? state.version : CallVersion.none
    if (CallVersion.equals(storedNext, stored)) return decision
    // Nothing may be published before the epoch is stored, so only an owner whose epoch is may go on without the store.
    const canSaveLater = whenUnavailable === "save-later" && stored.ownerEpoch === state.version.ownerEpoch
    held = yield* write(state, stored).pipe(
      Effect.as({ state, stored: storedNext }),
      Effect.catchIf(
        (error) => canSaveLater && isUnavailable(error),
        () => Effect.as(saveLater, { state, stored })
      )
    )
    yield* feed.publish(plan)
    return decision
  })

  const forget = Effect.suspend(() => {
    held = undefined
    return Metric.update(ownershipsLost, 1)
  })

  /**
   * When somebody else has written the call, it is taken over again and the command decided anew: the cluster has
   * brought the command here, so the call is ours. If it is taken away once more meanwhile, it is not: the command is
   * refused, and those who watch are told to look for the owner.
   */
  const change = <D extends CallDecision.Decision, E>(
    decide: Decide<D, E>,
    whenUnavailable: "refuse" | "save-later" = "refuse"
  ): Effect.Effect<D, E | CallStoreError> =>
    attempt(decide, whenUnavailable).pipe(
      Effect.catchIf(isStale, () =>
        forget.pipe(Effect.andThen(attempt(unchanged, "refuse")), Effect.andThen(attempt(decide, whenUnavailable)))
      ),
      Effect.tapError((error) => (isStale(error) ? Effect.andThen(forget, feed.fail(error)) : Effect.void)),
      // Whoever has asked may go away; between the store and what is held here nothing may be cut off.
      Effect.uninterruptible,
      turn.withPermit
    )

  /** Takes the call over if that has not been done yet, and saves what waits. */
  const settle = change(unchanged)

  const saveLater: Effect.Effect<void> = Metric.update(savesDelayed, 1).pipe(
    Effect.andThen(
      FiberHandle.run(
        savingLater,
        settle.pipe(Effect.delay(saveAgainAfter), Effect.retry({ while: isUnavailable }), Effect.ignore),
        { onlyIfMissing: true }
      )
    )
  )

  return { change, plans: Stream.unwrap(Effect.as(settle, feed.plans)) } satisfies CallOwner
})

const unchanged = (state: CallState) => Result.succeed(CallDecision.unchanged(state))

const isStale = (error: unknown): error is CallStoreError =>
  error instanceof CallStoreError && error.reason._tag === "StaleVersion"

const isUnavailable = (error: unknown): error is CallStoreError =>
  error instanceof CallStoreError && error.reason._tag === "StoreUnavailable"
