import { assert, describe, it } from "@effect/vitest"
import * as SpeechScore from "../../src/call/SpeechScore.ts"

/** The formula by another way: sums of logarithms instead of a product. */
const byLogarithms = (active: number, units: number, lambda: number): number => {
  const logFactorial = (n: number): number => Array.from({ length: n }, (_, i) => Math.log(i + 1)).reduce(add, 0)
  const logBinomial = logFactorial(units) - logFactorial(active) - logFactorial(units - active)
  return logBinomial + active * Math.log(0.5) + (units - active) * Math.log(0.5) - Math.log(lambda) + lambda * active
}
const add = (a: number, b: number): number => a + b

/** Published pairs of units and lambda (jitsi-utils, N1 to N3), and others. */
const scales = [
  [13, 0.78],
  [5, 24],
  [10, 47],
  [20, 24],
  [10, 2],
  [50, 0.1]
] as const

describe("SpeechScore", () => {
  for (const [units, lambda] of scales) {
    it(`tables of ${units} units and lambda ${lambda} are the formula in 1/1024 nat`, () => {
      const table = SpeechScore.logScores(units, lambda)
      assert.strictEqual(table.length, units + 1)
      table.forEach((entry, active) => {
        const score = Math.max(SpeechScore.scoreMin, byLogarithms(active, units, lambda))
        assert.closeTo(entry / SpeechScore.unitsPerNat, Math.log(score), 0.5001 / SpeechScore.unitsPerNat, `${active}`)
      })
    })
  }

  it("no active sub-unit is no speech, and a hand-made example", () => {
    assert.strictEqual(SpeechScore.logScores(13, 0.78)[0], Math.round(1024 * Math.log(1e-10)))
    // ln C(13, 6) - 13 ln 2 - ln .78 + .78 * 6 = 7.448 - 9.011 + .248 + 4.68
    assert.closeTo(SpeechScore.score(6, 13, 0.78), 3.365, 0.001)
  })
})
