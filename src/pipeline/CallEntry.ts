import { Cause, Effect, Exit, Fiber, Option, Result, Schedule, Schema } from "effect"
import { CallLocator } from "../actor/CallLocator.ts"
import { Call } from "../actor/CallRpcs.ts"
import type * as CallCommand from "../call/CallCommand.ts"
import * as CallDecision from "../call/CallDecision.ts"
import type { CallState } from "../call/CallState.ts"
import { type ForwardingPlan, planOf } from "../call/ForwardingPlan.ts"
import type { LegAge } from "../call/LegAge.ts"
import type { Relocation } from "../call/Relocation.ts"
import type { CallId } from "../protocol/Ids.ts"
import { CallSessions } from "./CallSessions.ts"
import { RelayCore } from "./RelayCore.ts"
import { Relocations } from "./Relocations.ts"
import type { Session } from "./Session.ts"

/** The actor and its store answer sooner, or the device asks again. */
const actorTimeout = "3 seconds"
/** How long a call that is under way waits for its actor before it goes on without. */
const patience = "50 millis"
/** What is known of the call without its actor is of use at once, or never. */
const locatorTimeout = "1 second"
/** A participant who has come without the actor is brought to it until it answers: the cluster finds it another node. */
const confirmAttemptTimeout = "5 seconds"
const confirmAttempts = 12

/** The participant may come onto its leg, which is of this age. */
export interface Granted extends LegAge {
  /** As the actor has decided; or as it had decided last, then with the relocation. */
  readonly plan: ForwardingPlan
  readonly provisional?: {
    readonly relocation: Relocation
    /** What the actor says when it answers; `undefined`: the participant has to join anew. */
    readonly confirmed: Effect.Effect<ForwardingPlan | undefined>
  }
}

/** The actor's node was given up while it was asked: whoever asks again finds another. */
export class ActorLost extends Schema.TaggedError<ActorLost>()("ActorLost", {}) {}

/** The cluster lets go of questions to a node that is gone by interrupting them. */
const unlessLost = <A, E, R>(asking: Effect.Effect<A, E, R>): Effect.Effect<A, E | ActorLost, R> =>
  Effect.catchCause(asking, (cause): Effect.Effect<never, E | ActorLost> =>
    Cause.hasInterruptsOnly(cause) ? Effect.fail(new ActorLost()) : Effect.failCause(cause)
  )

/** How participants come into a call: its actor decides, and the store bridges the time in which there is none. */
export const make = Effect.gen(function* () {
  const { controlCounters, options } = yield* RelayCore
  const callOf = yield* Call.client
  const locator = yield* CallLocator
  const sessions = yield* CallSessions
  const relocations = yield* Relocations
  const scope = yield* Effect.scope

  /** What the actor is asked for somebody who has been in the call already. */
  type Asking = ReturnType<ReturnType<typeof callOf>["Resume"]>
  type Decide = (state: CallState) => ReturnType<typeof CallDecision.resume>

  const join = Effect.fnUntraced(function* (call: CallId, command: CallCommand.Join) {
    const granted: Granted = yield* unlessLost(callOf(call).Join(command)).pipe(Effect.timeout(actorTimeout))
    return granted
  })

  /** From the critical state: who else is in the call, and that the participant's leg is the newest. */
  const withoutActor = Effect.fnUntraced(function* (
    call: CallId,
    { id: participant, relay }: Pick<CallCommand.Resume, "id" | "relay">,
    decide: Decide
  ) {
    const state = yield* locator.load(call)
    const { epoch, restores } = yield* Effect.fromResult(decide(state))
    return { epoch, restores, plan: planOf(state), relocation: { participant, epoch, restores, relay } }
  })

  const goOn = Effect.fnUntraced(function* (
    call: CallId,
    command: Pick<CallCommand.Resume, "id" | "relay">,
    asking: Asking,
    decide: Decide
  ) {
    const ask = unlessLost(asking).pipe(
      Effect.timeout(confirmAttemptTimeout),
      // All else is said by the call itself.
      Effect.retry({
        while: ({ _tag }) => _tag !== "UnknownParticipant" && _tag !== "StaleEpoch",
        schedule: Schedule.spaced("500 millis"),
        times: confirmAttempts
      })
    )
    const asked = yield* Effect.forkIn(ask, scope, { startImmediately: true })
    const answer = Effect.flatten(Fiber.await(asked))
    const soon = yield* Effect.timeoutOption(Fiber.await(asked), patience)
    if (Option.isSome(soon)) {
      const granted: Granted = yield* soon.value
      return granted
    }
    const known = yield* withoutActor(call, command, decide).pipe(Effect.timeout(locatorTimeout), Effect.result)
    if (Result.isFailure(known)) {
      // Whatever the actor says now is better than that.
      const granted: Granted = yield* Effect.timeout(answer, actorTimeout)
      return granted
    }
    const { relocation, ...provisional } = known.success
    const confirmed = Effect.map(Fiber.await(asked), (exit) => (Exit.isSuccess(exit) ? exit.value.plan : undefined))
    const granted: Granted = { ...provisional, provisional: { relocation, confirmed } }
    return granted
  })

  const resume = (call: CallId, command: CallCommand.Resume) =>
    goOn(call, command, callOf(call).Resume(command), (state) => CallDecision.resume(state, command))

  const restore = (call: CallId, command: CallCommand.Restore) =>
    goOn(call, command, callOf(call).Restore(command), (state) => CallDecision.restore(state, command))

  /** Opens the session that was granted. Without the actor the other relays are told, and the actor obeyed when it answers. */
  const open = Effect.fnUntraced(function* (session: Session, { plan, provisional }: Granted) {
    yield* sessions.open(session, plan, provisional?.relocation)
    if (provisional === undefined) return
    controlCounters.grantedProvisionally++
    for (const place of plan.relays) {
      if (place.id !== options.relayId) yield* relocations.tell(place, session.call, provisional.relocation)
    }
    yield* provisional.confirmed.pipe(
      Effect.flatMap((plan) => (plan === undefined ? sessions.close(session) : sessions.apply(session.call, plan))),
      Effect.forkIn(scope)
    )
  })

  return { join, resume, restore, open }
})
