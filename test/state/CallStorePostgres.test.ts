import { assert, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Redacted } from "effect"
import * as SqlClient from "effect/sql/SqlClient"
import * as CallStoreSql from "../../src/state/CallStoreSql.ts"
import * as PostgresClient from "../../src/state/PostgresClient.ts"
import { needAll } from "../interop/Tools.ts"
import { PostgresServer } from "../servers/PostgresServer.ts"
import * as CallStoreOutageSuite from "../suites/CallStoreOutageSuite.ts"
import { Outages } from "../suites/CallStoreOutageSuite.ts"
import * as CallStoreSuite from "../suites/CallStoreSuite.ts"

const storeAt = (url: string) =>
  CallStoreSql.layer.pipe(Layer.provideMerge(PostgresClient.layer({ url: Redacted.make(url) })))
const store = Layer.unwrap(Effect.map(PostgresServer, ({ url }) => storeAt(url)))

const outages = Layer.effect(
  Outages,
  Effect.map(PostgresServer, ({ pause, resume, start, stop }) => {
    const stuck = { begin: pause, end: resume }
    const down = { begin: stop, end: start }
    return Outages.of({ ways: [stuck, down], canBeRead: false })
  })
)

/** Why a store at this URL is not opened. */
const refusal = (url: string) =>
  Effect.map(Effect.flip(Effect.scoped(Layer.build(storeAt(url)))), ({ message }) => message)

needAll(["postgres"], () => {
  CallStoreSuite.suite("postgres", Layer.provide(store, PostgresServer.layer))
  CallStoreOutageSuite.suite("postgres", Layer.provide(Layer.merge(store, outages), PostgresServer.layer))

  it.layer(PostgresServer.layer)("CallStorePostgres", (it) => {
    const using = <A, E>(url: string, effect: Effect.Effect<A, E, SqlClient.SqlClient>) =>
      Effect.provide(effect, PostgresClient.layer({ url: Redacted.make(url) }))

    it.effect("relays that start at the same moment make the tables once", () =>
      Effect.gen(function* () {
        const { url } = yield* PostgresServer
        const opened = Effect.scoped(Effect.asVoid(Layer.build(Layer.fresh(storeAt(url)))))
        const opening = yield* Effect.forkChild(Effect.all([opened, opened, opened], { concurrency: "unbounded" }))
        while (opening.pollUnsafe() === undefined) {
          yield* Effect.promise(() => new Promise<void>((resolve) => setImmediate(resolve)))
        }
        yield* Fiber.join(opening)
        const migrations = Effect.flatMap(SqlClient.SqlClient, (sql) => sql`SELECT migration_id FROM tandem_migrations`)
        assert.strictEqual((yield* using(url, migrations)).length, 2)
      })
    )

    it.effect("is not opened where there is no such database, or no right to make tables", () =>
      Effect.gen(function* () {
        const { url } = yield* PostgresServer
        const missing = yield* refusal(url.replace(/postgres$/, "nowhere"))
        assert.match(
          missing,
          /^the database postgres:\/\/127\.0\.0\.1:\d+\/nowhere cannot be opened \(.*nowhere.*: see that it runs/
        )
        yield* using(
          url,
          Effect.gen(function* () {
            const sql = yield* SqlClient.SqlClient
            yield* sql`CREATE ROLE guest LOGIN`
            yield* sql`CREATE DATABASE other`
          })
        )
        const forbidden = yield* refusal(url.replace("tandem@", "guest:secret@").replace(/postgres$/, "other"))
        assert.match(forbidden, /permission denied for schema public.*the right to make tables/)
        assert.notInclude(forbidden, "secret")
      })
    )
  })
})
