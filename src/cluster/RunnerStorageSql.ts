import { Duration, Effect, Fiber, Layer, Metric } from "effect"
import { ClusterError, RunnerStorage, ShardingConfig } from "effect/cluster"
import * as LastKnown from "./LastKnown.ts"
import { RunnerTable } from "./RunnerTable.ts"

/** Beats that the database did not answer, or not in time. */
export const beatsMissed = Metric.counter("tandem_runner_beats_missed_total", { incremental: true })

/** The cluster gives up its shards when a beat takes an interval. So this one answers sooner. */
const beatDeadlineRatio = 0.5

const { refail } = ClusterError.PersistenceError

/**
 * Runners and shard locks in SQL. That a call has one owner is decided by the `CallStore`, so a lock need not be certain: it
 * says where a call's actor should be. Hence two things that are not so elsewhere. Whoever is condemned loses its shards at
 * once, also when it is merely stopped and its connection open. And while the database is away a runner keeps what it
 * has, since running calls go on without it.
 */
export const layer = Layer.effect(
  RunnerStorage.RunnerStorage,
  Effect.gen(function* () {
    const table = yield* RunnerTable
    const { shardLockRefreshInterval } = yield* ShardingConfig.ShardingConfig
    const beatInterval = Duration.fromInputUnsafe(shardLockRefreshInterval)
    const scope = yield* Effect.scope

    /** Waits no longer, whatever a driver does with a connection that hangs. */
    const inTime = <A, E>(effect: Effect.Effect<A, E>) =>
      Effect.forkIn(effect, scope, { startImmediately: true }).pipe(
        Effect.flatMap(Fiber.join),
        Effect.timeout(Duration.times(beatInterval, beatDeadlineRatio))
      )

    // One that leaves is assigned shards until it has released all: whoever tries before that has to wait for a second.
    const assignable = Effect.map(table.live, (live) =>
      live.map(({ runner, standing }) => [runner, standing !== "condemned"] as const)
    )
    const runners = LastKnown.make(inTime(assignable), Duration.toMillis(beatInterval) * LastKnown.graceBeats)

    return RunnerStorage.makeEncoded({
      getRunners: refail(runners.read),
      // The cluster registers until it finds itself.
      register: (address, runner) => refail(Effect.tap(table.register(address, runner), runners.forget)),
      unregister: (address) => refail(table.leave(address)),
      setRunnerHealth: (address, isHealthy) => refail(table.setHealth(address, isHealthy)),
      acquire: (address, shards) => refail(table.acquire(address, shards)),
      refresh: (address, shards) =>
        inTime(table.beat(address)).pipe(
          Effect.map((held) => {
            const isHeld = new Set(held)
            return shards.filter((shard) => isHeld.has(shard))
          }),
          Effect.catch(() => Effect.as(Metric.update(beatsMissed, 1), shards))
        ),
      release: (address, shard) => refail(table.release(address, shard)),
      releaseAll: (address) => refail(table.releaseAll(address))
    })
  })
)
