import { Effect, Exit, PubSub, Stream, type Take } from "effect"
import * as CallVersion from "../call/CallVersion.ts"
import type { ForwardingPlan } from "../call/ForwardingPlan.ts"
import type { CallStoreError } from "../state/CallStore.ts"

/** The plans of one call on their way to the relays that watch it. */
export interface PlanFeed {
  /** A plan that is not newer than the one before is not news, and dropped. */
  readonly publish: (plan: ForwardingPlan) => Effect.Effect<void>
  /** Ends it for all who watch now: this actor does not know the newest plan any more. */
  readonly fail: (error: CallStoreError) => Effect.Effect<void>
  /** The plan published last, if there is one, and every newer one. Who reads slowly gets the newest alone. */
  readonly plans: Stream.Stream<ForwardingPlan, CallStoreError>
}

/** One place, whose content is replaced, and shown to whoever comes later. */
const makePlace = PubSub.sliding<Take.Take<ForwardingPlan, CallStoreError>>({ capacity: 1, replay: 1 })

export const make: Effect.Effect<PlanFeed> = Effect.gen(function* () {
  let place = yield* makePlace
  let published = CallVersion.none

  return {
    publish: Effect.fnUntraced(function* (plan) {
      if (!CallVersion.isNewer(plan.version, published)) return
      published = plan.version
      yield* PubSub.publish(place, [plan])
    }),
    fail: Effect.fnUntraced(function* (error) {
      const lost = place
      place = yield* makePlace
      yield* PubSub.publish(lost, Exit.fail(error))
    }),
    plans: Stream.suspend(() => Stream.fromPubSubTake(place))
  }
})
