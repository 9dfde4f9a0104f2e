import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as ApplicationLimited from "../../../src/media/bandwidth/ApplicationLimited.ts"

const estimateBps = 1_000_000

/** Sends at a share of the estimate, every 10 ms; returns when that changed something, or Infinity. */
const send = (
  self: ApplicationLimited.ApplicationLimited,
  share: number,
  fromMs: number,
  forMs: number,
  isLimited = self.isLimited
) => {
  for (let atMs = fromMs; atMs < fromMs + forMs; atMs += 10) {
    ApplicationLimited.handleSent(self, (share * estimateBps * 10) / 8000, atMs)
    if (self.isLimited !== isLimited) return atMs
  }
  return Infinity
}

const started = () => {
  const self = ApplicationLimited.make()
  ApplicationLimited.setEstimate(self, estimateBps)
  return self
}

describe("ApplicationLimited", () => {
  it("is said of who sends a third, within a second, and since when", () => {
    const self = started()
    const sinceMs = send(self, 0.33, 1000, 2000)
    assert.isAtMost(sinceMs, 2000)
    assert.strictEqual(self.sinceMs, sinceMs)
  })

  it("is not said of who sends two thirds", () => {
    const self = started()
    assert.strictEqual(send(self, ApplicationLimited.usageRatio + 0.01, 0, 60_000), Infinity)
    assert.isNaN(self.sinceMs)
  })

  it("ends when the estimate is used again, and not for a short burst", () => {
    const self = started()
    send(self, 0.1, 0, 5000)
    assert.isTrue(self.isLimited)
    assert.strictEqual(send(self, 1, 5000, 300), Infinity)
    assert.isBelow(send(self, 1, 5300, 2000), 6000)
    assert.isNaN(self.sinceMs)
  })

  it("a leg that is silent is limited once it says so", () => {
    const self = started()
    ApplicationLimited.handleSent(self, 1200, 0)
    ApplicationLimited.handleSent(self, 0, 1000)
    assert.isTrue(self.isLimited)
  })

  const Step = Schema.Struct({
    bytes: Schema.Union([Schema.Literals([0, -1, 1, 1200, 1e300]), Schema.Number]),
    stepMs: Schema.Union([Schema.Literals([0, 1, 50, 1e9, -1, -1e9]), Schema.Number]),
    rateBps: Schema.Union([Schema.Literals([0, -1, 1e-300, 30_000, 1e6, 1e300]), Schema.Number])
  })
  it.prop(
    "stays within the budget of half a second, whatever is sent and wherever the clock goes",
    [Schema.Array(Step)],
    ([steps]) => {
      const self = ApplicationLimited.make()
      let nowMs = 0
      for (const { bytes, rateBps, stepMs } of steps) {
        if (Number.isFinite(nowMs + stepMs)) nowMs += stepMs
        ApplicationLimited.setEstimate(self, rateBps)
        ApplicationLimited.handleSent(self, bytes, Number.isFinite(stepMs) ? nowMs : stepMs)
        const bytesMax = (self.budgetBps * ApplicationLimited.windowMs) / 8000
        assert.isTrue(Math.abs(self.remainingBytes) <= bytesMax, `${self.remainingBytes} of ${bytesMax}`)
        assert.strictEqual(Number.isNaN(self.sinceMs), !self.isLimited)
      }
    },
    { arbitrary: { size: 60 } }
  )
})
