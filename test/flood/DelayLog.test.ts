import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as DelayLog from "./DelayLog.ts"
import * as Interval from "./Interval.ts"

const Delay = Schema.Finite.check(Schema.isBetween({ minimum: 0.03, maximum: 10_000 }))
const Delays = Schema.Array(Delay).check(Schema.isMinLength(1))

const logOf = (delaysMs: ReadonlyArray<number>): DelayLog.DelayLog => {
  const log = DelayLog.make()
  for (const delayMs of delaysMs) DelayLog.add(log, delayMs)
  return log
}

describe("DelayLog", () => {
  it.prop("every quantile is that of the delays, to 2 %", [Delays], ([delays]) => {
    const sorted = delays.toSorted((a, b) => a - b)
    const log = logOf(delays)
    for (const share of [0.01, 0.5, 0.99, 1]) {
      const exact = sorted[Math.ceil(share * sorted.length) - 1]!
      const said = DelayLog.quantileMs(log, share)
      assert.isAtLeast(said, exact * 0.999_999)
      assert.isAtMost(said, exact * 1.021)
    }
  })

  it.prop("a sum of logs is the log of all their delays", [Delays, Delays], ([one, other]) => {
    assert.deepStrictEqual(DelayLog.sumOf([logOf(one), logOf(other)]), logOf([...one, ...other]))
  })

  it("what is shorter than the first bucket, or longer than the last, is counted there", () => {
    const log = logOf([-1, 0, 0.001, 1e9])
    assert.strictEqual(DelayLog.countOf(log), 4)
    assert.approximately(DelayLog.quantileMs(log, 0.5), 0.02, 1e-9)
    assert.isAbove(DelayLog.quantileMs(log, 1), 10_000)
  })

  it("of nothing there is no quantile", () => {
    assert.isNaN(DelayLog.quantileMs(DelayLog.make(), 0.5))
  })
})

describe("Interval", () => {
  it("of 1 to 5: 3, and 1.96 on either side", () => {
    const { ci95, mean } = Interval.meanOf([1, 2, 3, 4, 5])
    assert.strictEqual(mean, 3)
    assert.approximately(ci95[0], 3 - 1.966, 0.01)
    assert.approximately(ci95[1], 3 + 1.966, 0.01)
  })

  it("one value tells nothing of how much they differ", () => {
    assert.deepStrictEqual(Interval.meanOf([7]), { mean: 7, ci95: [-Infinity, Infinity] })
  })
})
