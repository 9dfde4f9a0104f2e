import { assert, describe, it } from "@effect/vitest"
import * as GilbertElliott from "../../src/simulation/GilbertElliott.ts"
import * as LossProcess from "../../src/simulation/LossProcess.ts"

const lossRatio = (process: LossProcess.LossProcess, untilMs: number, everyMs: number): number => {
  let lost = 0
  let packets = 0
  for (let timeMs = 0; timeMs < untilMs; timeMs += everyMs, packets++) {
    if (LossProcess.isLost(process, timeMs)) lost++
  }
  return lost / packets
}

describe("LossProcess", () => {
  it("has bursts that do not depend on how often it is asked", () => {
    const often = GilbertElliott.make(LossProcess.named.bursts120, "seed", "a-up")
    const seldom = GilbertElliott.make(LossProcess.named.bursts120, "seed", "a-up")
    for (let timeMs = 0; timeMs < 120_000; timeMs++) {
      GilbertElliott.isLost(often, timeMs)
      if (timeMs % 250 !== 0) continue
      GilbertElliott.isLost(seldom, timeMs)
      assert.deepStrictEqual([seldom.isBad, seldom.untilMs], [often.isBad, often.untilMs])
    }
  })

  it("loses what its name says, on average", () => {
    const hourMs = 3_600_000
    const ratioOf = (name: keyof typeof LossProcess.named) =>
      lossRatio(LossProcess.make(LossProcess.named[name], "ratios", "link"), hourMs, 10)
    assert.closeTo(ratioOf("random2"), 0.02, 0.001)
    assert.closeTo(ratioOf("bursts120"), (0.7 * 120) / 6000, 0.002)
    assert.closeTo(ratioOf("outages300"), (0.95 * 300) / 15_000, 0.003)
  })

  it("is bad for exactly so long where that is fixed", () => {
    const process = GilbertElliott.make(LossProcess.named.outages300, "fixed", "link")
    let badMs = 0
    for (let timeMs = 0; timeMs < 600_000; timeMs++) {
      GilbertElliott.isLost(process, timeMs)
      if (process.isBad) badMs++
      else {
        if (badMs > 0) assert.closeTo(badMs, 300, 1)
        badMs = 0
      }
    }
  })

  it("has outages by the clock, once or again and again", () => {
    const outage = { kind: "outages", firstAtMs: 1000, lengthMs: 100, lossRatio: 1 } as const
    const once = LossProcess.make({ ...outage, everyMs: Infinity }, "1", "link")
    const often = LossProcess.make({ ...outage, everyMs: 500 }, "1", "link")
    const lostAt = (process: LossProcess.LossProcess) =>
      [0, 999, 1000, 1099, 1100, 1500, 1600, 2000].filter((timeMs) => LossProcess.isLost(process, timeMs))
    assert.deepStrictEqual(lostAt(once), [1000, 1099])
    assert.deepStrictEqual(lostAt(often), [1000, 1099, 1500, 2000])
  })
})
