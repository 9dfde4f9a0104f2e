import { assert, describe, it } from "@effect/vitest"
import type * as ScenarioReport from "../../src/simulation/ScenarioReport.ts"
import * as ScenarioRun from "../../src/simulation/ScenarioRun.ts"
import * as Scenarios from "../../src/simulation/Scenarios.ts"

const run = (name: string, seed: string, durationMs?: number): ScenarioReport.ScenarioReport => {
  const scenario = Scenarios.byName(name, seed)!
  return ScenarioRun.run({ ...scenario, durationMs: durationMs ?? scenario.durationMs }, seed)
}

describe("scenarios", () => {
  for (const { name } of Scenarios.titles) {
    it(`${name}: the same bytes for the same seed, and others for another`, () => {
      const report = run(name, "1", 6000)
      const text = JSON.stringify(report)
      assert.strictEqual(JSON.stringify(run(name, "1", 6000)), text)
      assert.notStrictEqual(JSON.stringify(run(name, "2", 6000)), text)
      assert.notInclude(text, "NaN")
      for (const { receivedBps, sentBps } of report.flows) {
        assert.deepStrictEqual([receivedBps.length, sentBps.length], [60, 60])
        assert.isTrue(receivedBps.every(Number.isFinite))
      }
      const [forward] = report.bottlenecks
      assert.isTrue(forward!.queueMs.every((queueMs) => queueMs < 700))
      assert.isAbove(report.summary.bottlenecks[0]!.utilisation, 0.2)
    })
  }

  it("there is none of another name", () => assert.isUndefined(Scenarios.byName("nope", "1")))

  it("carries no more than the links can", () => {
    const { bottlenecks, flows } = run("rfc8867-5.7", "1", 20_000)
    const received = flows.reduce((sum, { receivedBps }) => sum + receivedBps.reduce((a, b) => a + b, 0), 0)
    const capacity = bottlenecks[0]!.capacityBps.reduce((a, b) => a + b, 0)
    assert.isAtMost(received, capacity * 1.001)
    assert.isAbove(flows[2]!.receivedBps.filter((bps) => bps > 0).length, 20)
  })

  it("a pause is no freeze, and what is not sent meanwhile is not missed", () => {
    const scenario = Scenarios.byName("rfc8867-5.8", "1")!
    const [paused] = scenario.calls
    const pause = { fromMs: 4000, untilMs: 9000 }
    const forward = { ...paused!.forward, presence: { fromMs: 0, untilMs: Infinity, pause } }
    const calls = [{ ...paused!, forward }]
    const { flows, summary } = ScenarioRun.run({ ...scenario, durationMs: 14_000, calls }, "1")
    assert.strictEqual(summary.flows[0]!.freezes, 0)
    assert.isBelow(Math.max(...flows[0]!.sentBps.slice(45, 90)), 100_000)
    assert.isAbove(flows[0]!.sentBps[110]!, 200_000)
  })
})

/** The aims of docs/algorithms/laboratory.md. Who gets better figures narrows these bounds. */
describe("estimation", () => {
  it("standstills: takes nothing that a machine has held up for congestion", () => {
    for (const seed of ["1", "2", "3"]) {
      const [video] = run("standstills", seed).flows
      const estimates = video!.estimateBps!.slice(100).toSorted((a, b) => a - b)
      // The camera and the microphone send 0.7 Mbit/s.
      assert.isAtLeast(estimates[Math.floor(estimates.length * 0.05)]!, 1_000_000, `seed ${seed}`)
    }
  })

  it("steady: uses the link, and loses next to nothing", () => {
    const [forward] = run("steady", "1").summary.bottlenecks
    assert.isAtLeast(forward!.utilisation, 0.85)
    assert.isAtMost(forward!.queueMsP95, 100)
    assert.isAtMost(forward!.lossRatio, 0.001)
  })

  it("drop: sends less than the new capacity, and comes back", () => {
    const [forward] = run("drop", "1").summary.bottlenecks
    assert.isAtMost(forward!.drops[0]!.afterMs ?? Infinity, 1500)
    assert.isAtMost(forward!.rises[0]!.afterMs ?? Infinity, 10_000)
    assert.isAtLeast(forward!.utilisation, 0.85)
    assert.isAtMost(forward!.lossRatio, 0.01)
  })

  it("two flows share 60 to 40 or better, in each of five runs", () => {
    for (const seed of ["1", "2", "3", "4", "5"]) {
      for (const { share } of run("rfc8867-5.2", seed).summary.flows) assert.closeTo(share!, 0.5, 0.1, `seed ${seed}`)
    }
  })
})
