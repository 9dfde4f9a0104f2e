import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as RoundTripStatistics from "../../../src/client/probe/RoundTripStatistics.ts"

/** Milliseconds, or no answer. Whole numbers, so that equal ones come. */
const Entry = Schema.UndefinedOr(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 50 })))
const Series = Schema.Array(Entry)
const long = { arbitrary: { size: 200 } }

const isAnswer = (rttMs: number | undefined): rttMs is number => rttMs !== undefined

/** As the words say it, without a formula for a rank. */
const naive = (series: ReadonlyArray<number | undefined>) => {
  const answers = series.filter(isAnswer)
  const countUpTo = (limitMs: number) => answers.filter((rttMs) => rttMs <= limitMs).length
  const countFrom = (limitMs: number) => answers.filter((rttMs) => rttMs >= limitMs).length
  const smallestWith = (condition: (rttMs: number) => boolean) => Math.min(...answers.filter(condition))
  const greatestWith = (condition: (rttMs: number) => boolean) => Math.max(...answers.filter(condition))
  const n = answers.length
  const lower = smallestWith((rttMs) => countUpTo(rttMs) * 2 >= n)
  const upper = greatestWith((rttMs) => countFrom(rttMs) * 2 >= n)
  const differences: Array<number> = []
  let previous: number | undefined
  for (const rttMs of answers) {
    if (previous !== undefined) differences.push(rttMs > previous ? rttMs - previous : previous - rttMs)
    previous = rttMs
  }
  return {
    requests: series.length,
    answered: n,
    lossRatio: series.length === 0 ? 0 : series.filter((entry) => entry === undefined).length / series.length,
    rttMs:
      n === 0
        ? undefined
        : {
            min: smallestWith(() => true),
            median: (lower + upper) / 2,
            p95: smallestWith((rttMs) => countUpTo(rttMs) * 100 >= n * 95),
            max: greatestWith(() => true)
          },
    jitterMs: differences.length === 0 ? undefined : differences.reduce((a, b) => a + b, 0) / differences.length
  }
}

describe("RoundTripStatistics", () => {
  it.prop(
    "agrees with a naive count",
    [Series],
    ([series]) => assert.deepStrictEqual(RoundTripStatistics.of(series), naive(series)),
    long
  )

  it("of nothing, of silence, of one", () => {
    const nothing = { answered: 0, rttMs: undefined, jitterMs: undefined }
    assert.deepStrictEqual(RoundTripStatistics.of([]), { ...nothing, requests: 0, lossRatio: 0 })
    assert.deepStrictEqual(RoundTripStatistics.of([undefined, undefined]), { ...nothing, requests: 2, lossRatio: 1 })
    assert.deepStrictEqual(RoundTripStatistics.of([undefined, 7]), {
      requests: 2,
      answered: 1,
      lossRatio: 0.5,
      rttMs: { min: 7, median: 7, p95: 7, max: 7 },
      jitterMs: undefined
    })
  })

  it("leaves one of twenty out of the 95th percentile, and counts jitter over a loss", () => {
    const twenty = Array.from({ length: 20 }, (_, i) => (i === 3 ? 900 : 10 + i))
    assert.deepInclude(RoundTripStatistics.of(twenty).rttMs, { p95: 29, max: 900 })
    assert.strictEqual(RoundTripStatistics.of([10, undefined, 14, 13]).jitterMs, (4 + 1) / 2)
  })

  it.prop("sorts by one order, the silent last", [Series, Series, Series], ([a, b, c]) => {
    const [x, y, z] = [a, b, c].map(RoundTripStatistics.of)
    const { compare } = RoundTripStatistics
    assert.strictEqual(Math.sign(compare(x!, y!)) + Math.sign(compare(y!, x!)), 0)
    if (compare(x!, y!) <= 0 && compare(y!, z!) <= 0) assert.isAtMost(compare(x!, z!), 0)
    if (x!.answered > 0 && y!.answered === 0) assert.isBelow(compare(x!, y!), 0)
  })

  it("takes loss into account where the round trips are the same but for noise", () => {
    const lossy = RoundTripStatistics.of([12.1, undefined, 12.1])
    const whole = RoundTripStatistics.of([12.3, 12.3, 12.3])
    const far = RoundTripStatistics.of([14, 14, 14])
    assert.deepStrictEqual([far, lossy, whole].toSorted(RoundTripStatistics.compare), [whole, lossy, far])
  })
})
