import { assert, describe, it } from "@effect/vitest"
import * as Row from "./Row.ts"

describe("Row", () => {
  const median: Row.Limit = { of: "median", max: 12 }
  const ratio: Row.Limit = { of: "ratio", max: 1.3 }

  it("without a promise there is no failure", () => {
    assert.isUndefined(Row.failureOf(Row.rowOf("memory", "KB", [1000])))
  })

  it("holds the median to its limit, not the worst round", () => {
    assert.isUndefined(Row.failureOf(Row.rowOf("memory", "KB", [1, 12, 99], { limit: median })))
    assert.match(
      Row.failureOf(Row.rowOf("memory", "KB", [1, 12.5, 99], { limit: median })) ?? "",
      /12.500 KB is more than 12/
    )
  })

  it("holds the ratio to its limit, whatever the figure itself is", () => {
    const at = (times: number) =>
      Row.rowOf("pair", "us", [500], { relay: "r", limit: ratio, ratio: { median: times, min: 0, max: 9 } })
    assert.isUndefined(Row.failureOf(at(1.3)))
    assert.match(Row.failureOf(at(1.31)) ?? "", /pair, r: 1.31 times the reference is more than 1.3/)
  })

  it("what was not measured does not hold", () => {
    assert.match(Row.failureOf(Row.rowOf("pair", "us", [1], { limit: ratio })) ?? "", /nothing to compare/)
    const invalid = Row.rowOf("memory", "KB", [1], { limit: median, invalid: "3.0 % of the packets were lost" })
    assert.match(Row.failureOf(invalid) ?? "", /not measured, 3.0 %/)
  })
})
