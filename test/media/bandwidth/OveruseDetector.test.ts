import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as OveruseDetector from "../../../src/media/bandwidth/OveruseDetector.ts"

const { Usage } = OveruseDetector
const Trend = Schema.Union([
  Schema.Finite.check(Schema.isBetween({ minimum: -700, maximum: 700 })),
  Schema.Literals([0, 6, 12.5, 600, 1e12, -1e12])
])
const Passed = Schema.Union([
  Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 300 })),
  Schema.Literals([0.25, 1e12])
])
const Trends = Schema.Array(Schema.Tuple([Trend, Passed]))

const handle = (detector: OveruseDetector.OveruseDetector, trendMs: number, slope = 0.1, passedMs = 10) => {
  OveruseDetector.handleTrend(detector, { trendMs, slope }, { sendDeltaMs: passedMs, arrivalDeltaMs: passedMs })
  return detector.usage
}

describe("OveruseDetector", () => {
  it("is overuse the second time in a row, after more than 10 ms", () => {
    const detector = OveruseDetector.make()
    assert.strictEqual(handle(detector, 40), Usage.Normal)
    assert.strictEqual(handle(detector, 40), Usage.Overusing)
    const slower = OveruseDetector.make()
    // 2.5 ms, 7.5 ms, 12.5 ms.
    assert.deepStrictEqual(
      [1, 2, 3].map(() => handle(slower, 40, 0.1, 5)),
      [Usage.Normal, Usage.Normal, Usage.Overusing]
    )
  })

  it("once is not enough, however long", () => {
    const detector = OveruseDetector.make()
    assert.strictEqual(handle(detector, 40, 0.1, 100), Usage.Normal)
    assert.strictEqual(handle(detector, 40, 0.1, 1), Usage.Overusing)
  })

  it("a trend that comes and goes is none", () => {
    const detector = OveruseDetector.make()
    for (let n = 0; n < 50; n++) assert.strictEqual(handle(detector, n % 2 === 0 ? 40 : 0), Usage.Normal)
  })

  it("nor is one that falls", () => {
    const detector = OveruseDetector.make()
    for (let n = 0; n < 10; n++) assert.strictEqual(handle(detector, 100 - n, (100 - n) / 240), Usage.Normal)
  })

  it("is underuse at once, and normal at once", () => {
    const detector = OveruseDetector.make()
    assert.strictEqual(handle(detector, -40), Usage.Underusing)
    assert.strictEqual(handle(detector, 0), Usage.Normal)
  })

  it("gets used to what is always there, not to what is sudden", () => {
    const detector = OveruseDetector.make()
    for (let n = 0; n < 200; n++) handle(detector, 27)
    assert.closeTo(detector.thresholdMs, 27, 0.1)
    for (let n = 0; n < 200; n++) handle(detector, 43)
    assert.closeTo(detector.thresholdMs, 27, 0.1)
    for (let n = 0; n < 200; n++) handle(detector, 0)
    assert.strictEqual(detector.thresholdMs, OveruseDetector.thresholdMsMin)
  })

  it.prop("the threshold keeps its bounds, and a small trend is never overuse", [Trends], ([trends]) => {
    const detector = OveruseDetector.make()
    for (const [trendMs, passedMs] of trends) {
      handle(detector, trendMs, trendMs / 240, passedMs)
      assert.isAtLeast(detector.thresholdMs, OveruseDetector.thresholdMsMin)
      assert.isAtMost(detector.thresholdMs, OveruseDetector.thresholdMsMax)
      if (Math.abs(trendMs) <= OveruseDetector.thresholdMsMin) assert.strictEqual(detector.usage, Usage.Normal)
    }
  })
})
