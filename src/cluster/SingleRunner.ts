import { Layer } from "effect"
import { MessageStorage, RunnerHealth, Runners, RunnerStorage, Sharding, ShardingConfig } from "effect/cluster"
import type * as CallReports from "../actor/CallReports.ts"
import * as CallReportsLocal from "../actor/CallReportsLocal.ts"
import * as PlanFeed from "../actor/PlanFeed.ts"
import * as ResidentCalls from "../actor/ResidentCalls.ts"
import * as RelayDirectory from "./RelayDirectory.ts"

/**
 * The cluster of one process, in memory: every call's actor runs here, and a message to it is a function call. For a
 * relay that stands alone and for applications that embed one. What has to survive the process is in the `CallStore`.
 */
export const layer: Layer.Layer<
  | Sharding.Sharding
  | PlanFeed.PlanFeed
  | CallReports.CallReports
  | ResidentCalls.ResidentCalls
  | RelayDirectory.RelayDirectory
> = CallReportsLocal.layer.pipe(
  Layer.provideMerge(Sharding.layer),
  Layer.provide(Runners.layerNoop),
  // Messages are not stored: a command that is lost with the process is repeated by whoever has sent it.
  Layer.provide([MessageStorage.layerNoop, RunnerStorage.layerMemory, RunnerHealth.layerNoop]),
  Layer.provide(
    ShardingConfig.layer({
      // There is nobody else to disagree with about who owns a shard, so these only say how soon the very first message
      // finds one, and how long a call may take to end when the process stops.
      refreshAssignmentsInterval: "200 millis",
      sendRetryInterval: "5 millis",
      entityTerminationTimeout: "2 seconds",
      // Messages do not leave the process: to encode and decode them would only cost.
      simulateRemoteSerialization: false,
      // A relay is full when its throttle says so, and not at a number of calls.
      maxResidentEntities: "unbounded"
    })
  ),
  Layer.provideMerge(ResidentCalls.ResidentCalls.layer),
  Layer.merge(PlanFeed.layerMemory),
  Layer.merge(RelayDirectory.layerMemory)
)
