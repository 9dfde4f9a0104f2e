import { Effect, Hash, Result } from "effect"
import * as SqlClient from "effect/sql/SqlClient"
import * as StateLayer from "../../../src/server/StateLayer.ts"
import * as CallPlan from "../CallPlan.ts"

/** Of Effect's cluster, by default. */
const shardsPerGroup = 300

/** As Effect's `Sharding` does it, which tells only those who take part in it. */
export const shardOf = (call: number): string =>
  `default:${(Math.abs(Hash.string(CallPlan.callName(call))) % shardsPerGroup) + 1}`

/** Which relay's process runs the actor of each of these calls, by its cluster address, "127.0.1.1:40000". */
export const read = async (url: string, calls: ReadonlyArray<number>): Promise<ReadonlyMap<number, string>> => {
  const holders = Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const rows = yield* sql<{ shard_id: string; address: string }>`SELECT shard_id, address FROM tandem_shards`
    return new Map(rows.map(({ address, shard_id }) => [shard_id, address]))
  })
  const client = StateLayer.sqlClient(Result.getOrThrow(StateLayer.parseCluster(url)))
  const known = await Effect.runPromise(Effect.provide(holders, client))
  return new Map(
    calls.flatMap((call) => {
      const holder = known.get(shardOf(call))
      return holder === undefined ? [] : [[call, holder] as const]
    })
  )
}
