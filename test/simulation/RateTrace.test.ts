import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import * as GeneratedTrace from "../../src/simulation/GeneratedTrace.ts"
import * as RateTrace from "../../src/simulation/RateTrace.ts"

const Gaps = Schema.NonEmptyArray(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 9 })))
const Time = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 200 }))

/** A trace from the times between its lines. */
const fromGaps = (gaps: ReadonlyArray<number>): RateTrace.RateTrace => {
  let timeMs = 0
  const timesMs = gaps.map((gapMs) => (timeMs += gapMs))
  return Result.getOrThrow(RateTrace.make([...timesMs, timeMs + 1]))
}

const problem = (text: string): string => {
  const parsed = RateTrace.parse(text)
  assert.isTrue(Result.isFailure(parsed))
  return Result.isFailure(parsed) ? parsed.failure.message : ""
}

describe("RateTrace", () => {
  it.prop("reads what it writes", [Gaps], ([gaps]) => {
    const trace = fromGaps(gaps)
    assert.deepStrictEqual(Result.getOrThrow(RateTrace.parse(RateTrace.format(trace))), trace)
  })

  it("says which line is wrong, and why", () => {
    assert.include(problem("1\n2\n1\n"), "line 3: 1 ms comes before 2 ms")
    assert.include(problem("1\n-2\n"), 'line 2: "-2" is no whole number')
    assert.include(problem("1\n2.5\n"), "line 2")
    assert.include(problem("\n"), "later than 0 ms")
    assert.include(problem("0\n0\n"), "later than 0 ms")
  })

  it.prop("counts the opportunities before a time, over all laps", [Gaps, Time], ([gaps, timeMs]) => {
    const trace = fromGaps(gaps)
    let count = 0
    while (RateTrace.opportunityMs(trace, count) < timeMs) count++
    assert.strictEqual(RateTrace.countBefore(trace, timeMs), count)
  })

  it("has a mean capacity: 12.032 Mbit/s with one opportunity a millisecond", () => {
    const trace = Result.getOrThrow(RateTrace.parse("1\n"))
    assert.strictEqual(RateTrace.capacityBps(trace, 0, 1000), 999 * 1504 * 8)
    assert.strictEqual(RateTrace.capacityBps(trace, 1000, 2000), 1504 * 8 * 1000)
  })
})

describe("GeneratedTrace", () => {
  it("walks between its bounds, and the same way for the same seed", () => {
    const trace = GeneratedTrace.generate(GeneratedTrace.lte, "1", "cell")
    assert.strictEqual(trace.lengthMs, GeneratedTrace.lte.lengthMs)
    const meanBps = RateTrace.capacityBps(trace, 0, trace.lengthMs)
    assert.isAbove(meanBps, 1_500_000)
    assert.isBelow(meanBps, 8_000_000)
    const rates = Array.from({ length: 60 }, (_, s) => RateTrace.capacityBps(trace, s * 1000, s * 1000 + 1000))
    assert.isAbove(Math.max(...rates), 1.5 * Math.min(...rates))
    assert.deepStrictEqual(GeneratedTrace.generate(GeneratedTrace.lte, "1", "cell"), trace)
    assert.notDeepEqual(GeneratedTrace.generate(GeneratedTrace.lte, "2", "cell"), trace)
  })
})
