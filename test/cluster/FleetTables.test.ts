import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Exit, Fiber, Layer, Option, Scope } from "effect"
import { RunnerAddress, ShardingConfig } from "effect/cluster"
import * as SqlClient from "effect/sql/SqlClient"
import { TestClock } from "effect/testing"
import * as ClusterSchema from "../../src/cluster/ClusterSchema.ts"
import * as DatabaseClock from "../../src/cluster/DatabaseClock.ts"
import * as FleetTables from "../../src/cluster/FleetTables.ts"
import { RelayDirectory } from "../../src/cluster/RelayDirectory.ts"
import * as RelayDirectorySql from "../../src/cluster/RelayDirectorySql.ts"
import { RelayId } from "../../src/protocol/Ids.ts"
import * as NodeSqlite from "../../src/state/NodeSqlite.ts"

const database = Layer.provideMerge(DatabaseClock.layer, NodeSqlite.layer({ file: ":memory:" }))
const withTables = Layer.provideMerge(Layer.effectDiscard(ClusterSchema.migrate), database)

const identity = (relay: string, incarnation: number) => ({
  relay: RelayId.make(relay),
  incarnation,
  address: "203.0.113.8:3478",
  keyFingerprints: ["key-1"]
})

/** A relay in a node of its own, until it stops or is killed. */
const start = Effect.fnUntraced(function* (relay: string, incarnation: number, port = 7478) {
  const runnerAddress = Option.some(RunnerAddress.make("10.0.0.7", port))
  const life = yield* Scope.make()
  const layer = RelayDirectorySql.layer.pipe(Layer.provide(ShardingConfig.layer({ runnerAddress })))
  const context = yield* Layer.buildWithScope(Layer.fresh(layer), life)
  const directory = Context.get(context, RelayDirectory)
  const registering = yield* Effect.forkChild(
    directory.register(identity(relay, incarnation)).pipe(Scope.provide(life))
  )
  yield* TestClock.adjust("3 seconds")
  yield* Fiber.join(registering)
  return { directory, stop: Scope.close(life, Exit.void) }
})

const states = Effect.map(FleetTables.relays, (relays) => relays.map(({ relay, state }) => `${relay} ${state}`))

describe("FleetTables", () => {
  it.effect("shows relays as they are: ready, draining, silent, gone", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* states, [])
      const b = yield* start("b", 1, 7479)
      const a = yield* start("a", 2)
      yield* a.directory.update(RelayId.make("a"), { participants: 7, isDraining: false })
      yield* TestClock.adjust("1200 millis")
      assert.deepStrictEqual(yield* states, ["a ready", "b ready"])
      const [shown] = yield* FleetTables.relays
      assert.deepInclude(shown, { incarnation: 2, participants: 7, address: "203.0.113.8:3478", node: "10.0.0.7:7478" })
      assert.isBelow(shown!.seenAgoMs, 1001)
      yield* b.directory.update(RelayId.make("b"), { participants: 0, isDraining: true })
      assert.deepStrictEqual(yield* states, ["a ready", "b draining"])
      yield* b.stop
      assert.deepStrictEqual(yield* states, ["a ready"])
      // As a process leaves it that was killed.
      const sql = yield* SqlClient.SqlClient
      yield* sql`INSERT INTO tandem_relays (relay, incarnation, entry, seen_at_ms)
        SELECT 'c', 3, REPLACE(entry, '"a"', '"c"'), seen_at_ms FROM tandem_relays WHERE relay = 'a'`
      yield* TestClock.adjust("4 seconds")
      assert.deepStrictEqual(yield* states, ["a ready", "c ready"])
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(yield* states, ["a ready", "c silent"])
      yield* sql`UPDATE tandem_relays SET seen_at_ms = seen_at_ms - 86400000 WHERE relay = 'c'`
      assert.deepStrictEqual(yield* states, ["a ready"])
    }).pipe(Effect.provide(withTables))
  )

  it.effect("a relay hears with its next beat that it is to drain; its next life does not", () =>
    Effect.gen(function* () {
      const relay = RelayId.make("a")
      const first = yield* start("a", 1)
      const asked = yield* Effect.forkChild(first.directory.drainRequested(relay))
      yield* TestClock.adjust("5 seconds")
      assert.isUndefined(asked.pollUnsafe())
      const [shown] = yield* FleetTables.relays
      yield* FleetTables.requestDrain(shown!)
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(asked)
      yield* first.stop
      const second = yield* start("a", 2)
      const askedAgain = yield* Effect.forkChild(second.directory.drainRequested(relay))
      // Of the life before: it came too late.
      yield* FleetTables.requestDrain(shown!)
      yield* TestClock.adjust("5 seconds")
      assert.isUndefined(askedAgain.pollUnsafe())
    }).pipe(Effect.provide(withTables))
  )

  it.effect("counts the shards that each node holds", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      yield* sql`INSERT INTO tandem_runners (address, runner, standing, seen_at_ms) VALUES
        ('10.0.0.7:1', '', 'serving', 0), ('10.0.0.8:1', '', 'serving', 0)`
      yield* sql`INSERT INTO tandem_shards (shard_id, address) VALUES ('a:1', '10.0.0.8:1'), ('a:2', '10.0.0.8:1')`
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(yield* FleetTables.nodes, [
        { address: "10.0.0.7:1", shards: 0, seenAgoMs: 2000 },
        { address: "10.0.0.8:1", shards: 2, seenAgoMs: 2000 }
      ])
    }).pipe(Effect.provide(withTables))
  )
})

describe("ClusterSchema.verify", () => {
  it.effect("takes the tables of this Tandem alone, and makes none", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const { _tag } = yield* Effect.flip(ClusterSchema.verify)
      assert.strictEqual(_tag, "ClusterSchemaTooOld")
      assert.deepStrictEqual(yield* sql`SELECT name FROM sqlite_master`, [])
      yield* ClusterSchema.migrate
      yield* ClusterSchema.verify
      yield* sql`INSERT INTO tandem_cluster_migrations (migration_id, name) VALUES (1000, 'of the future')`
      const { message } = yield* Effect.flip(ClusterSchema.verify)
      assert.match(message, /written by a newer Tandem \(schema 1000, this one knows 2\)/)
    }).pipe(Effect.provide(database))
  )
})
