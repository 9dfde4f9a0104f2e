import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Trendline from "../../../src/media/bandwidth/Trendline.ts"

const Delta = Schema.Union([
  Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 3000 })),
  Schema.Literals([0, 0.25, 1e-12, 1e12])
])
const Deltas = Schema.Array(Schema.Tuple([Delta, Delta])).check(Schema.isMinLength(25))

const after = (deltas: number, sendDeltaMs: number, arrivalDeltaMs: number): Trendline.Trendline => {
  const trendline = Trendline.make()
  for (let n = 0; n < deltas; n++) Trendline.handleDelta(trendline, { sendDeltaMs, arrivalDeltaMs })
  return trendline
}

describe("Trendline", () => {
  it("says nothing before its window is full", () => {
    assert.strictEqual(after(Trendline.windowLength - 1, 10, 12).trendMs, 0)
    assert.notStrictEqual(after(Trendline.windowLength, 10, 12).trendMs, 0)
  })

  it("is the share by which more is sent than fits", () => {
    // Sent at 1.25 times the capacity: every 10 ms what takes 12.5 ms. (12.5 - 10) / 12.5.
    const { slope, trendMs } = after(200, 10, 12.5)
    assert.closeTo(slope, 0.2, 1e-6)
    assert.closeTo(trendMs, 0.2 * 60 * 4, 1e-4)
    assert.closeTo(after(200, 12.5, 10).slope, -0.25, 1e-6)
    assert.strictEqual(after(200, 10, 10).slope, 0)
  })

  it("keeps its slope while no time passes on arrival", () => {
    const trendline = after(100, 10, 12)
    for (let n = 0; n < 50; n++) Trendline.handleDelta(trendline, { sendDeltaMs: 10, arrivalDeltaMs: 0 })
    assert.isTrue(Number.isFinite(trendline.slope))
  })

  it.prop("is finite whatever the deltas, and as new after a restart", [Deltas], ([deltas]) => {
    const trendline = Trendline.make()
    for (const [sendDeltaMs, arrivalDeltaMs] of deltas) {
      Trendline.handleDelta(trendline, { sendDeltaMs, arrivalDeltaMs })
      assert.isTrue(Number.isFinite(trendline.slope) && Number.isFinite(trendline.trendMs))
    }
    Trendline.restart(trendline)
    const fresh = Trendline.make()
    for (const [sendDeltaMs, arrivalDeltaMs] of deltas) {
      Trendline.handleDelta(trendline, { sendDeltaMs, arrivalDeltaMs })
      Trendline.handleDelta(fresh, { sendDeltaMs, arrivalDeltaMs })
    }
    assert.strictEqual(trendline.slope, fresh.slope)
    assert.strictEqual(trendline.trendMs, fresh.trendMs)
  })
})
