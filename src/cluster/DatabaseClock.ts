import { Clock, Context, Effect, Layer } from "effect"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import type { Fragment } from "effect/sql/Statement"

/**
 * The one clock that leases of all nodes are measured by. Nodes on many machines have many clocks, so there it is the
 * database server's. A SQLite file has processes of one machine alone, which share the one that counts from its start and is
 * never set: there it is that one, as the process reads it, which is virtual in tests.
 */
export class DatabaseClock extends Context.Service<
  DatabaseClock,
  {
    /** Now, as part of a statement. Whole milliseconds since a time that is the same for all nodes. */
    readonly now: Effect.Effect<Fragment>
    /** Whether what a row of the table is about was seen no longer ago than this. Milliseconds. */
    readonly seenWithin: (table: "tandem_runners" | "tandem_relays", ms: number) => Effect.Effect<Fragment>
    /** How far the process's clock is ahead of it. Milliseconds, negative if it is behind. */
    readonly aheadMs: Effect.Effect<number, SqlError>
  }
>()("tandem/cluster/DatabaseClock") {}

const machineMs = Effect.map(Clock.monotonicTimeNanos, (nanos) => Number(nanos / 1_000_000n))

/** The machine's, from its start on. What was seen at a time to come was seen before the machine was started again. */
export const layerMachine = Layer.effect(
  DatabaseClock,
  Effect.map(SqlClient.SqlClient, (sql) =>
    DatabaseClock.of({
      now: Effect.map(machineMs, (nowMs) => sql`CAST(${nowMs} AS BIGINT)`),
      seenWithin: (table, ms) =>
        Effect.map(machineMs, (nowMs) => {
          const seenAtMs = sql.literal(`${table}.seen_at_ms`)
          return sql`(${seenAtMs} > ${nowMs - ms} AND ${seenAtMs} < ${nowMs + ms})`
        }),
      aheadMs: Effect.succeed(0)
    })
  )
)

const layerPostgres = Layer.effect(
  DatabaseClock,
  Effect.map(SqlClient.SqlClient, (sql) => {
    const now = sql.literal("CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)")
    return DatabaseClock.of({
      now: Effect.succeed(now),
      seenWithin: (table, ms) => Effect.succeed(sql`${sql.literal(`${table}.seen_at_ms`)} > ${now} - ${ms}`),
      aheadMs: Effect.gen(function* () {
        const askedAtMs = yield* Clock.currentTimeMillis
        const [row] = yield* sql<{ now_ms: number | string }>`SELECT ${now} AS now_ms`
        const answeredAtMs = yield* Clock.currentTimeMillis
        return (askedAtMs + answeredAtMs) / 2 - Number(row?.now_ms)
      })
    })
  })
)

/** Which of the two suits the database. */
export const layer = Layer.unwrap(
  Effect.map(SqlClient.SqlClient, (sql) => sql.onDialectOrElse({ pg: () => layerPostgres, orElse: () => layerMachine }))
)
