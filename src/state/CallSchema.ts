import { Effect, Schema } from "effect"
import * as Migrator from "effect/sql/Migrator"
import * as SqlClient from "effect/sql/SqlClient"

/** The tables are of a Tandem that this one does not know. */
export class SchemaTooNew extends Schema.TaggedError<SchemaTooNew>()("SchemaTooNew", {
  found: Schema.Int,
  known: Schema.Int
}) {
  override get message(): string {
    return `the state database was written by a newer Tandem (schema ${this.found}, this one knows ${this.known}): run that one, or name another database`
  }
}

const table = "tandem_migrations"

/** Never changed once released: what is to be different comes as a migration of its own. */
const migrations: ReadonlyArray<Migrator.ResolvedMigration> = [
  [
    1,
    "calls",
    Effect.succeed(
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        const bytes = sql.literal(sql.onDialectOrElse({ pg: () => "BYTEA", orElse: () => "BLOB" }))
        yield* sql`CREATE TABLE tandem_calls (
          id TEXT PRIMARY KEY,
          owner_epoch BIGINT NOT NULL,
          number BIGINT NOT NULL,
          state TEXT NOT NULL,
          checkpoint ${bytes}
        )`
        yield* sql`CREATE TABLE tandem_addresses (
          call_id TEXT NOT NULL REFERENCES tandem_calls (id) ON DELETE CASCADE,
          participant_id TEXT NOT NULL,
          address TEXT NOT NULL,
          joined_at_ms BIGINT NOT NULL,
          PRIMARY KEY (call_id, participant_id)
        )`
        yield* sql`CREATE INDEX tandem_addresses_by_address ON tandem_addresses (address, joined_at_ms)`
      })
    )
  ]
]

const known = migrations.length

/** Brings the tables of calls to the form that this Tandem writes, and refuses those of a newer one. */
export const migrate = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* Migrator.make({})({ loader: Effect.succeed(migrations), table })
  const [last] = yield* sql<{ found: number }>`SELECT MAX(migration_id) AS found FROM ${sql(table)}`
  const found = last?.found ?? 0
  if (found > known) return yield* new SchemaTooNew({ found, known })
})
