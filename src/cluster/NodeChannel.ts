import { Context, Effect, Layer, RcMap, Schema } from "effect"
import { type RunnerAddress, Runners } from "effect/cluster"
import { RpcClient, type RpcClientError } from "effect/rpc"
import type { SignedReport } from "../actor/CallReports.ts"
import { type AddressedPlan, NodeRpcs } from "./NodeRpcs.ts"

/** The node does not answer. It may have got the message all the same. */
export class NodeUnreachable extends Schema.TaggedError<NodeUnreachable>()("NodeUnreachable", {
  cause: Schema.Defect()
}) {}

/** Longer than a busy node takes for a message. */
const answerTimeout = "1 second"

/** Other nodes, by the address of their runner: what is for a node and not for a call's actor. */
export class NodeChannel extends Context.Service<
  NodeChannel,
  {
    readonly plans: (
      node: RunnerAddress.RunnerAddress,
      plans: ReadonlyArray<AddressedPlan>
    ) => Effect.Effect<void, NodeUnreachable>
    readonly reports: (
      node: RunnerAddress.RunnerAddress,
      reports: ReadonlyArray<SignedReport>
    ) => Effect.Effect<void, NodeUnreachable>
  }
>()("tandem/cluster/NodeChannel") {
  static readonly layer = Layer.effect(
    NodeChannel,
    Effect.gen(function* () {
      const protocols = yield* Runners.RpcClientProtocol
      const clients = yield* RcMap.make({
        lookup: (node: RunnerAddress.RunnerAddress) =>
          Effect.flatMap(protocols.make(node), (protocol) =>
            RpcClient.make(NodeRpcs, { disableTracing: true }).pipe(Effect.provideService(RpcClient.Protocol, protocol))
          ),
        idleTimeToLive: "1 minute"
      })

      /** The next message to a node that did not answer opens a new connection. */
      const ask = <A, E>(
        node: RunnerAddress.RunnerAddress,
        question: (client: RpcClient.FromGroup<typeof NodeRpcs, RpcClientError.RpcClientError>) => Effect.Effect<A, E>
      ): Effect.Effect<A, NodeUnreachable> =>
        RcMap.get(clients, node).pipe(
          Effect.flatMap(question),
          Effect.scoped,
          Effect.timeout(answerTimeout),
          Effect.sandbox,
          Effect.catch((cause) =>
            Effect.andThen(RcMap.invalidate(clients, node), Effect.fail(new NodeUnreachable({ cause })))
          )
        )

      return NodeChannel.of({
        plans: (node, plans) => ask(node, (client) => client.Plans({ plans })),
        reports: (node, reports) => ask(node, (client) => client.Reports({ reports }))
      })
    })
  )
}
