import { assert, describe, it } from "@effect/vitest"
import { Effect, Scope } from "effect"
import { TestClock } from "effect/testing"
import { type CallReport, CallReports } from "../../src/actor/CallReports.ts"
import { Call } from "../../src/actor/CallRpcs.ts"
import { ResidentCalls } from "../../src/actor/ResidentCalls.ts"
import { PlanVersion } from "../../src/call/PlanVersion.ts"
import { CallId, RelayId } from "../../src/protocol/Ids.ts"
import { join } from "../call/Commands.ts"
import { answered, make, type SimNode, startAll } from "./SimCluster.ts"

const relay = RelayId.make("relay-a")
const report = (call: string, isActive = true): CallReport => ({
  call: CallId.make(call),
  version: new PlanVersion({ ownerEpoch: 1, number: 1, revision: 0 }),
  legTags: [],
  isActive,
  estimates: new Uint8Array(),
  volumes: new Uint8Array(),
  subscriptions: new Uint8Array()
})

const send = (node: SimNode, ...calls: ReadonlyArray<string>) =>
  node.run(
    Effect.flatMap(CallReports, (reports) =>
      reports.send(
        relay,
        calls.map((call) => report(call))
      )
    )
  )

/** Takes note of reports for calls that are said to be on the node. */
const listenAt = (node: SimNode, calls: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const heard: Array<string> = []
    yield* node.run(
      Effect.gen(function* () {
        const residents = yield* ResidentCalls
        for (const call of calls) {
          yield* residents
            .add(CallId.make(call), (_relay, { call }) => Effect.sync(() => void heard.push(call)))
            .pipe(Effect.provideService(Scope.Scope, node.life))
        }
      })
    )
    return heard
  })

describe("CallReportsCluster", () => {
  it.effect("brings each report to the node that has the call", () =>
    Effect.gen(function* () {
      const nodes = yield* startAll(yield* make(), 3)
      const calls = Array.from({ length: 30 }, (_, index) => `call-${index}`)
      const heard = yield* Effect.forEach(nodes, (node) => listenAt(node, calls))
      yield* send(nodes[0]!, ...calls)
      yield* TestClock.adjust("100 millis")
      nodes.forEach((node, index) => {
        assert.isAbove(heard[index]!.length, 0)
        assert.deepStrictEqual(heard[index]!.toSorted(), calls.filter((call) => node.holds(call)).toSorted())
      })
    }).pipe(Effect.scoped)
  )

  it.effect("starts the actor of a call that runs nowhere, which is heard from then on", () =>
    Effect.gen(function* () {
      const nodes = yield* startAll(yield* make(), 3)
      const call = "call-1"
      const owner = nodes.find((node) => node.holds(call))!
      const from = nodes.find((node) => node !== owner)!
      yield* answered(from.run(Effect.flatMap(Call.client, (callOf) => callOf(call).Join(join(1)))))
      // The actor goes when it is idle.
      yield* TestClock.adjust("40 seconds")
      const isResident = owner.run(Effect.flatMap(ResidentCalls, ({ report: take }) => take(relay, report(call))))
      assert.isFalse(yield* isResident)
      yield* from.run(Effect.flatMap(CallReports, (reports) => reports.send(relay, [report(call, false)])))
      yield* TestClock.adjust("1 second")
      assert.isFalse(yield* isResident)
      yield* send(from, call)
      yield* TestClock.adjust("1 second")
      assert.isTrue(yield* isResident)
    }).pipe(Effect.scoped)
  )

  it.effect("brings them as before when the database comes back from longer than a lease lasts", () =>
    Effect.gen(function* () {
      const nodes = yield* startAll(yield* make(), 3)
      const calls = Array.from({ length: 30 }, (_, index) => `call-${index}`)
      for (const node of nodes) node.process.isStoreAway = true
      yield* TestClock.adjust("30 seconds")
      const heard = yield* Effect.forEach(nodes, (node) => listenAt(node, calls))
      for (const node of nodes) node.process.isStoreAway = false
      for (let turn = 1; turn <= 35; turn++) {
        yield* TestClock.adjust("80 millis")
        yield* send(nodes[0]!, ...calls)
        yield* TestClock.adjust("20 millis")
        assert.strictEqual(heard.flat().length, turn * calls.length)
      }
    }).pipe(Effect.scoped)
  )

  it.effect("waits for nobody: a node that is dead takes its own reports with it, and no others", () =>
    Effect.gen(function* () {
      const nodes = yield* startAll(yield* make(), 3)
      const calls = Array.from({ length: 30 }, (_, index) => `call-${index}`)
      const [from, dead, alive] = nodes
      const heard = yield* listenAt(alive!, calls)
      dead!.process.stop()
      const { tookMs } = yield* answered(send(from!, ...calls))
      assert.isAtMost(tookMs, 10)
      yield* TestClock.adjust("100 millis")
      assert.deepStrictEqual(heard.toSorted(), calls.filter((call) => alive!.holds(call)).toSorted())
    }).pipe(Effect.scoped)
  )
})
