import { Flag } from "effect/cli"
import type * as ClusterLayer from "../server/ClusterLayer.ts"

/** What ClusterLayer says: the compiler sees to it. That file loads all of a node, which help and most commands do without. */
export const ofMachine: typeof ClusterLayer.ofMachine = "sqlite:.tandem/cluster.db"

export const clusterFlag = Flag.String("cluster").pipe(
  Flag.withMetavar("sqlite:FILE|postgres://..."),
  Flag.withDescription(`The database of the cluster (TANDEM_CLUSTER; left out: ${ofMachine})`),
  Flag.optional
)
