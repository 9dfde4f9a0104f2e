import { Effect, Schedule, Schema } from "effect"
import * as Migrator from "effect/sql/Migrator"
import * as SqlClient from "effect/sql/SqlClient"

/** The tables are of a Tandem that this one does not know. */
export class ClusterSchemaTooNew extends Schema.TaggedError<ClusterSchemaTooNew>()("ClusterSchemaTooNew", {
  found: Schema.Int,
  known: Schema.Int
}) {
  override get message(): string {
    return `the cluster's database was written by a newer Tandem (schema ${this.found}, this one knows ${this.known}): run that one, or name another database`
  }
}

/** There is no cluster in the database, or one of an older Tandem. */
export class ClusterSchemaTooOld extends Schema.TaggedError<ClusterSchemaTooOld>()("ClusterSchemaTooOld", {}) {
  override get message(): string {
    return "the database has no cluster of this Tandem's: start a relay with it first"
  }
}

const table = "tandem_cluster_migrations"

/** Never changed once released: what is to be different comes as a migration of its own. */
const migrations: ReadonlyArray<Migrator.ResolvedMigration> = [
  [
    1,
    "cluster",
    Effect.succeed(
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        // Never given twice: the ids of messages are made of it.
        const machineId = sql.literal(
          sql.onDialectOrElse({
            pg: () => "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
            orElse: () => "INTEGER PRIMARY KEY AUTOINCREMENT"
          })
        )
        yield* sql`CREATE TABLE tandem_runners (
          machine_id ${machineId},
          address TEXT NOT NULL UNIQUE,
          runner TEXT NOT NULL,
          standing TEXT NOT NULL,
          seen_at_ms BIGINT NOT NULL
        )`
        yield* sql`CREATE TABLE tandem_shards (shard_id TEXT PRIMARY KEY, address TEXT NOT NULL)`
        yield* sql`CREATE TABLE tandem_suspicions (
          accuser TEXT NOT NULL,
          accused TEXT NOT NULL,
          expires_at_ms BIGINT NOT NULL,
          PRIMARY KEY (accuser, accused)
        )`
        yield* sql`CREATE TABLE tandem_relays (
          relay TEXT PRIMARY KEY,
          incarnation BIGINT NOT NULL,
          entry TEXT NOT NULL,
          seen_at_ms BIGINT NOT NULL
        )`
      })
    )
  ],
  [
    2,
    "drain",
    Effect.succeed(
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        // The life of the relay that is to drain, so that the next one is not meant.
        yield* sql`ALTER TABLE tandem_relays ADD COLUMN drain_incarnation BIGINT`
      })
    )
  ]
]

const known = migrations.length

/** Nodes that are started together make the tables together: only one of them may. */
const whileOthersMigrate = { schedule: Schedule.spaced("100 millis"), times: 30 }

const readFound = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const [last] = yield* sql<{ found: number }>`SELECT MAX(migration_id) AS found FROM ${sql(table)}`
  return last?.found ?? 0
})

/** Fails if the tables have another form than this Tandem writes. They stay as they are. */
export const verify = Effect.gen(function* () {
  // Without a cluster there is no such table.
  const found = yield* Effect.orElseSucceed(readFound, () => 0)
  if (found > known) return yield* new ClusterSchemaTooNew({ found, known })
  if (found < known) return yield* new ClusterSchemaTooOld()
})

/** Brings the cluster's tables to the form that this Tandem writes, and refuses those of a newer one. */
export const migrate = Effect.gen(function* () {
  yield* Effect.retry(Migrator.make({})({ loader: Effect.succeed(migrations), table }), whileOthersMigrate)
  const found = yield* readFound
  if (found > known) return yield* new ClusterSchemaTooNew({ found, known })
})
