import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Logger, Stream } from "effect"
import { RateLimiter } from "effect/persistence"
import { Priority, rankOf } from "../../src/throttle/Priority.ts"
import { Refused, spreadMs } from "../../src/throttle/Refused.ts"
import * as Throttle from "../../src/throttle/Throttle.ts"
import * as ThrottleAdaptive from "../../src/throttle/ThrottleAdaptive.ts"
import * as ThrottleComposition from "../../src/throttle/ThrottleComposition.ts"
import * as ThrottleFixed from "../../src/throttle/ThrottleFixed.ts"
import * as ThrottleSuite from "../suites/ThrottleSuite.ts"
import * as Sources from "./Sources.ts"

const refusal = new Refused({ retryAfterMs: 1500, reason: "Draining" })

/** Keeps what goes on and lets nothing new in. */
const layerDraining = Layer.succeed(
  Throttle.Throttle,
  Throttle.make(({ priority }) => (rankOf(priority) > rankOf("resume") ? Effect.fail(refusal) : Effect.void))
)

/** A relay that has been this busy for a while when the throttle is asked. */
const layerAdaptive = (cpu: number) => {
  const figures = { ...Sources.idle(), cpu }
  return ThrottleAdaptive.layer.pipe(
    Layer.tap(() => Sources.pass(figures, 20_000)),
    Layer.provide(Sources.meterOf(figures))
  )
}

const fixed = (options: ThrottleFixed.Options) =>
  ThrottleFixed.layer(options).pipe(Layer.provide(RateLimiter.layer), Layer.provide(RateLimiter.layerStoreMemory))

/** As an application would write its own. */
const layerOfAnApplication = ThrottleComposition.layerInFront(({ priority }) =>
  rankOf(priority) > rankOf("new-one-to-one-video") ? Effect.fail(refusal) : Effect.void
)

ThrottleSuite.suite("open", Throttle.layerOpen)
ThrottleSuite.suite("draining", layerDraining)
ThrottleSuite.suite("adaptive, idle", layerAdaptive(0.1))
for (const cpu of [0.67, 0.71, 0.765, 0.773, 0.778, 0.782, 0.787, 0.85, 1]) {
  ThrottleSuite.suite(`adaptive, ${100 * cpu} % of CPU`, layerAdaptive(cpu))
}
ThrottleSuite.suite("off", ThrottleAdaptive.layerOff.pipe(Layer.provide(Sources.meterOf(Sources.idle()))))
ThrottleSuite.suite("fixed, one a second", fixed({ perSecond: 1, each: "relay" }))
ThrottleSuite.suite("fixed, five a second of each tenant", fixed({ perSecond: 5, each: "tenant" }))
ThrottleSuite.suite("fixed, absurd", fixed({ perSecond: NaN, each: "relay" }))
ThrottleSuite.suite("an application's in front of one", layerOfAnApplication.pipe(Layer.provide(layerAdaptive(0.9))))
ThrottleSuite.suite(
  "two limits and the load",
  ThrottleComposition.layerBoth(
    ThrottleComposition.layerBoth(fixed({ perSecond: 3, each: "tenant" }), fixed({ perSecond: 4, each: "relay" })),
    layerAdaptive(0.85)
  )
)

const asking = (priority: Priority, tenant = "key-1"): Throttle.AdmissionRequest => ({
  priority,
  caller: "ada",
  tenant
})

describe("Throttle", () => {
  it.effect("the open one lets everything in, and withholds nothing", () =>
    Effect.gen(function* () {
      const throttle = yield* Throttle.Throttle
      yield* Effect.forEach(Priority.literals, (priority) => throttle.admit(asking(priority)))
      assert.deepStrictEqual(yield* Stream.runCollect(throttle.withheld), [[]])
      assert.isNaN(throttle.fullness())
    }).pipe(Effect.provide(Throttle.layerOpen))
  )

  it.effect("is not asked about what is never refused, whatever an application decides", () =>
    Effect.gen(function* () {
      const throttle = yield* Throttle.Throttle
      yield* throttle.admit(asking("ongoing-media"))
      yield* throttle.admit(asking("resume"))
      assert.strictEqual(yield* Effect.flip(throttle.admit(asking("new-one-to-one-audio"))), refusal)
    }).pipe(
      Effect.provide(
        ThrottleComposition.layerInFront(() => Effect.fail(refusal)).pipe(Layer.provide(Throttle.layerOpen))
      )
    )
  )

  it("the order is that of the architecture", () => {
    assert.strictEqual(rankOf("ongoing-media"), 0)
    assert.strictEqual(rankOf("group-join"), 4)
    assert.strictEqual(rankOf("probe"), 8)
  })

  it("a refusal says in one line what to do", () => {
    assert.strictEqual(refusal.message, "the relay is stopping: try another, or this one in 2 s")
    const limited = new Refused({ retryAfterMs: 900, reason: "Limited" })
    assert.strictEqual(limited.message, "the relay takes no more of these for now: try another, or this one in 1 s")
    assert.strictEqual(
      new Refused({ retryAfterMs: 900, reason: "Overloaded" }).message,
      "the relay is busy: try another, or this one in 1 s"
    )
  })

  it("who is refused together does not come back together", () => {
    assert.deepStrictEqual(
      [0, 0.5, 0.999].map((random) => spreadMs(4000, random)),
      [2000, 4000, 5996]
    )
    assert.strictEqual(spreadMs(0, 0), 1)
  })
})

describe("ThrottleFixed", () => {
  const offer = Effect.fnUntraced(function* (priority: Priority, count: number, tenant?: string) {
    const throttle = yield* Throttle.Throttle
    const answers = yield* Effect.forEach(Array.from({ length: count }), () =>
      Effect.isSuccess(throttle.admit(asking(priority, tenant)))
    )
    return answers.filter((isIn) => isIn).length
  })

  it.effect("of one budget the lower classes get less, and each tenant has its own", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* offer("probe", 20), 4)
      assert.strictEqual(yield* offer("new-one-to-one-audio", 20), 6)
      assert.strictEqual(yield* offer("new-one-to-one-audio", 20, "key-2"), 10)
      assert.strictEqual(yield* offer("resume", 20), 20)
    }).pipe(Effect.provide(fixed({ perSecond: 10, each: "tenant" })))
  )

  it.effect("a store that does not answer refuses nobody, and is mentioned once", () => {
    const lines: Array<string> = []
    return Effect.gen(function* () {
      assert.strictEqual(yield* offer("probe", 20), 20)
      assert.deepStrictEqual(lines, ["the store of the rate limit does not answer: everybody is let in"])
    }).pipe(
      Effect.provide(Logger.layer([Logger.make(({ message }) => void lines.push(String(message)))])),
      Effect.provide(
        ThrottleFixed.layer({ perSecond: 1, each: "relay" }).pipe(
          Layer.provide(RateLimiter.layer),
          Layer.provide(
            Layer.mock(RateLimiter.RateLimiterStore, {
              fixedWindow: () =>
                Effect.fail(
                  new RateLimiter.RateLimiterError({
                    reason: new RateLimiter.RateLimitStoreError({ message: "gone" })
                  })
                )
            })
          )
        )
      )
    )
  })
})
