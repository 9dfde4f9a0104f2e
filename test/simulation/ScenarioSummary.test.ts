import { assert, describe, it } from "@effect/vitest"
import * as Link from "../../src/simulation/Link.ts"
import type * as Scenario from "../../src/simulation/Scenario.ts"
import * as ScenarioReport from "../../src/simulation/ScenarioReport.ts"
import * as ScenarioSummary from "../../src/simulation/ScenarioSummary.ts"

const seconds = (...rates: ReadonlyArray<number>): ReadonlyArray<number> =>
  rates.flatMap((bps) => Array.from({ length: 10 }, () => bps))

const rate = {
  kind: "steps",
  steps: [
    { fromMs: 0, rateBps: 2000 },
    { fromMs: 10_000, rateBps: 1000 },
    { fromMs: 15_000, rateBps: 2000 }
  ]
} as const

const scenario: Scenario.Scenario = {
  name: "made",
  title: "",
  durationMs: 20_000,
  hop: "relay",
  bottlenecks: { forward: { rate, queueMs: 300 } },
  calls: [],
  tcp: []
}

const capacityBps = [
  ...seconds(...Array(10).fill(2000)),
  ...seconds(...Array(5).fill(1000)),
  ...seconds(...Array(5).fill(2000))
]

const flow = (name: string, rates: ReadonlyArray<number>, fromMs = 0): ScenarioReport.Flow => {
  const made = ScenarioReport.makeFlow("media", name, "forward", {
    videoMaxBps: 5000,
    presence: { fromMs, untilMs: Infinity }
  })
  made.sentBps.push(...seconds(...rates))
  made.receivedBps.push(...seconds(...rates))
  made.lostPackets.push(...seconds(...rates.map(() => 0)))
  return made
}

const summary = (...flows: ReadonlyArray<ScenarioReport.Flow>): ScenarioReport.BottleneckSummary => {
  const link = Link.make({ ...Link.perfect, rate }, "1", "link")
  for (let nowMs = 0; nowMs < 1000; nowMs += 10) Link.send(link, nowMs, 72)
  const queueMs = capacityBps.map(() => 0)
  return ScenarioSummary.ofBottleneck(scenario, link, { name: "forward", capacityBps, queueMs }, flows)
}

const steady = Array(10).fill(2000) as Array<number>

describe("ScenarioSummary", () => {
  it("says how long a sender takes to send less than a new capacity, and to get 85 % of it", () => {
    const { drops, rises, utilisation } = summary(
      flow("a", [...steady, 2000, 1500, 900, 900, 900, 1000, 1600, 1700, 1900, 2000])
    )
    assert.deepStrictEqual(drops, [{ atMs: 10_000, fromBps: 2000, toBps: 1000, afterMs: 2000 }])
    assert.deepStrictEqual(rises, [{ atMs: 15_000, fromBps: 1000, toBps: 2000, afterMs: 2000 }])
    assert.strictEqual(utilisation, 0.96)
  })

  it("says when it does not come to that before the next change", () => {
    const { drops, rises } = summary(flow("a", Array(20).fill(1100)))
    assert.deepStrictEqual([drops[0]!.afterMs, rises[0]!.afterMs], [null, null])
  })

  it("says how equal flows are, in the second half of the time in which all are there", () => {
    const equal = flow("a", Array(20).fill(500))
    assert.isNull(summary(equal).fairness)
    assert.strictEqual(summary(equal, flow("b", Array(20).fill(500))).fairness, 1)
    const late = flow("c", [...Array(10).fill(0), ...Array(5).fill(100), ...Array(5).fill(500)], 10_000)
    assert.strictEqual(summary(equal, late).fairness, 1)
    const starved = flow("d", Array(20).fill(0))
    assert.strictEqual(summary(equal, starved).fairness, 0.5)
    const flows = [equal, late]
    assert.strictEqual(ScenarioSummary.ofFlow(scenario, late, flows, undefined).share, 0.5)
    assert.strictEqual(ScenarioSummary.ofFlow(scenario, late, flows, undefined).receivedBps, 300)
  })

  it("counts what was dropped in front of a link that is full", () => {
    const { lossRatio, queueMsMax } = summary(flow("a", Array(20).fill(0)))
    // 100 bytes take 400 ms at 2 kbit/s: of ten packets in 100 ms one is taken at most.
    assert.isAbove(lossRatio, 0.9)
    assert.isAtMost(queueMsMax, 250 + 400)
  })
})
