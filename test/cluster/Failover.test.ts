import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Fiber, Scope, Stream } from "effect"
import { TestClock } from "effect/testing"
import { Call } from "../../src/actor/CallRpcs.ts"
import { PlanFeed } from "../../src/actor/PlanFeed.ts"
import * as Observers from "../../src/cluster/Observers.ts"
import { RelayDirectory } from "../../src/cluster/RelayDirectory.ts"
import { RelayId } from "../../src/protocol/Ids.ts"
import { join } from "../call/Commands.ts"
import { answered, make, type SimNode, startAll } from "./SimCluster.ts"
import * as WallClock from "./WallClock.ts"

const call = "call-1"

const joinAt = (node: SimNode, index: number) =>
  node.run(Effect.flatMap(Call.client, (callOf) => callOf(call).Join(join(index))))

const split = (nodes: ReadonlyArray<SimNode>) => {
  const owner = nodes.find((node) => node.holds(call))
  assert.isDefined(owner)
  return { owner, others: nodes.filter((node) => node !== owner) }
}

const names = (nodes: ReadonlyArray<SimNode>) => nodes.map(({ process }) => process.name)

/** Of a hundred calls: which node holds each. */
const holdersOf = (nodes: ReadonlyArray<SimNode>) =>
  nodes.map((node) => Array.from({ length: 100 }, (_, index) => node.holds(`call-${index}`)))

/** What the design asks for, from the death of the actor's node to the answer. Milliseconds. */
const tookMsMax = 800

describe("the actor's node", () => {
  // In a cluster of seven nobody observes everybody.
  for (const size of [2, 3, 7]) {
    it.effect(`is killed, in a cluster of ${size}: the next owner answers, with all who have joined`, () =>
      Effect.gen(function* () {
        const { owner, others } = split(yield* startAll(yield* make(), size))
        const first = yield* answered(joinAt(others[0]!, 1))
        yield* TestClock.adjust("30 millis")
        owner.kill()
        const second = yield* answered(joinAt(others[0]!, 2))
        assert.strictEqual(second.answer.plan.participants.length, 2)
        assert.isAbove(second.answer.plan.version.ownerEpoch, first.answer.plan.version.ownerEpoch)
        assert.isAtMost(second.tookMs, 400)
        assert.strictEqual(others.filter((node) => node.holds(call)).length, 1)
      }).pipe(Effect.scoped)
    )

    it.effect(
      `is stopped, in a cluster of ${size}: the next owner answers; when it wakes it holds nothing, and serves again`,
      () =>
        Effect.gen(function* () {
          const sim = yield* make()
          const nodes = yield* startAll(sim, size)
          const { owner, others } = split(nodes)
          yield* answered(joinAt(others[0]!, 1))
          owner.process.stop()
          const second = yield* answered(joinAt(others[0]!, 2))
          assert.strictEqual(second.answer.plan.participants.length, 2)
          assert.isAtMost(second.tookMs, tookMsMax)
          // Longer than its lease.
          yield* TestClock.adjust("8 seconds")
          owner.process.resume()
          yield* TestClock.adjust("100 millis")
          // Whoever wakes condemns nobody.
          assert.includeMembers(yield* sim.serving, names(others))
          const third = yield* answered(joinAt(others[0]!, 3))
          assert.strictEqual(third.answer.plan.participants.length, 3)
          yield* TestClock.adjust("3 seconds")
          assert.deepStrictEqual(yield* sim.serving, names(nodes))
          assert.strictEqual(nodes.filter((node) => node.holds(call)).length, 1)
        }).pipe(Effect.scoped)
    )
  }

  it.effect("is killed while it has requests to answer: the next owner does", () =>
    Effect.gen(function* () {
      const { owner, others } = split(yield* startAll(yield* make(), 3))
      owner.process.stop()
      const waiting = yield* Effect.forkChild(joinAt(others[0]!, 1))
      yield* TestClock.adjust("20 millis")
      owner.kill()
      const { answer } = yield* answered(Fiber.join(waiting))
      assert.strictEqual(answer.plan.participants.length, 1)
    }).pipe(Effect.scoped)
  )

  it.effect("is told to leave: it hands over at once, also while a relay watches", () =>
    Effect.gen(function* () {
      const { owner, others } = split(yield* startAll(yield* make(), 3))
      yield* answered(joinAt(others[0]!, 1))
      yield* owner
        .run(Effect.flatMap(PlanFeed, (feed) => Stream.runDrain(feed.watch(join(1).relay.id))))
        .pipe(Effect.forkDetach)
      const leaving = yield* Effect.forkChild(owner.leave)
      const second = yield* answered(joinAt(others[0]!, 2))
      assert.strictEqual(second.answer.plan.participants.length, 2)
      assert.isAtMost(second.tookMs, 400)
      const { tookMs } = yield* answered(Fiber.join(leaving))
      assert.isAtMost(tookMs, 400)
    }).pipe(Effect.scoped)
  )
})

describe("a runner that dies together with three of the four who observe it", () => {
  for (const [how, withinMs, end] of [
    ["killed", 800, (node: SimNode) => node.kill()],
    ["stopped", 1500, (node: SimNode) => node.process.stop()]
  ] as const) {
    it.effect(`is condemned within ${withinMs} ms, as they are, when all are ${how}`, () =>
      Effect.gen(function* () {
        for (const target of [0, 3]) {
          const sim = yield* make()
          const nodes = yield* startAll(sim, 7)
          const standings = names(nodes).map((address) => ({ address, isCondemned: false }))
          const observers = nodes.filter(({ process }) =>
            Observers.observedBy(process.name, standings).includes(names(nodes)[target]!)
          )
          assert.strictEqual(observers.length, 4)
          const dying = [nodes[target]!, ...observers.slice(0, 3)]
          const living = names(nodes.filter((node) => !dying.includes(node)))
          const diedAtMs = yield* Clock.currentTimeMillis
          for (const node of dying) end(node)
          while ((yield* sim.serving).length > living.length) yield* TestClock.adjust("10 millis")
          assert.isAtMost((yield* Clock.currentTimeMillis) - diedAtMs, withinMs)
          assert.deepStrictEqual(yield* sim.serving, living)
        }
      }).pipe(Effect.scoped)
    )
  }
})

describe("a partition", () => {
  it.effect("of two nodes that a third one sees condemns neither, and moves nothing", () =>
    Effect.gen(function* () {
      const sim = yield* make()
      const nodes = yield* startAll(sim, 3)
      const before = holdersOf(nodes)
      sim.sockets.cut(nodes[0]!.process, nodes[1]!.process)
      for (let second = 0; second < 20; second++) {
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(yield* sim.serving, names(nodes))
        assert.deepStrictEqual(holdersOf(nodes), before)
      }
    }).pipe(Effect.scoped)
  )

  it.effect("of one node from all others condemns it once, and for as long as it lasts", () =>
    Effect.gen(function* () {
      const sim = yield* make()
      const nodes = yield* startAll(sim, 4)
      const [alone, ...others] = nodes
      for (const other of others) sim.sockets.cut(alone!.process, other.process)
      yield* TestClock.adjust("2 seconds")
      for (let second = 0; second < 20; second++) {
        assert.deepStrictEqual(yield* sim.serving, names(others))
        yield* TestClock.adjust("1 second")
      }
      assert.notInclude(holdersOf([alone!])[0]!, true)
      sim.sockets.heal()
      yield* TestClock.adjust("3 seconds")
      assert.deepStrictEqual(yield* sim.serving, names(nodes))
    }).pipe(Effect.scoped)
  )

  it.effect("of two nodes that have nobody to ask leaves one of them, and always the same", () =>
    Effect.gen(function* () {
      const sim = yield* make()
      const nodes = yield* startAll(sim, 2)
      sim.sockets.cut(nodes[0]!.process, nodes[1]!.process)
      yield* TestClock.adjust("2 seconds")
      const verdict = yield* sim.serving
      assert.strictEqual(verdict.length, 1)
      for (let second = 0; second < 20; second++) {
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(yield* sim.serving, verdict)
      }
      const serving = nodes.find(({ process }) => verdict.includes(process.name))!
      assert.strictEqual((yield* answered(joinAt(serving, 1))).answer.plan.participants.length, 1)
    }).pipe(Effect.scoped)
  )
})

describe("the database", () => {
  it.effect("is away: actors stay where they are, and addresses change; when it is back nothing has moved", () =>
    Effect.gen(function* () {
      const nodes = yield* startAll(yield* make(), 3)
      const { owner, others } = split(nodes)
      yield* answered(joinAt(others[0]!, 1))
      const before = holdersOf(nodes)
      for (const node of nodes) node.process.isStoreAway = true
      yield* TestClock.adjust("30 seconds")
      assert.deepStrictEqual(holdersOf(nodes), before)
      const moved = others[0]!.run(
        Effect.flatMap(Call.client, (callOf) =>
          callOf(call).Move({ id: join(1).id, legTag: join(1).legTag, address: "198.51.100.9:9" })
        )
      )
      const { answer: refusal } = yield* answered(Effect.flip(moved))
      assert.include(String(refusal), "the state store cannot be reached")
      for (const node of nodes) node.process.isStoreAway = false
      for (let tenth = 0; tenth < 50; tenth++) {
        yield* TestClock.adjust("100 millis")
        assert.deepStrictEqual(holdersOf(nodes), before)
      }
      assert.isTrue(owner.holds(call))
      assert.strictEqual((yield* answered(joinAt(others[0]!, 2))).answer.plan.participants.length, 2)
    }).pipe(Effect.scoped)
  )

  it.effect("is away while a node is killed: its calls come back with the database", () =>
    Effect.gen(function* () {
      const nodes = yield* startAll(yield* make(), 3)
      const { owner, others } = split(nodes)
      yield* answered(joinAt(others[0]!, 1))
      for (const node of nodes) node.process.isStoreAway = true
      yield* TestClock.adjust("2 seconds")
      owner.kill()
      const waiting = yield* Effect.forkChild(joinAt(others[0]!, 2))
      yield* TestClock.adjust("10 seconds")
      assert.isUndefined(waiting.pollUnsafe())
      for (const node of nodes) node.process.isStoreAway = false
      const { answer, tookMs } = yield* answered(Fiber.join(waiting))
      assert.strictEqual(answer.plan.participants.length, 2)
      assert.isAtMost(tookMs, 4000)
    }).pipe(Effect.scoped)
  )
})

describe("the machine's clock", () => {
  it.effect(
    "is set by an hour, ahead and back: nobody is condemned, forgotten or moved, and the dead are noticed",
    () =>
      Effect.gen(function* () {
        const sim = yield* make()
        const nodes = yield* startAll(sim, 3)
        const [a, b, c] = nodes
        const relay = { relay: RelayId.make("relay-a"), incarnation: 1, address: "10.0.0.1:1", keyFingerprints: ["k"] }
        yield* a!.run(
          Effect.flatMap(RelayDirectory, (directory) =>
            Effect.provideService(directory.register(relay), Scope.Scope, a!.life)
          )
        )
        const known = b!.run(Effect.map(RelayDirectory, (directory) => directory.find(relay.relay) !== undefined))
        yield* TestClock.adjust("2 seconds")
        const before = holdersOf(nodes)
        for (const hours of [1, -1, -1, 1]) {
          yield* (yield* WallClock.WallClock).jump(hours * 3_600_000)
          for (let tenth = 0; tenth < 30; tenth++) {
            yield* TestClock.adjust("100 millis")
            assert.deepStrictEqual(holdersOf(nodes), before)
            assert.isTrue(yield* known)
          }
          assert.strictEqual((yield* sim.serving).length, 3)
        }
        a!.kill()
        yield* TestClock.adjust("8 seconds")
        assert.isFalse(yield* known)
        const [heldByB, heldByC] = holdersOf([b!, c!])
        assert.isTrue(heldByB!.every((holds, index) => holds || heldByC![index]))
      }).pipe(Effect.scoped, WallClock.provide)
  )
})
