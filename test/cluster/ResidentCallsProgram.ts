/** Joins one device to each of many calls, on one runner, and prints what a call's actor costs beside its stored state. */
import { NodeRuntime } from "@effect/platform-node"
import { Effect, Layer } from "effect"
import { Sharding } from "effect/cluster"
import * as CallActor from "../../src/actor/CallActor.ts"
import { Call } from "../../src/actor/CallRpcs.ts"
import * as SingleRunner from "../../src/cluster/SingleRunner.ts"
import * as CallStore from "../../src/state/CallStore.ts"
import { join } from "../call/Commands.ts"

const callsCount = 12_000
const command = join(1)

const heapBytes = () => {
  for (let round = 0; round < 4; round++) globalThis.gc!()
  return process.memoryUsage().heapUsed
}

const program = Effect.gen(function* () {
  const callOf = yield* Call.client
  const sharding = yield* Sharding.Sharding
  const joinAll = (name: string, count: number) =>
    Effect.forEach(
      Array.from({ length: count }, (_, index) => `${name}-${index}`),
      (call) => callOf(call).Join(command),
      { concurrency: 64, discard: true }
    )
  yield* joinAll("first", 10)
  const before = heapBytes()
  yield* joinAll("call", callsCount)
  const calls = (yield* sharding.activeEntityCount) - 10
  const kilobytesPerCall = Math.round((heapBytes() - before) / callsCount / 102.4) / 10
  yield* Effect.sync(() => console.log(JSON.stringify({ calls, kilobytesPerCall })))
})

NodeRuntime.runMain(
  Effect.provide(
    program,
    CallActor.layer.pipe(Layer.provideMerge(SingleRunner.layer), Layer.provide(CallStore.layerMemory))
  )
)
