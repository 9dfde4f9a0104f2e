import { assert, describe, it } from "@effect/vitest"
import { Clock, Context, Effect, Fiber, Layer, Option, Scope } from "effect"
import { RunnerAddress, ShardingConfig } from "effect/cluster"
import * as SqlClient from "effect/sql/SqlClient"
import { TestClock } from "effect/testing"
import * as ClusterSchema from "../../src/cluster/ClusterSchema.ts"
import * as DatabaseClock from "../../src/cluster/DatabaseClock.ts"
import * as RelayDirectory from "../../src/cluster/RelayDirectory.ts"
import * as RelayDirectorySql from "../../src/cluster/RelayDirectorySql.ts"
import { RelayId } from "../../src/protocol/Ids.ts"
import * as NodeSqlite from "../../src/state/NodeSqlite.ts"
import * as RelayDirectorySuite from "../suites/RelayDirectorySuite.ts"
import * as SimulatedProcess from "./SimulatedProcess.ts"

RelayDirectorySuite.suite(
  "memory",
  Effect.map(Layer.build(Layer.fresh(RelayDirectory.layerMemory)), (context) => {
    const directory = Context.get(context, RelayDirectory.RelayDirectory)
    return { here: directory, there: directory }
  })
)

/** A directory in a simulated process of its own, over the database of all. */
const start = Effect.fnUntraced(function* (shared: SqlClient.SqlClient, port: number) {
  const process = SimulatedProcess.make(`node:${port}`)
  const layer = RelayDirectorySql.layer.pipe(
    Layer.provide(DatabaseClock.layer),
    Layer.provide(Layer.effectDiscard(ClusterSchema.migrate)),
    Layer.provide(Layer.effect(SqlClient.SqlClient, SimulatedProcess.database(process, shared))),
    Layer.provide(ShardingConfig.layer({ runnerAddress: Option.some(RunnerAddress.make("node", port)) }))
  )
  const clock = SimulatedProcess.clock(process, yield* Clock.Clock)
  // Not of the test's scope: a killed process ends nothing.
  const life = yield* Scope.make()
  const context = yield* Layer.buildWithScope(Layer.fresh(layer), life).pipe(Effect.provideService(Clock.Clock, clock))
  const directory = Context.get(context, RelayDirectory.RelayDirectory)
  return {
    process,
    directory,
    register: (identity: RelayDirectory.RelayIdentity) =>
      directory.register(identity).pipe(Scope.provide(life), Effect.provideService(Clock.Clock, clock))
  }
})

const startTwo = Effect.gen(function* () {
  const database = yield* Layer.build(Layer.fresh(NodeSqlite.layer({ file: ":memory:" })))
  const shared = Context.get(database, SqlClient.SqlClient)
  return { here: yield* start(shared, 1), there: yield* start(shared, 2) }
})

RelayDirectorySuite.suite(
  "sqlite",
  Effect.map(startTwo, ({ here, there }) => ({ here: here.directory, there: there.directory }))
)

const relay = RelayId.make("relay-a")
const identity: RelayDirectory.RelayIdentity = {
  relay,
  incarnation: 1,
  address: "203.0.113.8:3478",
  keyFingerprints: ["key-1"]
}

describe("RelayDirectorySql", () => {
  it.effect("a relay that was killed and comes back has its name within seconds", () =>
    Effect.gen(function* () {
      const { here, there } = yield* startTwo
      yield* here.register(identity)
      yield* TestClock.adjust("2 seconds")
      here.process.kill()
      const back = yield* Effect.forkChild(there.register({ ...identity, incarnation: 2 }))
      yield* TestClock.adjust("3 seconds")
      yield* Fiber.join(back)
      assert.propertyVal(there.directory.find(relay), "incarnation", 2)
      assert.propertyVal(there.directory.find(relay)?.node, "port", 2)
    }).pipe(Effect.scoped)
  )

  it.effect("a relay that was not seen for five seconds is gone; it comes back when it wakes", () =>
    Effect.gen(function* () {
      const { here, there } = yield* startTwo
      yield* here.register(identity)
      yield* TestClock.adjust("2 seconds")
      here.process.stop()
      yield* TestClock.adjust("3 seconds")
      assert.isDefined(there.directory.find(relay))
      yield* TestClock.adjust("4 seconds")
      assert.isUndefined(there.directory.find(relay))
      here.process.resume()
      yield* TestClock.adjust("3 seconds")
      assert.isDefined(there.directory.find(relay))
    }).pipe(Effect.scoped)
  )

  it.effect("what is known stays known while the database is away, and when it is back", () =>
    Effect.gen(function* () {
      const { here, there } = yield* startTwo
      yield* here.register(identity)
      yield* TestClock.adjust("2 seconds")
      for (const { process } of [here, there]) process.isStoreAway = true
      yield* TestClock.adjust("1 minute")
      assert.isDefined(there.directory.find(relay))
      const refused = yield* Effect.flip(there.register({ ...identity, relay: RelayId.make("relay-b") }))
      assert.strictEqual(refused.message, "the cluster's database cannot be reached: try again later")
      for (const { process } of [here, there]) process.isStoreAway = false
      for (let tenth = 0; tenth < 60; tenth++) {
        yield* TestClock.adjust("100 millis")
        assert.isDefined(there.directory.find(relay))
      }
      here.process.kill()
      yield* TestClock.adjust("7 seconds")
      assert.isUndefined(there.directory.find(relay))
    }).pipe(Effect.scoped)
  )

  it.effect("a machine whose clock is wrong is refused", () =>
    Effect.gen(function* () {
      const database = yield* Layer.build(Layer.fresh(NodeSqlite.layer({ file: ":memory:" })))
      const aheadBy = (aheadMs: number) =>
        Effect.gen(function* () {
          const clock = yield* DatabaseClock.DatabaseClock
          const layer = RelayDirectorySql.layer.pipe(
            Layer.provide(Layer.succeed(DatabaseClock.DatabaseClock, { ...clock, aheadMs: Effect.succeed(aheadMs) })),
            Layer.provide(ShardingConfig.layer())
          )
          const directory = Context.get(yield* Layer.build(Layer.fresh(layer)), RelayDirectory.RelayDirectory)
          return yield* Effect.scoped(directory.register(identity))
        }).pipe(Effect.provide(DatabaseClock.layer), Effect.provideContext(database))
      yield* Effect.provideContext(ClusterSchema.migrate, database)
      yield* aheadBy(4900)
      assert.strictEqual(
        (yield* Effect.flip(aheadBy(-61_500))).message,
        "this machine's clock is 61.5 s behind the database's: set it"
      )
      assert.include((yield* Effect.flip(aheadBy(5100))).message, "5.1 s ahead of the database's")
    }).pipe(Effect.scoped)
  )
})
