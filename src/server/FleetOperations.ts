import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { Context, Effect, FileSystem, Layer, Schema } from "effect"
import * as ClusterSchema from "../cluster/ClusterSchema.ts"
import * as DatabaseClock from "../cluster/DatabaseClock.ts"
import * as FleetTables from "../cluster/FleetTables.ts"
import * as StateLayer from "./StateLayer.ts"

export type { NodeOverview, RelayOverview } from "../cluster/FleetTables.ts"

/** The cluster cannot be looked at. `message` says why, and what to do. */
export class ClusterNotFound extends Schema.TaggedError<ClusterNotFound>()("ClusterNotFound", {
  message: Schema.String
}) {}

/** What an operator looks at and asks for, by the cluster's database: no node of the cluster is needed. */
export class FleetOperations extends Context.Service<
  FleetOperations,
  {
    readonly relays: Effect.Effect<ReadonlyArray<FleetTables.RelayOverview>, ClusterNotFound>
    readonly nodes: Effect.Effect<ReadonlyArray<FleetTables.NodeOverview>, ClusterNotFound>
    /** The relay drains and ends, as it does at SIGTERM. Returns before it does. */
    readonly requestDrain: (relay: FleetTables.RelayOverview) => Effect.Effect<void, ClusterNotFound>
  }
>()("tandem/server/FleetOperations") {}

const notFound = ({ message }: { readonly message: string }) => new ClusterNotFound({ message })

const operations = Layer.effect(
  FleetOperations,
  Effect.gen(function* () {
    yield* Effect.mapError(ClusterSchema.verify, notFound)
    const context = yield* Effect.context<Effect.Services<typeof FleetTables.relays>>()
    return FleetOperations.of({
      relays: FleetTables.relays.pipe(Effect.provide(context), Effect.mapError(notFound)),
      nodes: FleetTables.nodes.pipe(Effect.provide(context), Effect.mapError(notFound)),
      requestDrain: (relay) => FleetTables.requestDrain(relay).pipe(Effect.provide(context), Effect.mapError(notFound))
    })
  })
)

/** To open a file that is not there would make one. */
const isThere = (database: StateLayer.SqlSource) =>
  Effect.gen(function* () {
    if (database.kind !== "sqlite") return
    const files = yield* FileSystem.FileSystem
    if (yield* files.exists(database.file).pipe(Effect.orElseSucceed(() => false))) return
    return yield* new ClusterNotFound({
      message: `there is no ${database.file}: name the database of a cluster with --cluster or TANDEM_CLUSTER`
    })
  }).pipe(Effect.provide(NodeFileSystem.layer))

/** Connected when the layer is built. Nothing is made or changed. */
export const layer = (database: StateLayer.SqlSource) =>
  operations.pipe(
    Layer.provide(DatabaseClock.layer),
    Layer.provide(StateLayer.sqlClient(database)),
    Layer.provide(Layer.effectDiscard(isThere(database)))
  )
