import { Effect, Layer } from "effect"
import { Runners, RunnerServer } from "effect/cluster"
import { RpcServer } from "effect/rpc"
import { ResidentCalls } from "../actor/ResidentCalls.ts"
import type { CallId } from "../protocol/Ids.ts"
import * as BoundedClose from "./BoundedClose.ts"
import { NodeRpcs } from "./NodeRpcs.ts"
import { LocalPlans } from "./PlanFeedCluster.ts"

const handlers = NodeRpcs.toLayer(
  Effect.gen(function* () {
    const plans = yield* LocalPlans
    const residents = yield* ResidentCalls
    return NodeRpcs.of({
      Plans: ({ plans: addressed }) =>
        Effect.forEach(addressed, ({ published, relays }) => plans.publish(published, new Set(relays)), {
          discard: true
        }),
      Reports: Effect.fnUntraced(function* ({ reports }) {
        const absent = new Set<CallId>()
        for (const { relay, report } of reports) {
          if (!(yield* residents.report(relay, report))) absent.add(report.call)
        }
        return [...absent]
      })
    })
  })
)

const server = RpcServer.layer(Runners.Rpcs.merge(NodeRpcs), {
  disableTracing: true,
  // Of one message; the connection, and what else is on its way over it, stays.
  disableFatalDefects: true
}).pipe(Layer.provide([RunnerServer.layerHandlers, handlers]), Layer.provide(RpcServer.layerProtocolSocketServer))

/**
 * One port for what other nodes have to say, to the runner and to the node. After this process had been stopped for some
 * seconds, and its connections had broken meanwhile, Effect's server was seen never to end.
 */
export const layer = BoundedClose.within("the server for other nodes", server)
