/** A relay that shares its calls with others, over the database that the application has anyway. */
import { Layer } from "effect"
import type { KeyRing } from "tandem/access/keys"
import * as ClusterNode from "tandem/cluster/node"
import { RelayId } from "tandem/protocol/ids"
import * as Relay from "tandem/server"
import * as Network from "tandem/server/network"
import * as CallStoreSql from "tandem/state/sql"
import * as Throttle from "tandem/throttle"

export interface Options {
  /** No two of a fleet have the same. */
  readonly relayId: string
  readonly host: string
  readonly udpPort: number
  /** TCP, between the nodes alone, who prove the keys to each other. */
  readonly nodePort: number
  /** How long it may take to stop: until then its devices have gone to other relays. */
  readonly drainTimeoutMs: number
  readonly keyRing: KeyRing
}

/** Needs the application's `SqlClient`. The tables that it makes there begin with `tandem_`. */
export const layer = ({ nodePort, relayId, udpPort, ...options }: Options) =>
  Relay.layerWith({ ...options, relayId: RelayId.make(relayId), port: udpPort }).pipe(
    Layer.provide([Network.layerOf("auto", undefined), Throttle.layerOpen]),
    Layer.provide(ClusterNode.layer({ runner: { host: options.host, port: nodePort, keys: options.keyRing.keys } })),
    Layer.provideMerge(CallStoreSql.layer)
  )
