import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import * as CallActor from "../../src/actor/CallActor.ts"
import { CallReports } from "../../src/actor/CallReports.ts"
import { CallVersion } from "../../src/call/CallVersion.ts"
import * as SingleRunner from "../../src/cluster/SingleRunner.ts"
import { CallId, RelayId } from "../../src/protocol/Ids.ts"
import * as CallStore from "../../src/state/CallStore.ts"

const version = new CallVersion({ ownerEpoch: 1, number: 1 })
const calls = Array.from({ length: 100 }, (_, index) => CallId.make(`call-${index}`))

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
      const reports = calls.map((call) => ({ call, version, legTags: [], isActive: true, estimates: new Uint8Array() }))
      for (let turn = 0; turn < 30; turn++) {
        yield* send(RelayId.make("relay-a"), reports)
        yield* TestClock.adjust("200 millis")
      }
      assert.strictEqual(seen.most, 32)
      assert.deepStrictEqual([...seen.loads.values()], new Array(calls.length).fill(1))
    }).pipe(Effect.provide(layer))
  )
})
