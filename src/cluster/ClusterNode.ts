import { Effect, Layer, Option } from "effect"
import { MessageStorage, RunnerAddress, Runners, Sharding, ShardingConfig } from "effect/cluster"
import { SocketServer } from "effect/socket"
import { CallStarts } from "../actor/CallStarts.ts"
import { ResidentCalls } from "../actor/ResidentCalls.ts"
import * as CallReportsCluster from "./CallReportsCluster.ts"
import * as ClusterSchema from "./ClusterSchema.ts"
import * as DatabaseClock from "./DatabaseClock.ts"
import * as FailureDetector from "./FailureDetector.ts"
import { NodeChannel } from "./NodeChannel.ts"
import * as NodeServer from "./NodeServer.ts"
import * as PlanFeedCluster from "./PlanFeedCluster.ts"
import * as RelayDirectorySql from "./RelayDirectorySql.ts"
import * as RunnerSockets from "./RunnerSockets.ts"
import * as RunnerStorageSql from "./RunnerStorageSql.ts"
import * as RunnerTable from "./RunnerTable.ts"
import { ShardHolders } from "./ShardHolders.ts"

export interface Options {
  /** Where other nodes reach this one. Port 0 takes a free one. */
  readonly runner: RunnerSockets.Options
  readonly shardingConfig?: Partial<ShardingConfig.ShardingConfig["Service"]> | undefined
}

/** What the cluster is told, unless the application knows better. */
const shardingConfig = {
  // Beats and leases. Death is noticed by pings: these are for when a node has lost its peers and not the database.
  shardLockRefreshInterval: "1 second",
  shardLockExpiration: "6 seconds",
  // Part of the time in which a call that has lost its node answers again.
  refreshAssignmentsInterval: "100 millis",
  sendRetryInterval: "50 millis",
  // Only paces attempts to get a shard that somebody else still holds.
  entityMessagePollInterval: "1 second",
  entityTerminationTimeout: "2 seconds",
  // A node is full when its throttle says so, and not at a number of calls.
  maxResidentEntities: "unbounded",
  simulateRemoteSerialization: false
} as const satisfies Partial<ShardingConfig.ShardingConfig["Service"]>

/**
 * A node over whatever sockets it is given: it needs a `SocketServer` that listens and `Runners.RpcClientProtocol` to reach
 * the others. The node's name is where it listens, whatever HOST and PORT of the environment say.
 */
export const layerOverSockets = (options: { readonly host: string } & Pick<Options, "shardingConfig">) =>
  Layer.mergeAll(NodeServer.layer, FailureDetector.layer).pipe(
    Layer.provideMerge(Layer.mergeAll(PlanFeedCluster.layer, CallReportsCluster.layer)),
    Layer.provide([NodeChannel.layer, PlanFeedCluster.LocalPlans.layer, ShardHolders.layer, CallStarts.layer]),
    Layer.provideMerge(Sharding.layer),
    Layer.provide(Runners.layerRpc),
    Layer.provideMerge(RelayDirectorySql.layer),
    // Messages are not stored: a command that is lost with a node is repeated by whoever has sent it.
    Layer.provide([MessageStorage.layerNoop, RunnerStorageSql.layer, FailureDetector.layerHealth]),
    Layer.provide(RunnerTable.layer),
    Layer.provide(DatabaseClock.layer),
    Layer.provide(Layer.effectDiscard(ClusterSchema.migrate)),
    Layer.provide(
      Layer.unwrap(
        Effect.map(SocketServer.SocketServer, ({ address }) => {
          const port = address._tag === "UnixPathAddress" ? 0 : address.port
          const runnerAddress = Option.some(RunnerAddress.make(options.host, port))
          return ShardingConfig.layer({ ...shardingConfig, ...options.shardingConfig, runnerAddress })
        })
      )
    ),
    Layer.provideMerge(ResidentCalls.layer)
  )

/**
 * One of the nodes that share the calls: those of one machine over a SQLite file, those of many over PostgreSQL. The
 * counterpart of `SingleRunner`.
 */
export const layer = ({ runner, shardingConfig }: Options) =>
  layerOverSockets({ host: runner.host, shardingConfig }).pipe(Layer.provide(RunnerSockets.layer(runner)))
