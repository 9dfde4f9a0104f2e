import { Clock, Context, Effect, Exit, Fiber, Layer, Scope } from "effect"
import { EntityId, Sharding } from "effect/cluster"
import { RpcSerialization } from "effect/rpc"
import { SocketServer } from "effect/socket"
import * as SqlClient from "effect/sql/SqlClient"
import { TestClock } from "effect/testing"
import * as CallActor from "../../src/actor/CallActor.ts"
import * as ClusterNode from "../../src/cluster/ClusterNode.ts"
import * as RunnerSockets from "../../src/cluster/RunnerSockets.ts"
import * as CallStoreSql from "../../src/state/CallStoreSql.ts"
import * as NodeSqlite from "../../src/state/NodeSqlite.ts"
import * as SimulatedProcess from "./SimulatedProcess.ts"
import * as SimulatedSockets from "./SimulatedSockets.ts"

const host = "node"

/** All that a node offers to a relay beside it. */
const NodeLayer = CallActor.layer.pipe(
  Layer.provideMerge(ClusterNode.layerOverSockets({ host })),
  Layer.provideMerge(CallStoreSql.layer)
)
type NodeServices = Layer.Success<typeof NodeLayer>

/**
 * Many nodes in one process, on one virtual clock: the whole of `ClusterNode` and of the call's actor, over simulated
 * sockets and one database in memory, each in a simulated process of its own.
 */
export const make = Effect.fnUntraced(function* (
  /** Other actors, besides those of calls. */
  entities: Layer.Layer<never, never, Sharding.Sharding> = Layer.empty
) {
  const machine = yield* Clock.Clock
  const sockets = SimulatedSockets.make()
  const shared = Context.get(yield* Layer.build(NodeSqlite.layer({ file: ":memory:" })), SqlClient.SqlClient)

  const start = Effect.fnUntraced(function* (port: number) {
    const process = SimulatedProcess.make(`${host}:${port}`)
    const scope = yield* Scope.make()
    const layer = entities.pipe(
      Layer.provideMerge(NodeLayer),
      Layer.provideMerge(
        Layer.mergeAll(
          Layer.effect(SocketServer.SocketServer, sockets.listen(process, host, port)),
          RunnerSockets.layerProtocol((address) => sockets.connect(process, address)),
          Layer.effect(SqlClient.SqlClient, SimulatedProcess.database(process, shared))
        )
      ),
      Layer.provide(RpcSerialization.layerNdjson),
      Layer.fresh
    )
    const clock = SimulatedProcess.clock(process, machine)
    const context = yield* Layer.buildWithScope(layer, scope).pipe(Effect.provideService(Clock.Clock, clock))
    return {
      port,
      process,
      /** Ends with the process. */
      life: scope,
      holds: (call: string) => {
        const sharding = Context.get(context, Sharding.Sharding)
        return sharding.hasShardId(sharding.getShardId(EntityId.make(call), "default"))
      },
      /** As part of the process. */
      run: <A, E>(effect: Effect.Effect<A, E, NodeServices>): Effect.Effect<A, E> =>
        effect.pipe(Effect.provideContext(context), Effect.provideService(Clock.Clock, clock)),
      kill: () => {
        process.kill()
        sockets.dropAll(process)
      },
      /** As SIGTERM does. */
      leave: Effect.andThen(
        Scope.close(scope, Exit.void).pipe(Effect.provideService(Clock.Clock, clock)),
        Effect.sync(() => {
          process.kill()
          sockets.dropAll(process)
        })
      )
    }
  })

  /** Who serves, by the table: the names of the nodes. */
  const serving = shared<{ address: string }>`SELECT address FROM tandem_runners
    WHERE standing = 'serving' ORDER BY address`.pipe(
    Effect.map((rows) => rows.map(({ address }) => address)),
    Effect.orDie
  )

  return { start, sockets, serving }
})

export type SimCluster = Effect.Success<ReturnType<typeof make>>
export type SimNode = Effect.Success<ReturnType<SimCluster["start"]>>

/** Starts nodes, and lets them find each other and the shards their holders. */
export const startAll = Effect.fnUntraced(function* (sim: SimCluster, count: number) {
  const nodes = yield* Effect.forEach(Array.from({ length: count }), (_, index) => sim.start(index + 1))
  yield* TestClock.adjust("3 seconds")
  return nodes
})

/** Lets time pass until it has an answer. Returns that, and how long it took by the virtual clock. */
export const answered = Effect.fnUntraced(function* <A, E, R>(effect: Effect.Effect<A, E, R>) {
  const askedAtMs = yield* Clock.currentTimeMillis
  const fiber = yield* Effect.forkChild(effect)
  while (fiber.pollUnsafe() === undefined) yield* TestClock.adjust("10 millis")
  return { answer: yield* Fiber.join(fiber), tookMs: (yield* Clock.currentTimeMillis) - askedAtMs }
})
