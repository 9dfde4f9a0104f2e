import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Layer, Logger, Metric, Option } from "effect"
import { RunnerAddress, Runners, ShardingConfig } from "effect/cluster"
import { TestClock } from "effect/testing"
import * as FailureDetector from "../../src/cluster/FailureDetector.ts"
import { RunnerTable } from "../../src/cluster/RunnerTable.ts"
import * as SimulatedProcess from "./SimulatedProcess.ts"

const standing = "serving" as const

/** A detector that pings one peer, and what it has said of it. There is a third, who may have been condemned. */
const scene = Effect.gen(function* () {
  const process = SimulatedProcess.make("a:1")
  const peer = { answers: Effect.void as Effect.Effect<void, never> }
  const third = {
    standing: "leaving" as "leaving" | "condemned",
    answers: Effect.void as Effect.Effect<void, never>
  }
  const said: Array<ReadonlyArray<string>> = []
  const table = {
    live: Effect.sync(() => [
      { address: "a:1", runner: "", standing },
      { address: "b:1", runner: "", standing },
      { address: "c:1", runner: "", standing: third.standing }
    ]),
    accuse: (_accuser: string, accused: ReadonlySet<string>) => Effect.sync(() => void said.push([...accused]))
  } as Partial<RunnerTable["Service"]> as RunnerTable["Service"]
  const runners = {
    ping: ({ host }) => Effect.suspend(() => (host === "b" ? peer : third).answers)
  } as Partial<Runners.Runners["Service"]> as Runners.Runners["Service"]
  const layer = FailureDetector.layer.pipe(
    Layer.provide([Layer.succeed(RunnerTable, table), Layer.succeed(Runners.Runners, runners)]),
    Layer.provide(ShardingConfig.layer({ runnerAddress: Option.some(RunnerAddress.make("a", 1)) }))
  )
  yield* Layer.build(layer).pipe(
    Effect.provideService(Clock.Clock, SimulatedProcess.clock(process, yield* Clock.Clock))
  )
  return { process, peer, said, third }
})

describe("FailureDetector", () => {
  it.effect("says nothing of a peer that answers, and suspects one that does not within half a second", () =>
    Effect.gen(function* () {
      const { peer, said } = yield* scene
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(said, [])
      peer.answers = Effect.never
      yield* TestClock.adjust("390 millis")
      assert.deepStrictEqual(said, [])
      yield* TestClock.adjust("110 millis")
      assert.deepStrictEqual(said, [["b:1"]])
      yield* TestClock.adjust("2 seconds")
      // Said again before it no longer counts.
      assert.deepStrictEqual(said.slice(0, 5), [["b:1"], ["b:1"], ["b:1"], ["b:1"], ["b:1"]])
      peer.answers = Effect.void
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(said.at(-1), [])
    })
  )

  it.effect("has more patience while the calls of one that has died are taken over", () =>
    Effect.gen(function* () {
      const { peer, said, third } = yield* scene
      third.standing = "condemned"
      yield* TestClock.adjust("1 second")
      third.standing = "leaving"
      yield* TestClock.adjust("8 seconds")
      peer.answers = Effect.never
      yield* TestClock.adjust("900 millis")
      assert.isTrue(said.every((suspected) => suspected.length === 0))
      yield* TestClock.adjust("300 millis")
      assert.deepStrictEqual(said.at(-1), ["b:1"])
      // Ten seconds after that death it is as before.
      peer.answers = Effect.void
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(said.at(-1), [])
      peer.answers = Effect.never
      yield* TestClock.adjust("500 millis")
      assert.deepStrictEqual(said.at(-1), ["b:1"])
    })
  )

  it.effect("what it did not hear while it stood still itself is no suspicion", () =>
    Effect.gen(function* () {
      for (const stillMs of [300, 500, 1000, 60_000]) {
        const { peer, process, said } = yield* scene
        yield* TestClock.adjust("1 second")
        // Three pings are on their way when it stops. What it asks when it wakes has its answer only later.
        peer.answers = Effect.never
        yield* TestClock.adjust("250 millis")
        process.stop()
        yield* TestClock.adjust(stillMs)
        peer.answers = Effect.sleep("50 millis")
        process.resume()
        yield* TestClock.adjust("5 seconds")
        assert.deepStrictEqual(said, [], `${stillMs} ms`)
      }
    })
  )

  it.effect("who was never answered has nothing to say, until somebody has", () =>
    Effect.gen(function* () {
      const warnings: Array<string> = []
      const logger = Logger.make(({ message }) => void warnings.push(String(message)))
      const { peer, said, third } = yield* Effect.provide(scene, Logger.layer([logger]))
      const keptBackBefore = (yield* Metric.value(FailureDetector.suspicionsKeptBack)).count
      peer.answers = Effect.never
      third.answers = Effect.never
      yield* TestClock.adjust("5 seconds")
      assert.deepStrictEqual(said, [])
      // Its operator hears of it, once.
      assert.include(warnings.join(), "this node reaches no other: b:1")
      assert.strictEqual(warnings.join().split("b:1").length, 2)
      assert.strictEqual((yield* Metric.value(FailureDetector.suspicionsKeptBack)).count - keptBackBefore, 2)
      third.answers = Effect.void
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(said.at(-1), ["b:1"])
    }).pipe(Effect.scoped)
  )
})
