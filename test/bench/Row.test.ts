import { assert, describe, it } from "@effect/vitest"
import * as Figure from "./Figure.ts"
import * as Limit from "./Limit.ts"
import * as Row from "./Row.ts"

const row: Row.Row = {
  row: "pair",
  relay: "r",
  rounds: 3,
  cpuMicrosPerPacket: 4.2,
  packetsPerSecond: 200_000,
  lossRatio: 0,
  latencyMicros: { p50: 40, p99: 200 },
  ratioToC: 1.1,
  spread: { cpuMicrosPerPacket: { median: 4.2, min: 4, max: 4.5 }, "times C": { median: 1.1, min: 1, max: 1.3 } },
  details: { relayBusy: 0.95 },
  limits: []
}
const held = (...limits: ReadonlyArray<Limit.Limit>): ReadonlyArray<string> => Row.failuresOf({ ...row, limits })

describe("Row", () => {
  it("without a promise there is no failure", () => {
    assert.deepStrictEqual(held(), [])
  })

  it("a limit holds up to its value", () => {
    assert.deepStrictEqual(held(Limit.on("times C", 1.2, 1.2)), [])
    assert.deepStrictEqual(held(Limit.on("times C", 1.2, 1.21)), ["pair: r: times C is 1.21, more than 1.2"])
    assert.deepStrictEqual(held(Limit.on("times C", 1.2, 1.1), Limit.on("p50", 60, 61)), [
      "pair: r: p50 is 61, more than 60"
    ])
  })

  it("what was not measured does not hold, unless the machine lacks what it takes", () => {
    const unmeasured = { of: "times C", max: 1.2, because: "3.0 % of the packets were lost" }
    assert.match(held(unmeasured)[0] ?? "", /not measured, 3.0 %/)
    assert.deepStrictEqual(held({ ...unmeasured, excused: true }), [])
  })

  it("is shown with its spread, and with what it does not hold", () => {
    const shown = Row.format({ ...row, limits: [Limit.on("CPU, times C", 1, 1.1)] })
    assert.include(
      shown,
      "4.20 (4.00 to 4.50) us a packet; 1.10 (1.00 to 1.30) times C; 200.0 kpps; busy 0.95; loss 0;"
    )
    assert.include(shown, "CPU, times C: 1.1, at most 1, FAILS")
  })

  it("what there is nothing of says why", () => {
    const absent: Row.Row = { row: "pair", relay: "r", rounds: 0, limits: [], notMeasured: "it is not installed" }
    assert.match(Row.format(absent), /not measured: it is not installed/)
  })
})

describe("Figure", () => {
  it("holds the median to its limit, not the worst round", () => {
    const valueOf = (measured: ReadonlyArray<number>) => Figure.figureOf("memory", "KB", measured, 12).limits[0]!.value
    assert.strictEqual(valueOf([1, 12, 99]), 12)
    assert.deepStrictEqual(Figure.figureOf("memory", "KB", [1]).limits, [])
  })
})
