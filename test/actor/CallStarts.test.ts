import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer } from "effect"
import { Sharding } from "effect/cluster"
import { TestClock } from "effect/testing"
import * as CallActor from "../../src/actor/CallActor.ts"
import { type CallReport, CallReports } from "../../src/actor/CallReports.ts"
import { Call } from "../../src/actor/CallRpcs.ts"
import { CallStarts } from "../../src/actor/CallStarts.ts"
import * as LegEstimate from "../../src/call/LegEstimate.ts"
import { PlanVersion } from "../../src/call/PlanVersion.ts"
import * as SingleRunner from "../../src/cluster/SingleRunner.ts"
import { CallId, RelayId } from "../../src/protocol/Ids.ts"
import * as CallStore from "../../src/state/CallStore.ts"
import { join } from "../call/Commands.ts"

const relay = RelayId.make("relay-a")
const version = new PlanVersion({ ownerEpoch: 1, number: 1, revision: 0 })
const calls = Array.from({ length: 100 }, (_, index) => CallId.make(`call-${index}`))

const reportOf = (call: CallId): CallReport => ({
  call,
  version,
  legTags: [],
  isActive: true,
  estimates: new Uint8Array()
})

/** A store that takes a second to find a call, and how often, and for how many at a time, it was asked. */
const slowStore = () => {
  const seen = { loads: new Map<string, number>(), now: 0, most: 0 }
  const layer = Layer.effect(
    CallStore.CallStore,
    Effect.map(CallStore.CallStore, (store) =>
      CallStore.CallStore.of({
        ...store,
        load: (id) =>
          Effect.suspend(() => {
            seen.loads.set(id, (seen.loads.get(id) ?? 0) + 1)
            seen.most = Math.max(seen.most, ++seen.now)
            return Effect.andThen(Effect.sleep("1 second"), store.load(id))
          }).pipe(Effect.ensuring(Effect.sync(() => seen.now--)))
      })
    )
  ).pipe(Layer.provide(CallStore.layerMemory))
  return { layer: CallActor.layer.pipe(Layer.provideMerge(SingleRunner.layer), Layer.provide(layer)), seen }
}

describe("actors that are wanted all at once", () => {
  const { layer, seen } = slowStore()
  it.effect("are started a few at a time, and each once", () =>
    Effect.gen(function* () {
      const { send } = yield* CallReports
      const reports = calls.map(reportOf)
      for (let turn = 0; turn < 30; turn++) {
        yield* send(relay, reports)
        yield* TestClock.adjust("200 millis")
      }
      assert.strictEqual(seen.most, 32)
      assert.deepStrictEqual([...seen.loads.values()], new Array(calls.length).fill(1))
    }).pipe(Effect.provide(layer))
  )

  it.effect("are no reason to lose an actor that runs, or what is reported to it", () => {
    const { layer, seen } = slowStore()
    return Effect.gen(function* () {
      const { send } = yield* CallReports
      const running = CallId.make("running")
      const call = (yield* Call.client)(running)
      const joining = yield* Effect.forkChild(call.Join(join(1)))
      yield* TestClock.adjust("2 seconds")
      const { plan } = yield* Fiber.join(joining)
      const { legTag } = join(1)
      const estimates = LegEstimate.encode([
        { legTag, uplinkBps: 1, downlinkBps: 1, uplinkLossRatio: 0, downlinkLossRatio: 0, roundTripMs: 1 }
      ])
      yield* send(relay, Array.from({ length: 600 }, (_, index) => CallId.make(`other-${index}`)).map(reportOf))
      for (let turn = 0; turn < 100; turn++) {
        yield* send(relay, [{ ...reportOf(running), version: plan.version, legTags: [legTag], estimates }])
        yield* TestClock.adjust("200 millis")
      }
      const asking = yield* Effect.forkChild(call.Estimates())
      yield* TestClock.adjust("10 millis")
      assert.isAtMost((yield* Fiber.join(asking))[0]!.ageMs, 220)
      assert.strictEqual(seen.loads.get(running), 1)
    }).pipe(Effect.provide(layer))
  })

  it.effect("are started although one cannot be asked for", () => {
    const asked: Array<string> = []
    const sharding = {
      makeClient: () =>
        Effect.succeed((call: string) => {
          asked.push(call)
          throw new Error("a mistake of ours")
        })
    } as unknown as Sharding.Sharding["Service"]
    const layer = CallStarts.layer.pipe(Layer.provide(Layer.succeed(Sharding.Sharding, sharding)))
    return Effect.gen(function* () {
      const { put } = yield* CallStarts
      for (const call of calls) yield* put({ relay, report: reportOf(call) })
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(asked, calls)
      yield* put({ relay, report: reportOf(calls[0]!) })
      yield* TestClock.adjust("1 second")
      assert.strictEqual(asked.length, calls.length + 1, "it may be asked for again")
    }).pipe(Effect.provide(layer))
  })
})
