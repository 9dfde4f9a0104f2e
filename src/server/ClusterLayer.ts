import { Effect, Layer, Schema } from "effect"
import type { KeyRing } from "../access/KeyRing.ts"
import * as ClusterNode from "../cluster/ClusterNode.ts"
import * as CallStoreSql from "../state/CallStoreSql.ts"
import { DatabaseNotOpened } from "../state/DatabaseNotOpened.ts"
import * as StateLayer from "./StateLayer.ts"

/** What the nodes of a cluster have in common, and where the others reach this one. */
export interface ClusterOptions {
  /** A file for the processes of one machine, a server for those of many. */
  readonly database: StateLayer.SqlSource
  /** TCP, for the other nodes alone. Port 0 takes a free one. */
  readonly host: string
  readonly port: number
}

/** Of several relays that one command starts: a file beside the keys that it makes. */
export const ofMachine = "sqlite:.tandem/cluster.db"

/** The node cannot be one of the cluster. `message` says why. */
export class ClusterNotJoined extends Schema.TaggedError<ClusterNotJoined>()("ClusterNotJoined", {
  message: Schema.String
}) {}

const namingTheCluster = <A, E extends { readonly message: string }, R>(
  layer: Layer.Layer<A, E | DatabaseNotOpened, R>
) =>
  layer.pipe(
    Layer.catch((error) =>
      Layer.effectContext<A, DatabaseNotOpened | ClusterNotJoined, never>(
        Effect.fail(error instanceof DatabaseNotOpened ? error : new ClusterNotJoined({ message: error.message }))
      )
    )
  )

/** A node of a cluster. Calls are kept in the cluster's database, unless they are kept elsewhere. */
export const layer = (
  { database, host, port }: ClusterOptions,
  keyRing: KeyRing,
  state: StateLayer.StateSource | undefined
) =>
  Layer.merge(
    ClusterNode.layer({
      runner: { host, port, keys: keyRing.keys }
    }),
    state === undefined ? CallStoreSql.layer : StateLayer.layer(state)
  ).pipe(Layer.provide(StateLayer.sqlClient(database)), namingTheCluster)
