import { assert, describe, it } from "@effect/vitest"
import * as GroupsRun from "../../src/simulation/groups/GroupsRun.ts"

const seeds = ["1", "2", "3"]

describe("groups in the laboratory", () => {
  it("first words are heard with onsets, and cut without", () => {
    const withOnsets = GroupsRun.runScenario(GroupsRun.scenarioOf(8, 1), seeds, 30_000)
    const without = GroupsRun.runScenario(GroupsRun.scenarioOf(8, 1, false), seeds, 30_000)
    assert.isAbove(withOnsets.turns, 12)
    assert.isAtMost(withOnsets.firstWordsCutMs.p95, 40)
    assert.isAtLeast(without.firstWordsCutMs.p95, 250)
  })

  it("of 20 on three relays nobody gets a quarter of everything, and nothing is cut on the way", () => {
    const report = GroupsRun.runScenario(GroupsRun.scenarioOf(20, 3), seeds.slice(0, 1), 20_000)
    assert.isAtMost(report.firstWordsCutMs.p95, 40)
    assert.isBelow(report.downlinkShare, 0.25)
  })

  it("is the same for the same seed", () => {
    const report = () => GroupsRun.runScenario(GroupsRun.scenarioOf(6, 2), ["7"], 10_000)
    assert.deepStrictEqual(report(), report())
  })
})
