import { Context, Effect, Layer, Option } from "effect"
import { ShardingConfig } from "effect/cluster"
import * as PlanFeed from "../actor/PlanFeed.ts"
import * as PlanVersion from "../call/PlanVersion.ts"
import type { RelayId } from "../protocol/Ids.ts"
import { NodeChannel } from "./NodeChannel.ts"
import type { AddressedPlan } from "./NodeRpcs.ts"
import * as PeerOutboxes from "./PeerOutboxes.ts"
import { RelayDirectory } from "./RelayDirectory.ts"
import * as RunnerAddressText from "./RunnerAddressText.ts"

/** The feed of this node's own relays. */
export class LocalPlans extends Context.Service<LocalPlans, PlanFeed.PlanFeed["Service"]>()(
  "tandem/cluster/LocalPlans"
) {
  static readonly layer = Layer.effect(LocalPlans, PlanFeed.PlanFeed).pipe(Layer.provide(PlanFeed.layerMemory))
}

/** A plan of a large call has some ten thousand bytes. */
const batchMax = 64

/** The newer plan is for the relays of both: one that the newer has left out must see that it is. */
const newer = (before: AddressedPlan, after: AddressedPlan): AddressedPlan => ({
  published: PlanVersion.isNewer(after.published.plan.version, before.published.plan.version)
    ? after.published
    : before.published,
  relays: [...new Set([...before.relays, ...after.relays])]
})

/** Plans travel to the nodes of their relays, as long as a relay of the node is in the directory. */
export const layer = Layer.effect(
  PlanFeed.PlanFeed,
  Effect.gen(function* () {
    const local = yield* LocalPlans
    const directory = yield* RelayDirectory
    const channel = yield* NodeChannel
    const { runnerAddress } = yield* ShardingConfig.ShardingConfig
    const self = Option.match(runnerAddress, { onNone: () => "", onSome: RunnerAddressText.format })

    const outboxes = yield* PeerOutboxes.make<AddressedPlan>({
      merge: newer,
      send: channel.plans,
      mayRetry: (node) =>
        directory.all().some((entry) => RunnerAddressText.format(entry.node) === RunnerAddressText.format(node)),
      batchMax
    })

    return PlanFeed.PlanFeed.of({
      publish: Effect.fnUntraced(function* (published, relays) {
        yield* local.publish(published, relays)
        const nodes = new Map<string, Array<RelayId>>()
        for (const relay of relays) {
          const entry = directory.find(relay)
          if (entry === undefined) continue
          const node = RunnerAddressText.format(entry.node)
          if (node !== self) nodes.set(node, [...(nodes.get(node) ?? []), relay])
        }
        for (const [node, relays] of nodes) {
          yield* outboxes.put(RunnerAddressText.parse(node), published.call, { published, relays })
        }
      }),
      watch: local.watch
    })
  })
)
