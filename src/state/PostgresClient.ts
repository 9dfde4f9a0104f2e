import * as PgClient from "@effect/sql-pg/PgClient"
import { Duration, Effect, Layer, type Redacted } from "effect"
import * as Reactivity from "effect/reactivity/Reactivity"
import * as SqlClient from "effect/sql/SqlClient"
import { DatabaseNotOpened, reasonOf } from "./DatabaseNotOpened.ts"
import * as DatabaseUrl from "./DatabaseUrl.ts"
import { answerMs } from "./StoreAnswer.ts"

export interface Options {
  /** postgres://USER:PASSWORD@HOST:PORT/DATABASE, with the parameters that libpq knows. */
  readonly url: Redacted.Redacted
}

/**
 * A relay writes when people come and go. All are open from the start: when another relay has died, many ask at once whose
 * calls those were, and opening a connection then would cost both sides more than the question.
 */
const connections = 8

/**
 * What a relay has begun that is gone must not keep a row from whoever takes its calls over; to the server, it may be there
 * long after. Milliseconds.
 */
const startupParameters = {
  statement_timeout: `${answerMs}`,
  idle_in_transaction_session_timeout: `${2 * answerMs}`
}

const make = Effect.fnUntraced(
  function* ({ url }: Options) {
    const sql = yield* PgClient.make({
      url,
      applicationName: "tandem",
      minConnections: connections,
      maxConnections: connections,
      connectTimeout: Duration.millis(answerMs),
      startupParameters
    })
    // They are opened in the background. Whether that is possible is to be known at the start.
    yield* sql`SELECT 1`
    return sql
  },
  (client, { url }) =>
    Effect.mapError(
      client,
      (error) =>
        new DatabaseNotOpened({
          message: `the database ${DatabaseUrl.withoutSecrets(url)} cannot be opened (${reasonOf(error)}): see that it runs, and that address, name, user and password are right`
        })
    )
)

/** Postgres as Effect's SQL client. A connection that breaks is replaced when one is needed. */
export const layer = (options: Options): Layer.Layer<SqlClient.SqlClient, DatabaseNotOpened> =>
  Layer.effect(SqlClient.SqlClient, make(options)).pipe(Layer.provide(Reactivity.layer))
