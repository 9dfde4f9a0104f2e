import { Context, Effect, Layer, Schedule } from "effect"
import { Call } from "../actor/CallRpcs.ts"
import type { CallId, ParticipantId } from "../protocol/Ids.ts"

interface Place {
  readonly call: CallId
  readonly participant: ParticipantId
  /** The relay's tag: names the leg. */
  readonly legTag: number
  readonly restores: number
}

/** An actor or store that does not answer by then is asked again. */
const attemptTimeout = "5 seconds"
/** 200 ms, doubling to 10 s: some ten minutes in all. */
const retries = {
  schedule: Schedule.min([Schedule.exponential("200 millis"), Schedule.spaced("10 seconds")]),
  times: 65
}

/**
 * Tells a call's actor what has taken effect on this relay already. In the background: the control plane goes on while an
 * actor or its store is away, and the actor learns of it when they are back.
 */
export class CallNotices extends Context.Service<
  CallNotices,
  {
    readonly left: (place: Place) => Effect.Effect<void>
    readonly moved: (place: Place, address: string) => Effect.Effect<void>
  }
>()("tandem/pipeline/CallNotices") {
  static readonly layer = Layer.effect(
    CallNotices,
    Effect.gen(function* () {
      const callOf = yield* Call.client
      const scope = yield* Effect.scope
      const inBackground = <A, E>(notice: Effect.Effect<A, E>) =>
        notice.pipe(
          Effect.timeout(attemptTimeout),
          Effect.retry(retries),
          Effect.catchCause((cause) => Effect.logWarning("a call's actor was not told of a change", cause)),
          Effect.forkIn(scope),
          Effect.asVoid
        )
      return CallNotices.of({
        left: ({ call, legTag, participant: id, restores }) =>
          inBackground(callOf(call).Leave({ id, legTag, restores })),
        moved: ({ call, legTag, participant: id }, address) =>
          inBackground(
            callOf(call)
              .Move({ id, legTag, address })
              // Since then the device has come onto another leg, or has left: it is somewhere else.
              .pipe(Effect.catchTags({ UnknownParticipant: () => Effect.void, StaleEpoch: () => Effect.void }))
          )
      })
    })
  )
}
