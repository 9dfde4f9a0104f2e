import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { Usage } from "../../../src/media/bandwidth/OveruseDetector.ts"
import * as RateControl from "../../../src/media/bandwidth/RateControl.ts"

const options: RateControl.Options = { startBps: 300_000, maxBps: 3_000_000 }
const roundTripMs = 100

const handle = (
  rate: RateControl.RateControl,
  usage: Usage,
  acknowledgedBps: number,
  nowMs: number,
  isApplicationLimited = false
): number => {
  RateControl.handleUsage(rate, usage, { acknowledgedBps, roundTripMs, isApplicationLimited }, nowMs)
  return rate.estimateBps
}

/** Normal from one time to another, reports every 100 ms, all that may be sent arrives. */
const grow = (rate: RateControl.RateControl, fromMs: number, untilMs: number): number => {
  for (let nowMs = fromMs; nowMs <= untilMs; nowMs += 100) handle(rate, Usage.Normal, rate.estimateBps, nowMs)
  return rate.estimateBps
}

const Report = Schema.Struct({
  usage: Schema.Literals([Usage.Normal, Usage.Overusing, Usage.Underusing]),
  acknowledgedBps: Schema.UndefinedOr(Schema.Literals([0, 1, 900, 4999, 6000, 250_000, 2_000_000, 1e12])),
  probeBps: Schema.UndefinedOr(Schema.Literals([0, 400_000, 1e12])),
  passedMs: Schema.Literals([0, 1, 100, 100, 100, 250, 5000, -100, -1e12, 1e12]),
  roundTripMs: Schema.Literals([0, 30, 1000, 1e9]),
  isApplicationLimited: Schema.Boolean
})

describe("RateControl", () => {
  it("grows by the same for all, and by no more than a quarter a second", () => {
    for (const [startBps, growthBps] of [
      [5000, 4000],
      [200_000, 50_000],
      [1_000_000, 120_000],
      [2_000_000, 120_000]
    ] as const) {
      const rate = RateControl.make({ ...options, startBps })
      grow(rate, 0, 0)
      assert.strictEqual(handle(rate, Usage.Normal, startBps, 100), startBps + growthBps / 10)
    }
  })

  it("after an overuse too, when it has waited", () => {
    const rate = RateControl.make({ ...options, startBps: 2_000_000 })
    handle(rate, Usage.Overusing, 2_000_000, 0)
    assert.strictEqual(rate.estimateBps, 1_695_000)
    // The first only ends the waiting.
    grow(rate, 100, 100)
    assert.closeTo(grow(rate, 200, 1100), 1_695_000 + 120_000, 1)
  })

  it("two that decrease together come to equal shares", () => {
    const rates = [300_000, 2_200_000].map((startBps) => RateControl.make({ ...options, startBps }))
    let isOverused = false
    for (let nowMs = 0; nowMs < 60_000; nowMs += 100) {
      for (const rate of rates) {
        handle(rate, isOverused ? Usage.Overusing : Usage.Normal, rate.estimateBps, nowMs)
      }
      isOverused = rates[0]!.estimateBps + rates[1]!.estimateBps > 2_500_000
    }
    assert.isAtLeast(rates[0]!.estimateBps / rates[1]!.estimateBps, 0.8)
  })

  it("holds what a queue that is being emptied has shown", () => {
    const rate = RateControl.make({ ...options, startBps: 1_000_000 })
    grow(rate, 0, 1000)
    RateControl.holdAt(rate, 400_000, 1100)
    assert.strictEqual(handle(rate, Usage.Normal, 400_000, 1200), 400_000)
    assert.isAbove(handle(rate, Usage.Normal, 400_000, 1300), 400_000)
  })

  it("by no more than a second's worth when the clock is set, and never backwards", () => {
    const rate = RateControl.make({ ...options, startBps: 1_000_000 })
    handle(rate, Usage.Overusing, 1_000_000, 0)
    const before = grow(rate, 100, 100)
    assert.closeTo(handle(rate, Usage.Normal, 1_000_000, 1e12), before + 120_000, 1)
    const after = rate.estimateBps
    assert.strictEqual(handle(rate, Usage.Normal, 1_000_000, 0), after)
  })

  it("never beyond what arrives, half as much again and 10 kbps", () => {
    const rate = RateControl.make(options)
    for (let nowMs = 0; nowMs < 60_000; nowMs += 100) handle(rate, Usage.Normal, 300_000, nowMs)
    assert.strictEqual(rate.estimateBps, 460_000)
    // Less arrives: that is no overuse.
    assert.strictEqual(handle(rate, Usage.Normal, 100_000, 60_000), 460_000)
  })

  it("not at all while the application sends less than it could, but for a probe", () => {
    const rate = RateControl.make(options)
    for (let nowMs = 0; nowMs < 10_000; nowMs += 100) handle(rate, Usage.Normal, 300_000, nowMs, true)
    assert.strictEqual(rate.estimateBps, 300_000)
    RateControl.setEstimate(rate, 900_000, 10_000)
    assert.strictEqual(handle(rate, Usage.Normal, 300_000, 10_100, true), 900_000)
  })

  it("waits while the queue empties", () => {
    const rate = RateControl.make(options)
    grow(rate, 0, 1000)
    const before = rate.estimateBps
    for (let nowMs = 1100; nowMs < 3000; nowMs += 100) handle(rate, Usage.Underusing, before, nowMs)
    assert.strictEqual(rate.estimateBps, before)
  })

  it("falls back on the capacity when more arrives at an overuse than was to be sent", () => {
    const rate = RateControl.make({ ...options, startBps: 1_000_000 })
    handle(rate, Usage.Overusing, 400_000, 0)
    RateControl.setEstimate(rate, 380_000, 100)
    // What stood in a queue elsewhere arrives all at once.
    assert.strictEqual(handle(rate, Usage.Overusing, 1_000_000, 1000), 340_000)
  })

  it("decreases again after a round trip, or at once when far less arrives", () => {
    const rate = RateControl.make({ ...options, startBps: 1_000_000 })
    handle(rate, Usage.Overusing, 900_000, 1000)
    const isTime = (acknowledgedBps: number, nowMs: number, afterMs = roundTripMs): boolean =>
      RateControl.isTimeToDecrease(rate, { acknowledgedBps, roundTripMs: afterMs, isApplicationLimited: false }, nowMs)
    assert.isFalse(isTime(700_000, 1099))
    assert.isTrue(isTime(700_000, 1100))
    assert.isTrue(isTime(300_000, 1001))
    assert.isTrue(isTime(700_000, -1e9), "the clock was set")
    assert.isFalse(isTime(700_000, 1199, 5000))
    assert.isTrue(isTime(700_000, 1200, 5000))
  })

  it.prop(
    "keeps its bounds, falls by an overuse only, and nothing in it is lost to arithmetic",
    [Schema.Array(Report)],
    ([reports]) => {
      const rate = RateControl.make(options)
      let nowMs = 0
      for (const { acknowledgedBps = NaN, isApplicationLimited, passedMs, probeBps, roundTripMs, usage } of reports) {
        const before = rate.estimateBps
        nowMs += passedMs
        RateControl.handleUsage(rate, usage, { acknowledgedBps, roundTripMs, isApplicationLimited }, nowMs)
        if (usage !== Usage.Normal || isApplicationLimited) assert.isAtMost(rate.estimateBps, before)
        if (usage === Usage.Normal) assert.isAtLeast(rate.estimateBps, before)
        assert.isAtMost(rate.estimateBps, before + Math.max(4000, Math.min(120_000, 0.25 * before)) + 1e-6)
        if (probeBps !== undefined) RateControl.setEstimate(rate, probeBps, nowMs)
        assert.isTrue(rate.estimateBps >= RateControl.estimateBpsMin && rate.estimateBps <= options.maxBps)
        assert.isFalse(Math.abs(rate.capacity.meanBps) === Infinity)
        assert.isTrue(rate.capacity.variance >= 0.4 && rate.capacity.variance <= 2.5)
      }
    }
  )
})
