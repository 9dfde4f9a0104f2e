/**
 * A node of a cluster in a process of its own, over the database that it is given: "sqlite:FILE" or "postgres://...". Its
 * parent asks by messages: which of some calls it holds, and for joins.
 */
import { NodeRuntime } from "@effect/platform-node"
import { Effect, Layer, Logger, Queue, Result } from "effect"
import { EntityId, Sharding } from "effect/cluster"
import * as CallActor from "../../src/actor/CallActor.ts"
import { Call } from "../../src/actor/CallRpcs.ts"
import * as ClusterNode from "../../src/cluster/ClusterNode.ts"
import * as StateLayer from "../../src/server/StateLayer.ts"
import * as CallStoreSql from "../../src/state/CallStoreSql.ts"
import { join } from "../call/Commands.ts"
import { nodeKey } from "./NodeKeys.ts"

/** What the parent asks. */
export type Question =
  | { readonly id: number; readonly ask: "holds"; readonly calls: ReadonlyArray<string> }
  | { readonly id: number; readonly ask: "join"; readonly call: string; readonly index: number }

const Node = CallActor.layer.pipe(
  Layer.provideMerge(ClusterNode.layer({ runner: { host: "127.0.0.1", port: 0, keys: [nodeKey] } })),
  Layer.provide(CallStoreSql.layer),
  Layer.provide(StateLayer.sqlClient(Result.getOrThrow(StateLayer.parseCluster(process.argv[2]!)))),
  Layer.provide(Logger.layer([]))
)

const program = Effect.gen(function* () {
  const sharding = yield* Sharding.Sharding
  const callOf = yield* Call.client
  const questions = yield* Queue.unbounded<Question>()
  process.on("message", (question: Question) => Queue.offerUnsafe(questions, question))
  // Nobody is left to ask.
  process.on("disconnect", () => process.exit())
  process.send!("ready")

  const answer = (question: Question): Effect.Effect<unknown, unknown> =>
    question.ask === "holds"
      ? Effect.succeed(
          question.calls.filter((call) => sharding.hasShardId(sharding.getShardId(EntityId.make(call), "default")))
        )
      : Effect.map(callOf(question.call).Join(join(question.index)), ({ plan }) => plan.participants.length)

  yield* Queue.take(questions).pipe(
    Effect.flatMap((question) =>
      Effect.forkChild(
        Effect.flatMap(Effect.result(answer(question)), (result) =>
          Effect.sync(() => void process.send!({ id: question.id, result }))
        )
      )
    ),
    Effect.forever
  )
})

NodeRuntime.runMain(Effect.provide(program, Node))
