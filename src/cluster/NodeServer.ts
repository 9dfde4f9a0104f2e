import { Effect, Layer } from "effect"
import { Runners, RunnerServer } from "effect/cluster"
import { RpcServer } from "effect/rpc"
import * as CallStarts from "../actor/CallStarts.ts"
import type { ResidentCalls } from "../actor/ResidentCalls.ts"
import * as BoundedClose from "./BoundedClose.ts"
import { NodeRpcs } from "./NodeRpcs.ts"
import { LocalPlans } from "./PlanFeedCluster.ts"

const handlers = NodeRpcs.toLayer(
  Effect.gen(function* () {
    const plans = yield* LocalPlans
    const context = yield* Effect.context<ResidentCalls | CallStarts.CallStarts>()
    return NodeRpcs.of({
      Plans: ({ plans: addressed }) =>
        Effect.forEach(addressed, ({ published, relays }) => plans.publish(published, new Set(relays)), {
          discard: true
        }),
      Reports: ({ reports }) => Effect.provideContext(CallStarts.deliverAll(reports), context)
    })
  })
)

const server = RpcServer.layer(Runners.Rpcs.merge(NodeRpcs), {
  disableTracing: true,
  // Of one message; the connection, and what else is on its way over it, stays.
  disableFatalDefects: true
}).pipe(Layer.provide([RunnerServer.layerHandlers, handlers]), Layer.provide(RpcServer.layerProtocolSocketServer))

/**
 * One port for what other nodes have to say, to the runner and to the node. Effect's server ends when it has written its
 * answers; that those end is seen to in BoundedWrites. A node must end whatever else a server may wait for.
 */
export const layer = BoundedClose.within("the server for other nodes", server)
