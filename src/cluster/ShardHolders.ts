import { Context, Duration, Effect, Layer, Schedule } from "effect"
import { EntityId, type RunnerAddress, Sharding, ShardingConfig } from "effect/cluster"
import { Call } from "../actor/CallRpcs.ts"
import type { CallId } from "../protocol/Ids.ts"
import * as LastKnown from "./LastKnown.ts"
import * as RunnerAddressText from "./RunnerAddressText.ts"
import { RunnerTable } from "./RunnerTable.ts"

/** As old as the answer may be: whatever is sent to the wrong node is sent on. */
const readInterval = "250 millis"

/** On which node a call's actor runs, or would run: who holds its shard in the table. */
export class ShardHolders extends Context.Service<
  ShardHolders,
  {
    /** As of a quarter of a second ago. Undefined: nobody. */
    readonly ofCall: (call: CallId) => RunnerAddress.RunnerAddress | undefined
  }
>()("tandem/cluster/ShardHolders") {
  static readonly layer = Layer.effect(
    ShardHolders,
    Effect.gen(function* () {
      const sharding = yield* Sharding.Sharding
      const table = yield* RunnerTable
      let holders: ReadonlyMap<string, string> = new Map()
      const { shardLockRefreshInterval } = yield* ShardingConfig.ShardingConfig
      const beatMs = Duration.toMillis(Duration.fromInputUnsafe(shardLockRefreshInterval))
      // While the database is away nobody gets a shard either; when it is back, all leases have run out for a moment.
      const lastKnown = LastKnown.make(Effect.timeout(table.holders, beatMs), LastKnown.graceBeats * beatMs)
      yield* lastKnown.read.pipe(
        Effect.map((now) => void (holders = now)),
        Effect.ignore,
        Effect.repeat(Schedule.spaced(readInterval)),
        Effect.forkScoped
      )

      return ShardHolders.of({
        ofCall: (call) => {
          const id = EntityId.make(call)
          const holder = holders.get(sharding.getShardId(id, Call.getShardGroup(id)).toString())
          return holder === undefined ? undefined : RunnerAddressText.parse(holder)
        }
      })
    })
  )
}
