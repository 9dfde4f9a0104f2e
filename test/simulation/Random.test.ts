import { assert, describe, it } from "@effect/vitest"
import * as Random from "../../src/simulation/Random.ts"

const draws = 100_000

/** Mean, variance, and the share above 1. */
const moments = (draw: () => number) => {
  let sum = 0
  let squares = 0
  let above = 0
  for (let i = 0; i < draws; i++) {
    const drawn = draw()
    sum += drawn
    squares += drawn * drawn
    if (drawn > 1) above++
  }
  const mean = sum / draws
  return { mean, variance: squares / draws - mean * mean, above: above / draws }
}

describe("Random", () => {
  it("is xoshiro128** 1.1: the first numbers from the state 1, 2, 3, 4", () => {
    const random: Random.Random = { state: Uint32Array.of(1, 2, 3, 4) }
    const drawn = Array.from({ length: 6 }, () => Random.nextU32(random))
    assert.deepStrictEqual(drawn, [11520, 0, 5927040, 70819200, 2031721883, 1637235492])
  })

  it("falls differently for each seed and each name, and alike for the same", () => {
    const first = (seed: string, name: string) => Random.nextU32(Random.make(seed, name))
    assert.strictEqual(first("1", "a-up"), first("1", "a-up"))
    const all = ["1", "2", "11"].flatMap((seed) => ["a-up", "a-down", "1 a-up"].map((name) => first(seed, name)))
    assert.strictEqual(new Set(all).size, all.length)
  })

  it("draws evenly", () => {
    const random = Random.make("even", "test")
    const { mean, variance } = moments(() => Random.uniform(random))
    assert.closeTo(mean, 1 / 2, 0.005)
    assert.closeTo(variance, 1 / 12, 0.001)
    const counts = [0, 0, 0, 0, 0]
    for (let i = 0; i < draws; i++) counts[Random.below(random, 5)]!++
    for (const count of counts) assert.closeTo(count / draws, 1 / 5, 0.005)
  })

  it("draws exponentially", () => {
    const random = Random.make("exponential", "test")
    const { above, mean, variance } = moments(() => Random.exponential(random))
    assert.closeTo(mean, 1, 0.01)
    assert.closeTo(variance, 1, 0.03)
    assert.closeTo(above, Math.exp(-1), 0.005)
  })

  it("draws normally", () => {
    const random = Random.make("normal", "test")
    const { above, mean, variance } = moments(() => Random.normal(random))
    assert.closeTo(mean, 0, 0.01)
    assert.closeTo(variance, 1, 0.02)
    assert.closeTo(above, 0.158655, 0.004)
  })

  it("draws the same on every machine", () => {
    const random = Random.make("machine", "test")
    const drawn = [Random.uniform(random), Random.exponential(random), Random.normal(random), Random.below(random, 100)]
    assert.deepStrictEqual(drawn, [0.23775951331481338, 5.173603194300085, 0.7193141733296216, 2])
  })
})
