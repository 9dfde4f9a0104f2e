import { assert, describe, it } from "@effect/vitest"
import type { ChaosEvent } from "./ChaosEvent.ts"
import * as Report from "./Report.ts"
import type { Round } from "./Round.ts"
import * as Row from "./Row.ts"

const event = (limits: ChaosEvent["limits"]): ChaosEvent => ({
  name: "some-event",
  setting: "cluster",
  limits,
  watchMs: 0,
  strike: () => Promise.reject(new Error("it is not struck here")),
  repair: () => Promise.resolve()
})

const round: Round = {
  callsBefore: 60,
  callsLost: 0,
  membersLost: 0,
  gapsMs: { affected: [400, 300, 100], bystander: [25], untouched: [24, 31] },
  gapMsMaxOfAll: 400,
  baselineGapsMs: [22, 23, 24],
  untouchedP999Ms: 31,
  baselineP999Ms: 30,
  repeated: 0,
  strangers: 0,
  movesMax: 1,
  movesFalse: 0,
  movesFalseMax: 0,
  cpuShare: 0.401,
  blow: { sinceMs: 0, classOf: () => "untouched", note: "as it should be" }
}

const brokenBy = (limits: ChaosEvent["limits"], changes: Partial<Round>) =>
  Row.make(event(limits), [round, { ...round, ...changes }]).broken

describe("Row", () => {
  it("puts rounds together", () => {
    const second: Round = { ...round, gapsMs: { ...round.gapsMs, affected: [640.04] }, callsLost: 1, membersLost: 2 }
    const row = Row.make(event({}), [round, second])
    assert.deepStrictEqual(row.gapMs, { p50: 300, p95: 640, max: 640 })
    assert.deepStrictEqual(row.baselineGapMs, { p50: 23, p95: 24, max: 24 })
    assert.deepInclude(row, { event: "some-event", rounds: 2, callsBefore: 120, callsLost: 1, membersLost: 2 })
    assert.deepInclude(row, { untouchedGapMsMax: 31, note: "as it should be", cpuShare: 0.4 })
    assert.isFalse("timesMs" in row)
  })

  it("breaks no promise when all is well", () => {
    assert.deepStrictEqual(brokenBy({ gapP95Ms: 400, gapMaxMs: 400, movesFalseMax: 0, movesMax: 1 }, {}), [])
  })

  it("a lost call, a lost member, a repeated packet or a stranger's is a broken promise of every event", () => {
    for (const changes of [{ callsLost: 1 }, { membersLost: 1 }, { repeated: 1 }, { strangers: 1 }]) {
      assert.strictEqual(brokenBy({}, changes).length, 1)
    }
  })

  it("each limit is held", () => {
    const gaps = (gap: number): Partial<Round> => ({ gapsMs: { ...round.gapsMs, affected: [gap, gap, gap] } })
    assert.deepStrictEqual(brokenBy({ gapP95Ms: 700 }, gaps(701)), ["gap p95, ms, is 701, more than 700"])
    assert.deepStrictEqual(brokenBy({ gapMaxMs: 1500 }, gaps(1501)), ["gap max, ms, is 1501, more than 1500"])
    assert.deepStrictEqual(brokenBy({ gapP95MsAboveBaseline: 400 }, gaps(425)), ["gap p95, ms, is 425, more than 424"])
    assert.strictEqual(brokenBy({ movesFalseMax: 1 }, { movesFalseMax: 2 }).length, 1)
    assert.strictEqual(brokenBy({ movesMax: 0 }, {}).length, 1)
    assert.strictEqual(brokenBy({ timeP95Ms: 1000 }, { blow: { ...round.blow, timesMs: [1001] } }).length, 1)
    assert.deepStrictEqual(brokenBy({}, { blow: { ...round.blow, broken: ["no"] } }), ["no"])
  })

  it("who has nothing to do with it has nothing of it, unless there is nobody", () => {
    const untouched: Partial<Round> = { gapsMs: { ...round.gapsMs, untouched: [121] } }
    assert.strictEqual(brokenBy({}, untouched).length, 1)
    assert.strictEqual(brokenBy({}, { untouchedP999Ms: 51 }).length, 1)
    assert.strictEqual(brokenBy({}, { gapsMs: { ...round.gapsMs, bystander: [1501] } }).length, 1)
    assert.deepStrictEqual(brokenBy({ nobodyUntouched: true }, untouched), [])
  })

  it("the report names the events whose promises do not hold, and those that were not measured", () => {
    const report: Report.Report = {
      seed: 7,
      store: "sqlite",
      calls: 60,
      events: [Row.make(event({}), [{ ...round, callsLost: 3 }])],
      notMeasured: [{ event: "partition", because: "not root" }]
    }
    assert.deepStrictEqual(Report.failuresOf(report), ["some-event: calls lost is 3, more than 0"])
    const lines = Report.format(report)
    assert.isTrue(lines.some((line) => /^some-event +1 +60 +3 +300 +400 +400 +24 +31 +0$/.test(line)))
    assert.strictEqual(lines.at(-1), "partition: not measured, not root")
  })
})
