import { Clock, Deferred, Effect, Exit, Result } from "effect"
import type * as KeyRing from "../../src/access/KeyRing.ts"
import { JoinRefused } from "../../src/client/CallClient.ts"
import { refusalCodes } from "../../src/protocol/ControlMessage.ts"
import type { PlannedCall } from "./ArrivalPlan.ts"
import * as CallMix from "./CallMix.ts"
import * as Participant from "./Participant.ts"
import * as Tally from "./Tally.ts"

/** A call that goes on: all of its people are there and speak. */
export interface LiveCall {
  readonly plan: PlannedCall
  readonly people: ReadonlyArray<Participant.Participant>
  /** Monotonic, milliseconds. */
  readonly sinceMs: number
  /** Why it has ended before its time. */
  readonly dropped: Deferred.Deferred<string>
}

/** What all calls of a generator have in common. */
export interface Surroundings {
  readonly ring: KeyRing.KeyRing
  readonly relay: string
  /** Part of everybody's name. */
  readonly people: string
  readonly tally: Tally.Tally
  /** By the monotonic clock. Milliseconds. */
  readonly startAtMs: number
  readonly live: Set<LiveCall>
}

/** Who hears nobody for so long hangs up. Milliseconds. */
const silentMsMax = 2000
/** Nobody speaks, but what was said is still heard. Milliseconds. */
const lingerMs = 300

const nowMs = Effect.map(Clock.Clock, (clock) => Number(clock.monotonicTimeNanosUnsafe()) / 1_000_000)

/** Why a join has failed. */
interface Failure {
  readonly isRefused: boolean
  readonly reason: string
}

const joinOne = (around: Surroundings, plan: PlannedCall, place: number) => {
  const { people, relay, ring, startAtMs, tally } = around
  const onAudio = (sentAtMs: number, arrivedAtMs: number) =>
    Tally.handleAudio(tally, plan, sentAtMs - startAtMs, arrivedAtMs - sentAtMs)
  return Participant.join({ plan, place, people, ring, relay, onAudio }).pipe(
    Effect.mapError((error): Failure => ({
      isRefused: error instanceof JoinRefused && error.code === refusalCodes.busy,
      reason: error.message
    })),
    Effect.result
  )
}

/** Who calls joins first; the others come when there is a call to come to. */
const gather = Effect.fnUntraced(function* (around: Surroundings, plan: PlannedCall) {
  const caller = yield* joinOne(around, plan, 0)
  if (Result.isFailure(caller)) return { people: [], failures: [caller.failure] }
  const others = Array.from({ length: CallMix.kinds[plan.callClass].people - 1 }, (_, other) => other + 1)
  const joined = yield* Effect.forEach(others, (place) => joinOne(around, plan, place), { concurrency: "unbounded" })
  return {
    people: [caller, ...joined].flatMap((each) => (Result.isSuccess(each) ? [each.success] : [])),
    failures: joined.flatMap((each) => (Result.isFailure(each) ? [each.failure] : []))
  }
})

/** A call from its first join to its last farewell. Who is refused does not come back: others do, evenly. */
export const run = Effect.fnUntraced(function* (around: Surroundings, plan: PlannedCall) {
  const { live, startAtMs, tally } = around
  const { atMs, callClass, lastsMs } = plan
  Tally.count(tally, callClass, "offered", atMs)
  const { failures, people } = yield* gather(around, plan)
  const [failure] = failures
  if (failure === undefined) {
    Tally.count(tally, callClass, "admitted", atMs)
    const call: LiveCall = { plan, people, sinceMs: yield* nowMs, dropped: yield* Deferred.make<string>() }
    live.add(call)
    const dropped = yield* Deferred.await(call.dropped).pipe(Effect.timeoutOption(lastsMs))
    live.delete(call)
    if (dropped._tag === "Some") {
      Tally.count(tally, callClass, "ongoingDropped", (yield* nowMs) - startAtMs)
      Tally.countReason(tally, dropped.value)
    }
    yield* Effect.sleep(lingerMs)
  } else {
    Tally.count(tally, callClass, failure.isRefused ? "refused" : "unanswered", atMs)
    if (people.length > 0) Tally.count(tally, callClass, "torn", atMs)
    if (!failure.isRefused) Tally.countReason(tally, failure.reason)
  }
  yield* Effect.forEach(people, Participant.leave, { concurrency: "unbounded", discard: true })
})

/** Finds out whether somebody is in no call any more, or hears nobody. */
export const check = (call: LiveCall, atMs: number): void => {
  const { dropped, people, sinceMs } = call
  const ended = people.find(({ ended }) => ended !== undefined)
  const isSilent = people.some(({ heardAtMs }) => atMs - Math.max(sinceMs, heardAtMs) > silentMsMax)
  const reason = ended?.ended ?? (isSilent ? "somebody hears nobody" : undefined)
  if (reason !== undefined) Deferred.doneUnsafe(dropped, Exit.succeed(reason))
}
