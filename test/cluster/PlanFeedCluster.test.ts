import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Scope, Stream } from "effect"
import { TestClock } from "effect/testing"
import { PlanFeed } from "../../src/actor/PlanFeed.ts"
import { PlanVersion } from "../../src/call/PlanVersion.ts"
import { RelayDirectory } from "../../src/cluster/RelayDirectory.ts"
import { CallId, RelayId } from "../../src/protocol/Ids.ts"
import * as PlanFeedSuite from "../suites/PlanFeedSuite.ts"
import { make, type SimNode, startAll } from "./SimCluster.ts"

const identity = (relay: string) => ({
  relay: RelayId.make(relay),
  incarnation: 1,
  address: "203.0.113.8:3478",
  keyFingerprints: ["key"]
})

/** Starts relays beside a node. */
const runRelays = (node: SimNode, ...relays: ReadonlyArray<string>) =>
  node.run(
    Effect.gen(function* () {
      const directory = yield* RelayDirectory
      for (const relay of relays) {
        yield* directory.register(identity(relay)).pipe(Effect.provideService(Scope.Scope, node.life))
      }
    })
  )

const planOf = (call: string, number: number) => ({
  call: CallId.make(call),
  plan: { version: new PlanVersion({ ownerEpoch: 1, number, revision: 0 }), relays: [], participants: [], rows: [] }
})

const feedOf = (node: SimNode) =>
  node.run(
    Effect.gen(function* () {
      return yield* PlanFeed
    })
  )

/** Plans are published at the first node, and watched at the last. */
const feedAcross = (size: number) =>
  Layer.effect(
    PlanFeed,
    Effect.gen(function* () {
      const nodes = yield* startAll(yield* make(), size)
      const [first, last] = [nodes[0]!, nodes.at(-1)!]
      yield* runRelays(last, "relay-a", "relay-b")
      yield* TestClock.adjust("2 seconds")
      return { publish: (yield* feedOf(first)).publish, watch: (yield* feedOf(last)).watch }
    })
  )

PlanFeedSuite.suite("a cluster of one node", feedAcross(1))
PlanFeedSuite.suite("from one node to another", feedAcross(2))

describe("PlanFeedCluster", () => {
  it.effect("a node that stands still gets of each call the newest plan when it wakes, and holds up no other", () =>
    Effect.gen(function* () {
      const [from, still, other] = yield* startAll(yield* make(), 3)
      yield* runRelays(still!, "relay-a")
      yield* runRelays(other!, "relay-b")
      yield* TestClock.adjust("2 seconds")
      const taken = new Map<SimNode, Array<number>>()
      for (const node of [still!, other!]) {
        taken.set(node, [])
        const relay = RelayId.make(node === still ? "relay-a" : "relay-b")
        yield* (yield* feedOf(node)).watch(relay).pipe(
          Stream.runForEach(({ plan }) => Effect.sync(() => void taken.get(node)!.push(plan.version.number))),
          Effect.forkDetach
        )
      }
      still!.process.stop()
      const { publish } = yield* feedOf(from!)
      for (let number = 1; number <= 20; number++) {
        yield* publish(planOf("call-1", number), new Set([RelayId.make("relay-a"), RelayId.make("relay-b")]))
        yield* TestClock.adjust("100 millis")
        assert.strictEqual(taken.get(other!)!.at(-1), number)
      }
      still!.process.resume()
      yield* TestClock.adjust("3 seconds")
      assert.strictEqual(taken.get(still!)!.at(-1), 20)
      assert.isBelow(taken.get(still!)!.length, 20)
    }).pipe(Effect.scoped)
  )
})
