import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit } from "effect"
import { TestClock } from "effect/testing"
import type { SubscribeRequest } from "../../src/protocol/ControlMessage.ts"
import type { SubscriptionEntry } from "../../src/protocol/SubscriptionAttribute.ts"
import * as FakeFleet from "./FakeFleet.ts"
import type { FakeRelay } from "./FakeRelay.ts"
import { joined, linkMs, run } from "./Scene.ts"

const entry = (ssrc: number): SubscriptionEntry => ({ ssrc, place: "on-stage", heightPx: 720 })
const settle = TestClock.adjust(3 * linkMs)

const asked = ({ requests }: FakeRelay): ReadonlyArray<{ readonly atMs: number; readonly message: SubscribeRequest }> =>
  requests.flatMap(({ atMs, message }) => (message._tag === "SubscribeRequest" ? [{ atMs, message }] : []))
const versionsAsked = (relay: FakeRelay) => asked(relay).map(({ message }) => message.subscription.version)

describe("what a device wants to see", () => {
  it.effect("is told once, when it is answered, and not at all when nothing was said", () =>
    Effect.gen(function* () {
      const { client, relay } = yield* joined()
      yield* TestClock.adjust("12 seconds")
      assert.deepStrictEqual(asked(relay), [])
      const wanted = [entry(7), { ssrc: 8, place: "off-screen", heightPx: 0 } as const]
      yield* client.subscribe(wanted)
      yield* TestClock.adjust("12 seconds")
      assert.deepStrictEqual(versionsAsked(relay), [1])
      assert.deepStrictEqual(relay.subscription, { version: 1, wanted })
      yield* client.subscribe([])
      yield* settle
      assert.deepStrictEqual(relay.subscription, { version: 2, wanted: [] })
      yield* client.subscribe("everything")
      yield* settle
      assert.deepStrictEqual(relay.subscription, { version: 3, wanted: "everything" })
      assert.deepStrictEqual(versionsAsked(relay), [1, 2, 3])
    }).pipe(run(400))
  )

  it.effect("is repeated until it is answered, ever less often, each time with a counter of its own", () =>
    Effect.gen(function* () {
      const { client, relay } = yield* joined()
      relay.behaviour.instead = ({ _tag }) => (_tag === "SubscribeRequest" ? "none" : undefined)
      yield* client.subscribe([entry(7)])
      yield* TestClock.adjust("30 seconds")
      const times = asked(relay).map(({ atMs }) => atMs)
      const gaps = times.slice(1).map((atMs, index) => atMs - times[index]!)
      // A tick of the timers later each.
      assert.isTrue(
        gaps.every((gapMs, n) => {
          const dueMs = Math.min(5000, 200 * 1.5 ** n)
          return gapMs >= dueMs && gapMs <= dueMs + 51
        }),
        gaps.join()
      )
      assert.strictEqual(new Set(asked(relay).map(({ message }) => message.counter)).size, times.length)
      relay.behaviour.instead = () => undefined
      yield* TestClock.adjust("6 seconds")
      const answeredAfter = asked(relay).length
      yield* TestClock.adjust("30 seconds")
      assert.strictEqual(asked(relay).length, answeredAfter)
      assert.deepStrictEqual(relay.subscription, { version: 1, wanted: [entry(7)] })
    }).pipe(run(401))
  )

  it.effect("is the last of a thousand wishes, of which few are told", () =>
    Effect.gen(function* () {
      const { client, relay } = yield* joined()
      for (let ssrc = 1; ssrc <= 1000; ssrc++) yield* client.subscribe([entry(ssrc)])
      yield* TestClock.adjust("5 seconds")
      assert.deepStrictEqual(versionsAsked(relay), [1, 1000])
      assert.deepStrictEqual(relay.subscription?.wanted, [entry(1000)])
    }).pipe(run(402))
  )

  it.effect("is not settled by an answer to an earlier wish", () =>
    Effect.gen(function* () {
      const { client, relay } = yield* joined()
      yield* client.subscribe([entry(1)])
      relay.behaviour.instead = (request) =>
        request._tag === "SubscribeRequest" && request.subscription.version === 2 ? "none" : undefined
      yield* TestClock.adjust(linkMs / 2)
      yield* client.subscribe([entry(2)])
      yield* TestClock.adjust("1 second")
      assert.isAtLeast(versionsAsked(relay).filter((version) => version === 2).length, 3)
      relay.behaviour.instead = () => undefined
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual(relay.subscription?.version, 2)
    }).pipe(run(403))
  )

  it.effect("is told again when the relay has forgotten it, as its answer to a ping shows", () =>
    Effect.gen(function* () {
      const { client, relay } = yield* joined()
      yield* client.subscribe([entry(1)])
      yield* settle
      relay.subscription = undefined
      yield* TestClock.adjust("6 seconds")
      assert.deepStrictEqual(relay.subscription, { version: 1, wanted: [entry(1)] })
      assert.deepStrictEqual(versionsAsked(relay), [1, 1])
    }).pipe(run(404))
  )

  it.effect("is proved with the relay's cookie where the relay wants to see it", () =>
    Effect.gen(function* () {
      const { client, relay } = yield* joined()
      relay.behaviour.instead = (request) =>
        request._tag === "SubscribeRequest" && request.cookie === undefined
          ? {
              _tag: "Challenge",
              method: "Subscribe",
              transactionId: request.transactionId,
              error: { code: 438, reason: "" },
              cookie: new Uint8Array(12).fill(3)
            }
          : undefined
      yield* client.subscribe([entry(1)])
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(
        asked(relay).map(({ message }) => message.cookie?.length),
        [undefined, 12]
      )
      assert.strictEqual(relay.subscription?.version, 1)
    }).pipe(run(405))
  )

  it.effect("is not repeated when the relay refuses it; the next one is told", () =>
    Effect.gen(function* () {
      const { client, relay } = yield* joined()
      relay.behaviour.instead = (request) =>
        request._tag === "SubscribeRequest" && request.subscription.version === 1
          ? {
              _tag: "Refused",
              method: "Subscribe",
              transactionId: request.transactionId,
              error: { code: 400, reason: "" },
              relays: []
            }
          : undefined
      yield* client.subscribe([entry(1)])
      yield* TestClock.adjust("3 seconds")
      yield* client.subscribe([entry(2)])
      yield* TestClock.adjust("3 seconds")
      assert.deepStrictEqual(versionsAsked(relay), [1, 2])
      assert.deepStrictEqual(relay.subscription?.wanted, [entry(2)])
    }).pipe(run(406))
  )

  it.effect("that cannot be told is a defect, and leaves the wish before", () =>
    Effect.gen(function* () {
      const { client, relay } = yield* joined()
      yield* client.subscribe([entry(1)])
      for (const wanted of [
        Array.from({ length: 65 }, (_, ssrc) => entry(ssrc)),
        Array.from({ length: 5000 }, (_, ssrc) => entry(ssrc)),
        [entry(-1)],
        [entry(2 ** 32)],
        [{ ...entry(1), heightPx: 65_536 }],
        [{ ...entry(1), heightPx: 1.5 }]
      ]) {
        const exit = yield* Effect.exit(client.subscribe(wanted))
        assert.isTrue(Exit.hasDies(exit), `${wanted.length} entries`)
      }
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(relay.subscription, { version: 1, wanted: [entry(1)] })
    }).pipe(run(407))
  )

  it.effect("is told to the relay that takes over, at once", () =>
    Effect.gen(function* () {
      const scene = yield* FakeFleet.joined()
      const { client, first, second, third } = scene
      yield* FakeFleet.speak(scene)
      yield* client.subscribe([entry(1)])
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(versionsAsked(first), [1])
      first.behaviour.isDead = true
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(second.subscription, { version: 1, wanted: [entry(1)] })
      assert.deepStrictEqual(versionsAsked(second), [1])
      const resumedAtMs = second.requests.find(({ message }) => message._tag === "ResumeRequest")!.atMs
      assert.isAtMost(asked(second)[0]!.atMs - resumedAtMs, 2 * FakeFleet.latencyMs + 51)
      assert.deepStrictEqual(asked(third), [])
    }).pipe(run(408))
  )
})
