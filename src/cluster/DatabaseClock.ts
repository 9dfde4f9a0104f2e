import { Clock, Context, Effect, Layer } from "effect"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import type { Fragment } from "effect/sql/Statement"

/**
 * The one clock that leases of all nodes are measured by. Nodes on many machines have many clocks, so there it is the
 * database server's. A SQLite file has processes of one machine alone, which share its clock: there it is the process's own,
 * which is virtual in tests.
 */
export class DatabaseClock extends Context.Service<
  DatabaseClock,
  {
    /** Now, as part of a statement. Milliseconds of the Unix epoch. */
    readonly now: Effect.Effect<Fragment>
    /** How far the process's clock is ahead of it. Milliseconds, negative if it is behind. */
    readonly aheadMs: Effect.Effect<number, SqlError>
  }
>()("tandem/cluster/DatabaseClock") {}

/** The clock of this process. */
export const layerProcess = Layer.effect(
  DatabaseClock,
  Effect.map(SqlClient.SqlClient, (sql) =>
    DatabaseClock.of({
      now: Effect.map(Clock.currentTimeMillis, (nowMs) => sql`CAST(${Math.floor(nowMs)} AS BIGINT)`),
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
  Effect.map(SqlClient.SqlClient, (sql) => sql.onDialectOrElse({ pg: () => layerPostgres, orElse: () => layerProcess }))
)
