import { Array as Arr, Context, Duration, Effect, Layer } from "effect"
import { ShardingConfig } from "effect/cluster"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import { DatabaseClock } from "./DatabaseClock.ts"
import * as Quorum from "./Quorum.ts"

/**
 * What may become of a runner: `serving` is assigned shards; `condemned` was found dead, and holds none; `leaving` takes no
 * more, and is there until it has released what it holds.
 */
type StandingName = "serving" | "condemned" | "leaving"

/** A runner whose lease has not run out. */
export interface LiveRunner {
  /** "10.0.0.7:7478" */
  readonly address: string
  /** As the cluster encodes it. */
  readonly runner: string
  readonly standing: StandingName
}

/** What others have to know of it to judge, and to know whom to observe. */
export const standingOf = ({ address, standing }: LiveRunner): Quorum.Standing => ({
  address,
  isCondemned: standing === "condemned"
})

/** How long a suspicion counts unless it is repeated: whoever has died is no witness any more. Milliseconds. */
export const suspicionMs = 1500

/**
 * Runners, and who holds which shard. A runner has one lease for all of its shards, so that a beat writes one row. A lock is
 * worth as much as its holder's lease.
 */
export class RunnerTable extends Context.Service<
  RunnerTable,
  {
    readonly live: Effect.Effect<ReadonlyArray<LiveRunner>, SqlError>
    /** A new life of whoever had the address. Returns its machine id. */
    readonly register: (address: string, runner: string) => Effect.Effect<number, SqlError>
    readonly leave: (address: string) => Effect.Effect<void, SqlError>
    readonly setHealth: (address: string, isHealthy: boolean) => Effect.Effect<void, SqlError>
    /**
     * What this runner suspects now, in place of what it did before; and the verdict that follows for all. At once for
     * the one and the other, so that no two verdicts are based on the same voices.
     */
    readonly accuse: (accuser: string, accused: ReadonlySet<string>) => Effect.Effect<void, SqlError>
    /** Returns those that it got, or had. */
    readonly acquire: (address: string, shards: Arr.NonEmptyArray<string>) => Effect.Effect<Array<string>, SqlError>
    /** Prolongs the lease. Returns the shards that it is for. */
    readonly beat: (address: string) => Effect.Effect<ReadonlyArray<string>, SqlError>
    readonly release: (address: string, shard: string) => Effect.Effect<void, SqlError>
    readonly releaseAll: (address: string) => Effect.Effect<void, SqlError>
    /** Of every shard that is held: its id, and the holder's address. */
    readonly holders: Effect.Effect<ReadonlyMap<string, string>, SqlError>
  }
>()("tandem/cluster/RunnerTable") {}

const make = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const clock = yield* DatabaseClock
  const { shardLockExpiration } = yield* ShardingConfig.ShardingConfig
  const leaseMs = Duration.toMillis(Duration.fromInputUnsafe(shardLockExpiration))

  const isLive = clock.seenWithin("tandem_runners", leaseMs)

  const live = Effect.gen(function* () {
    return yield* sql<LiveRunner>`SELECT address, runner, standing FROM tandem_runners
      WHERE ${yield* isLive} AND (standing <> 'leaving' OR address IN (SELECT address FROM tandem_shards))
      ORDER BY machine_id`
  })

  const register = Effect.fnUntraced(function* (address: string, runner: string) {
    const now = yield* clock.now
    // Nobody has suspected the new life yet.
    yield* sql`DELETE FROM tandem_suspicions WHERE accused = ${address} OR accuser = ${address}`
    yield* sql`DELETE FROM tandem_runners WHERE address <> ${address} AND NOT (${yield* isLive})`
    const [row] = yield* sql<{ machine_id: number | string }>`
      INSERT INTO tandem_runners (address, runner, standing, seen_at_ms)
      VALUES (${address}, ${runner}, 'serving', ${now})
      ON CONFLICT (address) DO UPDATE
      SET runner = excluded.runner, standing = excluded.standing, seen_at_ms = excluded.seen_at_ms
      RETURNING machine_id`
    return Number(row?.machine_id)
  }, sql.withTransaction)

  const setHealth = Effect.fnUntraced(function* (address: string, isHealthy: boolean) {
    if (isHealthy) {
      yield* sql`UPDATE tandem_runners SET standing = 'serving' WHERE address = ${address} AND standing = 'condemned'`
    } else {
      yield* sql`UPDATE tandem_runners SET standing = 'condemned' WHERE address = ${address}`
      yield* sql`DELETE FROM tandem_shards WHERE address = ${address}`
    }
  }, sql.withTransaction)

  /** SQLite has one writer anyway. */
  const oneJudge = sql.onDialectOrElse({
    pg: () => sql`LOCK TABLE tandem_suspicions IN EXCLUSIVE MODE`,
    orElse: () => Effect.void
  })

  const accuse = Effect.fnUntraced(function* (accuser: string, accused: ReadonlySet<string>) {
    yield* oneJudge
    const now = yield* clock.now
    yield* sql`DELETE FROM tandem_suspicions WHERE accuser = ${accuser} OR expires_at_ms <= ${now}`
    for (const address of accused) {
      yield* sql`INSERT INTO tandem_suspicions (accuser, accused, expires_at_ms)
        VALUES (${accuser}, ${address}, ${now} + ${suspicionMs})`
    }
    const runners = (yield* live).map(standingOf)
    const suspicions = yield* sql<Quorum.Suspicion>`SELECT accuser, accused FROM tandem_suspicions`
    const condemned = Quorum.condemned(runners, suspicions)
    for (const { address, isCondemned } of runners) {
      if (condemned.has(address) !== isCondemned) yield* setHealth(address, isCondemned)
    }
  }, sql.withTransaction)

  /** Whose locks count. */
  const holdersThatCount = Effect.map(
    isLive,
    (isLive) => sql`SELECT address FROM tandem_runners WHERE standing <> 'condemned' AND ${isLive}`
  )

  const acquire = Effect.fnUntraced(function* (address: string, shards: Arr.NonEmptyArray<string>) {
    const [self] = yield* sql`SELECT 1 FROM tandem_runners WHERE address = ${address} AND standing = 'serving'
      AND ${yield* isLive}`
    if (self === undefined) return []
    // All in one order, so that two who want the same shards never wait for each other.
    const rows = Arr.map(Arr.sort(shards, textOrder), (shard_id) => ({ shard_id, address }))
    const acquired = yield* sql<{ shard_id: string }>`INSERT INTO tandem_shards ${sql.insert(rows)}
      ON CONFLICT (shard_id) DO UPDATE SET address = excluded.address
      WHERE tandem_shards.address = excluded.address OR tandem_shards.address NOT IN (${yield* holdersThatCount})
      RETURNING shard_id`
    return acquired.map(({ shard_id }) => shard_id)
  }, sql.withTransaction)

  const beat = Effect.fnUntraced(function* (address: string) {
    yield* sql`UPDATE tandem_runners SET seen_at_ms = ${yield* clock.now} WHERE address = ${address}`
    const held = yield* sql<{ shard_id: string }>`SELECT shard_id FROM tandem_shards
      WHERE address = ${address} AND address IN (${yield* holdersThatCount})`
    return held.map(({ shard_id }) => shard_id)
  }, sql.withTransaction)

  const releaseAll = Effect.fnUntraced(function* (address: string) {
    yield* sql`DELETE FROM tandem_shards WHERE address = ${address}`
    yield* sql`DELETE FROM tandem_runners WHERE address = ${address} AND standing = 'leaving'`
  }, sql.withTransaction)

  const holders = Effect.gen(function* () {
    const rows = yield* sql<{ shard_id: string; address: string }>`SELECT shard_id, address FROM tandem_shards
      WHERE address IN (${yield* holdersThatCount})`
    return new Map(rows.map(({ address, shard_id }) => [shard_id, address]))
  })

  return RunnerTable.of({
    live,
    register,
    leave: (address) => Effect.asVoid(sql`UPDATE tandem_runners SET standing = 'leaving' WHERE address = ${address}`),
    setHealth,
    accuse,
    acquire,
    beat,
    release: (address, shard) =>
      Effect.asVoid(sql`DELETE FROM tandem_shards WHERE address = ${address} AND shard_id = ${shard}`),
    releaseAll,
    holders
  })
})

const textOrder = (a: string, b: string): -1 | 0 | 1 => (a < b ? -1 : a > b ? 1 : 0)

/** The tables are there already: ClusterSchema. */
export const layer = Layer.effect(RunnerTable, make)
