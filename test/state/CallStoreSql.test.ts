import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, FileSystem, Layer, Option, Path, Result } from "effect"
import { NodeServices } from "@effect/platform-node"
import * as SqlClient from "effect/sql/SqlClient"
import * as CallDecision from "../../src/call/CallDecision.ts"
import { empty } from "../../src/call/CallState.ts"
import * as CallVersion from "../../src/call/CallVersion.ts"
import { DatabaseSync } from "node:sqlite"
import { CallId } from "../../src/protocol/Ids.ts"
import { CallStore } from "../../src/state/CallStore.ts"
import * as CallStoreSql from "../../src/state/CallStoreSql.ts"
import * as NodeSqlite from "../../src/state/NodeSqlite.ts"
import { join } from "../call/Commands.ts"
import * as CallStoreOutageSuite from "../suites/CallStoreOutageSuite.ts"
import { Outages } from "../suites/CallStoreOutageSuite.ts"
import * as CallStoreSuite from "../suites/CallStoreSuite.ts"

const storeAt = (file: string) => CallStoreSql.layer.pipe(Layer.provideMerge(NodeSqlite.layer({ file })))

CallStoreSuite.suite("sqlite in memory", storeAt(":memory:"))

const temporaryFile = Effect.gen(function* () {
  const files = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  return path.join(yield* files.makeTempDirectoryScoped(), "calls.db")
})

CallStoreSuite.suite(
  "sqlite in a file",
  Layer.unwrap(Effect.map(temporaryFile, storeAt)).pipe(Layer.provide(NodeServices.layer))
)

/** Another process that does not come to the end of what it writes. Those who only read do not notice. */
const lockOf = (file: string) =>
  Layer.effect(
    Outages,
    Effect.map(
      Effect.acquireRelease(
        Effect.sync(() => new DatabaseSync(file)),
        (database) => Effect.sync(() => database.close())
      ),
      (database) =>
        Outages.of({
          ways: [
            {
              begin: Effect.sync(() => database.exec("BEGIN IMMEDIATE")),
              end: Effect.sync(() => database.exec("ROLLBACK"))
            }
          ],
          canBeRead: true
        })
    )
  )

CallStoreOutageSuite.suite(
  "sqlite, locked",
  Layer.unwrap(Effect.map(temporaryFile, (file) => Layer.provideMerge(lockOf(file), storeAt(file)))).pipe(
    Layer.provide(NodeServices.layer)
  )
)

const id = CallId.make("call")
const state = Result.getOrThrow(CallDecision.join(empty, join(1), 7)).state

const failureOf = <A, E>(exit: Exit.Exit<A, E>) => Exit.match(exit, { onSuccess: () => undefined, onFailure: String })

describe("CallStoreSql", () => {
  const using = <A, E>(file: string, effect: Effect.Effect<A, E, CallStore | SqlClient.SqlClient>) =>
    Effect.provide(effect, storeAt(file), { local: true })

  it.layer(NodeServices.layer)("in a file", (it) => {
    it.effect("a call is there when the file is opened again", () =>
      Effect.gen(function* () {
        const file = yield* temporaryFile
        yield* using(
          file,
          Effect.flatMap(CallStore, (store) => store.save(id, state, CallVersion.none))
        )
        const [loaded, found] = yield* using(
          file,
          Effect.flatMap(CallStore, (store) =>
            Effect.all([store.load(id), store.findByAddress(state.participants[0]!.address)])
          )
        )
        assert.deepStrictEqual(loaded, state)
        assert.deepStrictEqual(found, Option.some({ call: id, participant: state.participants[0]!.id }))
      }).pipe(Effect.scoped)
    )

    it.effect("tables of a newer Tandem are refused, and stay as they are", () =>
      Effect.gen(function* () {
        const file = yield* temporaryFile
        yield* using(
          file,
          Effect.gen(function* () {
            yield* (yield* CallStore).save(id, state, CallVersion.none)
            const sql = yield* SqlClient.SqlClient
            yield* sql`INSERT INTO tandem_migrations (migration_id, name) VALUES (1000, 'of the future')`
          })
        )
        const exit = yield* Effect.exit(using(file, CallStore))
        assert.include(failureOf(exit), "was written by a newer Tandem (schema 1000")
        const rows = yield* Effect.provide(
          Effect.flatMap(SqlClient.SqlClient, (sql) => sql`SELECT id FROM tandem_calls`),
          NodeSqlite.layer({ file }),
          { local: true }
        )
        assert.deepStrictEqual(rows, [{ id: "call" }])
      }).pipe(Effect.scoped)
    )

    it.effect("tables of an older Tandem are brought up to date with the calls in them", () =>
      Effect.gen(function* () {
        const file = yield* temporaryFile
        const next = Result.getOrThrow(CallDecision.join(state, join(2), 8)).state
        yield* using(
          file,
          Effect.flatMap(CallStore, (store) => store.save(id, state, CallVersion.none))
        )
        // The first schema, which had no rounds.
        const database = new DatabaseSync(file)
        database.exec(`DROP INDEX tandem_calls_by_round; ALTER TABLE tandem_calls DROP COLUMN kept_in;
          DROP TABLE tandem_round; DELETE FROM tandem_migrations WHERE migration_id = 2`)
        database.close()
        yield* using(
          file,
          Effect.gen(function* () {
            const store = yield* CallStore
            assert.deepStrictEqual(yield* store.load(id), state)
            yield* store.save(id, next, state.version)
            assert.deepStrictEqual(yield* store.load(id), next)
          })
        )
      }).pipe(Effect.scoped)
    )

    it.effect("a file that is no database, and one that cannot be made, are named", () =>
      Effect.gen(function* () {
        const files = yield* FileSystem.FileSystem
        const file = yield* temporaryFile
        yield* files.writeFileString(file, "This is no database, though it is long enough for a header. ".repeat(20))
        for (const bad of [file, `${file}/below/a/file.db`]) {
          assert.include(failureOf(yield* Effect.exit(using(bad, CallStore))), `the database ${bad} cannot be opened`)
        }
      }).pipe(Effect.scoped)
    )

    it.effect("while another connection holds the file, the store is unavailable; afterwards it goes on", () =>
      Effect.gen(function* () {
        const file = yield* temporaryFile
        const reason = yield* using(
          file,
          Effect.gen(function* () {
            const store = yield* CallStore
            const refused = yield* using(
              file,
              Effect.flatMap(SqlClient.SqlClient, (sql) =>
                sql.withTransaction(Effect.flip(store.save(id, state, CallVersion.none)))
              )
            )
            yield* store.save(id, state, CallVersion.none)
            return refused
          })
        )
        assert.propertyVal(reason, "_tag", "CallStoreError")
        assert.include(String(reason), "the state store cannot be reached")
      }).pipe(Effect.scoped)
    )
  })

  it.effect("what cannot be read concerns its own call alone", () =>
    Effect.gen(function* () {
      const store = yield* CallStore
      const sql = yield* SqlClient.SqlClient
      const other = CallId.make("other")
      yield* store.save(id, state, CallVersion.none)
      yield* store.save(other, state, CallVersion.none)
      for (const text of ["{", "{}", '{"version":{"ownerEpoch":-1,"number":1},"participants":[]}']) {
        yield* sql`UPDATE tandem_calls SET state = ${text} WHERE id = ${id}`
        const { message, reason } = yield* Effect.flip(store.load(id))
        assert.strictEqual(reason._tag, "StateUnreadable")
        assert.include(message, "what is stored of the call call cannot be read")
        assert.deepStrictEqual(yield* store.load(other), state)
      }
    }).pipe(Effect.provide(storeAt(":memory:")))
  )
})
