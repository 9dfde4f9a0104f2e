import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit, Fiber, Layer, Scope, Stream } from "effect"
import { TestClock } from "effect/testing"
import { execFileSync } from "node:child_process"
import { fileURLToPath } from "node:url"
import * as CallActor from "../../src/actor/CallActor.ts"
import { Call } from "../../src/actor/CallRpcs.ts"
import { PlanFeed } from "../../src/actor/PlanFeed.ts"
import type { ForwardingPlan } from "../../src/call/ForwardingPlan.ts"
import * as SingleRunner from "../../src/cluster/SingleRunner.ts"
import { CallId } from "../../src/protocol/Ids.ts"
import * as CallStore from "../../src/state/CallStore.ts"
import { join } from "../call/Commands.ts"

const Cluster = CallActor.layer.pipe(Layer.provideMerge(SingleRunner.layer), Layer.provideMerge(CallStore.layerMemory))

/** Messages travel on timers of the cluster, so virtual time has to pass until one is answered. */
const answered = Effect.fnUntraced(function* <A, E, R>(effect: Effect.Effect<A, E, R>) {
  const fiber = yield* Effect.forkChild(effect)
  yield* TestClock.adjust("100 millis")
  return yield* Fiber.join(fiber)
})

describe("SingleRunner", () => {
  it.effect("brings commands to the call's one actor, and plans to the relays", () =>
    Effect.gen(function* () {
      const call = yield* Call.client
      const feed = yield* PlanFeed
      const plans: Array<ForwardingPlan> = []
      yield* feed.watch(join(1).relay.id).pipe(
        Stream.filter(({ call }) => call === "call-1"),
        Stream.runForEach(({ plan }) => Effect.sync(() => void plans.push(plan))),
        Effect.forkScoped
      )
      yield* answered(call("call-1").Join(join(1)))
      const { plan } = yield* answered(call("call-1").Join(join(2)))
      const other = yield* answered(call("call-2").Join(join(3)))
      assert.strictEqual(plan.participants.length, 2)
      assert.deepStrictEqual(plans.at(-1), plan)
      assert.strictEqual(other.plan.participants.length, 1)
    }).pipe(Effect.provide(Cluster))
  )

  it.effect("an actor that has nothing to do goes, and comes back with the call that the store has", () =>
    Effect.gen(function* () {
      const call = yield* Call.client
      const first = yield* answered(call("call-1").Join(join(1)))
      yield* TestClock.adjust("3 minutes")
      const second = yield* answered(call("call-1").Join(join(2)))
      assert.strictEqual(second.plan.participants.length, 2)
      assert.isAbove(second.plan.version.ownerEpoch, first.plan.version.ownerEpoch)
    }).pipe(Effect.provide(Cluster))
  )

  it.effect("stops at once although a relay watches", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const cluster = yield* Layer.buildWithScope(Cluster, scope)
      const { call, feed, store } = yield* Effect.provideContext(
        Effect.all({ call: Call.client, feed: PlanFeed, store: CallStore.CallStore }),
        cluster
      )
      yield* answered(call("call-1").Join(join(1)))
      yield* feed.watch(join(1).relay.id).pipe(Stream.runDrain, Effect.forkScoped)
      yield* answered(Scope.close(scope, Exit.void))
      assert.strictEqual((yield* store.load(CallId.make("call-1"))).participants.length, 1)
    }).pipe(Effect.scoped)
  )

  it.effect("a defect is answered to its caller alone: it is not played again, and the actor goes on", () =>
    Effect.gen(function* () {
      const memory = yield* CallStore.CallStore
      let saves = 0
      const failing = CallStore.CallStore.of({
        ...memory,
        save: (id, state, expected) =>
          ++saves === 2 ? Effect.die("a fault of the program") : memory.save(id, state, expected)
      })
      yield* Effect.gen(function* () {
        const call = yield* Call.client
        const first = yield* answered(call("call-1").Join(join(1)))
        const exit = yield* answered(Effect.exit(call("call-1").Join(join(2))))
        assert.include(Exit.isFailure(exit) ? Cause.pretty(exit.cause) : "", "a fault of the program")
        yield* TestClock.adjust("5 seconds")
        assert.strictEqual(saves, 2)
        const third = yield* answered(call("call-1").Join(join(3)))
        assert.strictEqual(third.plan.version.ownerEpoch, first.plan.version.ownerEpoch)
      }).pipe(
        Effect.provide(
          CallActor.layer.pipe(
            Layer.provideMerge(SingleRunner.layer),
            Layer.provide(Layer.succeed(CallStore.CallStore, failing))
          )
        )
      )
    }).pipe(Effect.provide(CallStore.layerMemory))
  )

  it.live(
    "12,000 calls are resident in one runner, at most 24 KB each",
    () =>
      Effect.gen(function* () {
        const program = fileURLToPath(new URL("./ResidentCallsProgram.ts", import.meta.url))
        const flags = ["--expose-gc", "--disable-warning=ExperimentalWarning"]
        const output = execFileSync(process.execPath, [...flags, program], { encoding: "utf8", timeout: 60_000 })
        const { calls, kilobytesPerCall } = JSON.parse(output) as { calls: number; kilobytesPerCall: number }
        console.log(`${calls} resident calls: ${kilobytesPerCall} KB each`)
        assert.strictEqual(calls, 12_000)
        assert.isAtMost(kilobytesPerCall, 24)
      }),
    60_000
  )
})
