import { assert, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, type Layer, Stream } from "effect"
import { TestClock } from "effect/testing"
import { PlanFeed, type PublishedPlan } from "../../src/actor/PlanFeed.ts"
import { PlanVersion } from "../../src/call/PlanVersion.ts"
import type { ForwardingPlan } from "../../src/call/ForwardingPlan.ts"
import { CallId, RelayId } from "../../src/protocol/Ids.ts"

const relayA = RelayId.make("relay-a")
const relayB = RelayId.make("relay-b")

const emptyPlan = (version: PlanVersion): ForwardingPlan => ({ version, relays: [], participants: [], rows: [] })

/** Plan number `number` of a call; who is in it does not matter to the feed. */
const plan = (call: string, number: number, ownerEpoch = 1): PublishedPlan => ({
  call: CallId.make(call),
  plan: emptyPlan(new PlanVersion({ ownerEpoch, number, revision: 0 }))
})

/** Lets every fiber that can run do so, and what travels arrive. */
const settle = TestClock.adjust("100 millis")

/** Takes what comes for a relay, in the background. */
const watch = Effect.fnUntraced(function* (relay: RelayId, whenTaken: Effect.Effect<void> = Effect.void) {
  const feed = yield* PlanFeed
  const taken: Array<PublishedPlan> = []
  const fiber = yield* feed.watch(relay).pipe(
    Stream.runForEach((published) =>
      Effect.andThen(
        Effect.sync(() => void taken.push(published)),
        whenTaken
      )
    ),
    Effect.forkScoped
  )
  yield* settle
  return { taken, fiber }
})

/** What every PlanFeed promises, however plans travel. Each kind runs this same suite. */
export const suite = (kind: string, layer: Layer.Layer<PlanFeed, unknown>) =>
  it.layer(layer)(`PlanFeed (${kind})`, (it) => {
    it.effect("brings each plan to the relays that it is for, and to nobody else", () =>
      Effect.gen(function* () {
        const feed = yield* PlanFeed
        const a = yield* watch(relayA)
        const b = yield* watch(relayB)
        yield* feed.publish(plan("call-1", 1), new Set([relayA]))
        yield* feed.publish(plan("call-2", 1), new Set([relayA, relayB]))
        yield* settle
        yield* feed.publish(plan("call-1", 2), new Set([relayA, RelayId.make("relay-c")]))
        yield* settle
        assert.deepStrictEqual(a.taken, [plan("call-1", 1), plan("call-2", 1), plan("call-1", 2)])
        assert.deepStrictEqual(b.taken, [plan("call-2", 1)])
      })
    )

    it.effect("does not wait for a relay that is slow: of each call it gets the newest plan", () =>
      Effect.gen(function* () {
        const feed = yield* PlanFeed
        const isReady = yield* Deferred.make<void>()
        const { taken } = yield* watch(relayA, Deferred.await(isReady))
        yield* feed.publish(plan("call-0", 1), new Set([relayA]))
        yield* settle
        for (let number = 1; number <= 1000; number++) {
          yield* feed.publish(plan(`call-${number % 10}`, number), new Set([relayA]))
        }
        // An owner of the past still speaks.
        yield* feed.publish(plan("call-7", 5000, 0), new Set([relayA]))
        yield* Deferred.succeed(isReady, undefined)
        yield* settle
        const last = new Map(taken.map(({ call, plan }) => [call, plan.version.number]))
        assert.deepStrictEqual(
          [...last.values()].sort((x, y) => x - y),
          [991, 992, 993, 994, 995, 996, 997, 998, 999, 1000]
        )
        // The one in hand, what was on its way already, and one of each call.
        assert.isAtMost(taken.length, 30)
      })
    )

    it.effect("a subscription ends alone, and the next begins with what is published then", () =>
      Effect.gen(function* () {
        const feed = yield* PlanFeed
        const first = yield* watch(relayA)
        const second = yield* watch(relayA)
        yield* Fiber.interrupt(first.fiber)
        yield* feed.publish(plan("call-1", 1), new Set([relayA]))
        yield* settle
        assert.deepStrictEqual(first.taken, [])
        assert.deepStrictEqual(second.taken, [plan("call-1", 1)])
        const third = yield* watch(relayA)
        yield* feed.publish(plan("call-1", 2), new Set([relayA]))
        yield* settle
        assert.deepStrictEqual(third.taken, [plan("call-1", 2)])
      })
    )
  })
