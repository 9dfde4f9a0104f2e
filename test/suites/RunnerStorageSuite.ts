import { assert, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { Runner, RunnerAddress, RunnerStorage, ShardId, ShardingConfig } from "effect/cluster"
import type { SqlClient } from "effect/sql/SqlClient"
import { TestClock } from "effect/testing"
import * as ClusterSchema from "../../src/cluster/ClusterSchema.ts"
import * as DatabaseClock from "../../src/cluster/DatabaseClock.ts"
import * as RunnerStorageSql from "../../src/cluster/RunnerStorageSql.ts"
import * as RunnerTable from "../../src/cluster/RunnerTable.ts"

/** By the test's clock, whatever the database. */
const layerOver = <E>(database: Layer.Layer<SqlClient, E>) =>
  RunnerStorageSql.layer.pipe(
    Layer.provideMerge(RunnerTable.layer),
    Layer.provide(DatabaseClock.layerMachine),
    Layer.provide(Layer.effectDiscard(ClusterSchema.migrate)),
    Layer.provide(database),
    Layer.provide(ShardingConfig.layer({ shardLockRefreshInterval: "1 second", shardLockExpiration: "6 seconds" }))
  )

let ports = 0
/** Each test has runners and shards of its own. */
const scene = Effect.gen(function* () {
  const storage = yield* RunnerStorage.RunnerStorage
  const [a, b] = [RunnerAddress.make("10.0.0.1", ++ports), RunnerAddress.make("10.0.0.2", ++ports)]
  const shards = [1, 2, 3].map((id) => ShardId.make(`group-${ports}`, id))
  const runner = (address: RunnerAddress.RunnerAddress) => Runner.make({ address, groups: ["default"], weight: 1 })
  const ids = [yield* storage.register(runner(a), true), yield* storage.register(runner(b), true)]
  const healthOf = Effect.map(
    storage.getRunners,
    (runners) => new Map(runners.map(([{ address }, isHealthy]) => [address.port, isHealthy]))
  )
  return {
    storage,
    a,
    b,
    shards,
    ids,
    healthOf,
    register: (address: RunnerAddress.RunnerAddress) => storage.register(runner(address), true)
  }
})

const ids = (shards: ReadonlyArray<ShardId.ShardId>) => shards.map(String).toSorted()

/** What the cluster needs of its RunnerStorage, over any database. */
export const suite = <E>(kind: string, database: Layer.Layer<SqlClient, E>) =>
  it.layer(layerOver(database))(`RunnerStorage (${kind})`, (it) => {
    it.effect("a shard has one holder; whoever releases it makes room", () =>
      Effect.gen(function* () {
        const { a, b, shards, storage } = yield* scene
        assert.deepStrictEqual(ids(yield* storage.acquire(a, shards.slice(0, 2))), ids(shards.slice(0, 2)))
        assert.deepStrictEqual(ids(yield* storage.acquire(b, shards)), ids(shards.slice(2)))
        assert.deepStrictEqual(ids(yield* storage.acquire(a, shards)), ids(shards.slice(0, 2)))
        yield* storage.release(a, shards[0]!)
        assert.deepStrictEqual(ids(yield* storage.refresh(a, shards)), ids(shards.slice(1, 2)))
        assert.deepStrictEqual(ids(yield* storage.acquire(b, shards)), ids([shards[0]!, shards[2]!]))
        yield* storage.releaseAll(b)
        assert.deepStrictEqual(yield* storage.refresh(b, shards), [])
      })
    )

    it.effect("every runner has a machine id of its own, and keeps it", () =>
      Effect.gen(function* () {
        const { a, ids, register } = yield* scene
        assert.strictEqual(new Set(ids).size, 2)
        assert.strictEqual(yield* register(a), ids[0])
      })
    )

    it.effect("a lease that is not prolonged runs out, and its shards with it; a beat prolongs it", () =>
      Effect.gen(function* () {
        const { a, b, healthOf, shards, storage } = yield* scene
        yield* storage.acquire(a, shards)
        for (let second = 0; second < 10; second++) {
          yield* TestClock.adjust("1 second")
          yield* storage.refresh(b, [])
          if (second < 5) yield* storage.refresh(a, shards)
          assert.deepStrictEqual(yield* storage.acquire(b, shards), [])
        }
        yield* TestClock.adjust("2 seconds")
        yield* storage.refresh(b, [])
        assert.isFalse((yield* healthOf).has(a.port))
        assert.deepStrictEqual(ids(yield* storage.acquire(b, shards)), ids(shards))
        assert.deepStrictEqual(yield* storage.refresh(a, shards), [])
      })
    )

    it.effect("whoever is condemned holds nothing at once, gets nothing, and finds it out", () =>
      Effect.gen(function* () {
        const { a, b, healthOf, shards, storage } = yield* scene
        yield* storage.acquire(a, shards)
        yield* storage.setRunnerHealth(a, false)
        assert.isFalse((yield* healthOf).get(a.port))
        assert.deepStrictEqual(yield* storage.refresh(a, shards), [])
        assert.deepStrictEqual(yield* storage.acquire(a, shards), [])
        assert.deepStrictEqual(ids(yield* storage.acquire(b, shards)), ids(shards))
        yield* storage.setRunnerHealth(a, true)
        assert.isTrue((yield* healthOf).get(a.port))
        assert.deepStrictEqual(yield* storage.acquire(a, shards), [])
      })
    )

    it.effect("whoever leaves is given nothing more, and holds what it has until it lets go", () =>
      Effect.gen(function* () {
        const { a, b, healthOf, shards, storage } = yield* scene
        yield* storage.acquire(a, shards.slice(0, 1))
        yield* storage.unregister(a)
        assert.isTrue((yield* healthOf).has(a.port))
        assert.deepStrictEqual(yield* storage.acquire(a, shards), [])
        assert.deepStrictEqual(ids(yield* storage.acquire(b, shards)), ids(shards.slice(1)))
        yield* storage.release(a, shards[0]!)
        assert.isFalse((yield* healthOf).has(a.port))
        assert.deepStrictEqual(ids(yield* storage.acquire(b, shards)), ids(shards))
      })
    )

    it.effect("one suspicion is not enough among three; it is forgotten unless it is repeated", () =>
      Effect.gen(function* () {
        const { a, b, healthOf, register } = yield* scene
        const table = yield* RunnerTable.RunnerTable
        const c = RunnerAddress.make("10.0.0.3", ++ports)
        yield* register(c)
        const [nameA, nameB, nameC] = [a, b, c].map(({ host, port }) => `${host}:${port}`)
        yield* table.accuse(nameA!, new Set([nameC!]))
        assert.isTrue((yield* healthOf).get(c.port))
        yield* TestClock.adjust("2 seconds")
        yield* table.accuse(nameB!, new Set([nameC!]))
        assert.isTrue((yield* healthOf).get(c.port))
        yield* table.accuse(nameA!, new Set([nameC!]))
        assert.isFalse((yield* healthOf).get(c.port))
        // What the condemned says does not count.
        yield* table.accuse(nameC!, new Set([nameA!, nameB!]))
        assert.isTrue((yield* healthOf).get(a.port))
        yield* table.accuse(nameA!, new Set())
        assert.isFalse((yield* healthOf).get(c.port))
        yield* table.accuse(nameB!, new Set())
        assert.isTrue((yield* healthOf).get(c.port))
      })
    )
  })
