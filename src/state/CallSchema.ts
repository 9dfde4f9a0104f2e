import { Effect, Schedule } from "effect"
import * as Migrator from "effect/sql/Migrator"
import * as SqlClient from "effect/sql/SqlClient"
import { SqlError } from "effect/sql/SqlError"
import { DatabaseNotOpened, reasonOf, refuseNewer } from "./DatabaseNotOpened.ts"

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
  ],
  [
    2,
    "rounds",
    Effect.succeed(
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        yield* sql`CREATE TABLE tandem_round (number BIGINT NOT NULL)`
        yield* sql`INSERT INTO tandem_round (number) VALUES (0)`
        yield* sql`ALTER TABLE tandem_calls ADD COLUMN kept_in BIGINT NOT NULL DEFAULT 0`
        yield* sql`CREATE INDEX tandem_calls_by_round ON tandem_calls (kept_in)`
      })
    )
  ]
]

const known = migrations.length

/** Another relay may be bringing the tables up to date at this moment. */
const isBusy = (error: unknown): boolean =>
  error instanceof Migrator.MigrationError
    ? isBusy(error.cause)
    : error instanceof SqlError && (error.isRetryable || error.reason._tag === "UniqueViolation")

const whileBusy = { while: isBusy, schedule: Schedule.spaced("200 millis"), times: 10 }

/** Brings the tables of calls to the form that this Tandem writes, and refuses those of a newer one. */
export const migrate = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* Effect.retry(Migrator.make({})({ loader: Effect.succeed(migrations), table }), whileBusy)
  const [last] = yield* sql<{ found: number }>`SELECT MAX(migration_id) AS found FROM ${sql(table)}`
  return last?.found ?? 0
}).pipe(
  Effect.mapError(
    (error) =>
      new DatabaseNotOpened({
        message: `the tables of calls cannot be made or read (${reasonOf(error)}): give the database's user the right to make tables`
      })
  ),
  Effect.flatMap((found) => refuseNewer(found, known))
)
