import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Statistics from "./Statistics.ts"

const samplesOf = (values: ReadonlyArray<number>): Statistics.Samples => {
  const samples = Statistics.makeSamples(values.length)
  for (const value of values) Statistics.addSample(samples, value)
  return samples
}

it("shows nothing for what is no number: another process says null", () => {
  assert.strictEqual(Statistics.formatSpread({ median: 1, min: NaN, max: Infinity }, 1), "1.0 (- to -)")
})

describe("Statistics", () => {
  it("the median is the one in the middle, or the mean of the two there", () => {
    assert.deepStrictEqual(Statistics.spreadOf([9, 1, 10]), { median: 9, min: 1, max: 10 })
    assert.deepStrictEqual(Statistics.spreadOf([4, 1, 10, 2]), { median: 3, min: 1, max: 10 })
    assert.deepStrictEqual(Statistics.spreadOf([7]), { median: 7, min: 7, max: 7 })
  })

  it("of nothing there is no median", () => {
    assert.throws(() => Statistics.spreadOf([]), /nothing was measured/)
  })

  it("quantiles by the nearest rank", () => {
    const hundred = Array.from({ length: 100 }, (_, i) => 100 - i)
    assert.deepStrictEqual(Statistics.quantilesOf(samplesOf(hundred)), { p50: 50, p95: 95, p99: 99 })
    assert.deepStrictEqual(Statistics.quantilesOf(samplesOf([3, 1])), { p50: 1, p95: 3, p99: 3 })
    assert.deepStrictEqual(Statistics.quantilesOf(samplesOf([])), { p50: 0, p95: 0, p99: 0 })
  })

  it.prop(
    "half of the samples are not above the median quantile, and it is one of them",
    [Schema.NonEmptyArray(Schema.Finite)],
    ([values]) => {
      const { p50, p99 } = Statistics.quantilesOf(samplesOf(values))
      assert.include(values, p50)
      assert.isAtLeast(values.filter((value) => value <= p50).length, values.length / 2)
      assert.isAtLeast(values.filter((value) => value >= p50).length, values.length / 2)
      assert.isAtLeast(p99, p50)
    },
    { arbitrary: { size: 200 } }
  )

  it("samples that find no room are not kept", () => {
    const samples = Statistics.makeSamples(2)
    for (const value of [1, 2, 3]) Statistics.addSample(samples, value)
    assert.deepStrictEqual(Statistics.quantilesOf(samples), { p50: 1, p95: 2, p99: 2 })
  })
})
