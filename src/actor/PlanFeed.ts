import { Context, Effect, Latch, Layer, Schema, Stream } from "effect"
import * as PlanVersion from "../call/PlanVersion.ts"
import { CallId, type RelayId } from "../protocol/Ids.ts"
import { Plan } from "./PlanSchema.ts"

/** A plan on its way to the relays, with the call that it is of. */
export const PublishedPlan = Schema.Struct({ call: CallId, plan: Plan })
export type PublishedPlan = typeof PublishedPlan.Type

/**
 * Brings plans from the actors, wherever they run, to the relays. A relay has one subscription for all of its calls: so a
 * call in which nothing happens costs nothing, and its actor can go.
 */
export class PlanFeed extends Context.Service<
  PlanFeed,
  {
    /** For the relays that have, or had until now, participants of the call. Waits for none of them. */
    readonly publish: (published: PublishedPlan, relays: ReadonlySet<RelayId>) => Effect.Effect<void>
    /**
     * The plans that are published for this relay from now on. Who reads slowly gets of each call the newest alone, so
     * what waits is bounded by the number of calls.
     */
    readonly watch: (relay: RelayId) => Stream.Stream<PublishedPlan>
  }
>()("tandem/actor/PlanFeed") {}

/** What one subscriber has not taken yet. */
interface Inbox {
  readonly waiting: Map<CallId, PublishedPlan>
  readonly hasWaiting: Latch.Latch
}

const put = ({ hasWaiting, waiting }: Inbox, published: PublishedPlan): void => {
  const before = waiting.get(published.call)
  if (before !== undefined && !PlanVersion.isNewer(published.plan.version, before.plan.version)) return
  waiting.set(published.call, published)
  hasWaiting.openUnsafe()
}

const takeAll = ({ hasWaiting, waiting }: Inbox): Effect.Effect<ReadonlyArray<PublishedPlan>> =>
  Effect.map(hasWaiting.await, () => {
    const taken = [...waiting.values()]
    waiting.clear()
    hasWaiting.closeUnsafe()
    return taken
  })

/** Actors and relays in one process. */
export const layerMemory = Layer.sync(PlanFeed, () => {
  const inboxes = new Map<RelayId, Set<Inbox>>()

  const subscribe = (relay: RelayId) =>
    Effect.acquireRelease(
      Effect.sync((): Inbox => {
        const inbox = { waiting: new Map(), hasWaiting: Latch.makeUnsafe() }
        inboxes.set(relay, (inboxes.get(relay) ?? new Set()).add(inbox))
        return inbox
      }),
      (inbox) =>
        Effect.sync(() => {
          const others = inboxes.get(relay)
          others?.delete(inbox)
          if (others?.size === 0) inboxes.delete(relay)
        })
    )

  return PlanFeed.of({
    publish: (published, relays) =>
      Effect.sync(() => {
        for (const relay of relays) inboxes.get(relay)?.forEach((inbox) => put(inbox, published))
      }),
    watch: (relay) =>
      Stream.unwrap(Effect.map(subscribe(relay), (inbox) => Stream.fromIterableEffectRepeat(takeAll(inbox))))
  })
})
