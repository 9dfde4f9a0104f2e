import { Effect, Exit, PubSub, Stream, type Take } from "effect"

/**
 * Events for any number of subscribers. Who is slow loses the oldest, nobody waits for anybody. Who subscribes late gets
 * the last `replay` first. All streams end with the hub.
 */
export interface EventHub<A> {
  readonly publish: (event: A) => void
  readonly end: () => void
  readonly stream: Stream.Stream<A>
}

export const make = <A>(options: { readonly capacity: number; readonly replay: number }): Effect.Effect<EventHub<A>> =>
  Effect.map(PubSub.sliding<Take.Take<A>>(options), (pubsub) => ({
    publish: (event) => {
      PubSub.publishUnsafe(pubsub, [event])
    },
    end: () => {
      PubSub.endUnsafe(pubsub, Exit.void)
    },
    stream: Stream.fromPubSubTake(pubsub)
  }))
