import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as ProbeControl from "../../../src/media/bandwidth/ProbeControl.ts"

const { Limit } = ProbeControl
const options = { startBps: 300_000, minBps: 30_000, maxBps: 10_000_000 }

/** Rates of all probes that are to be sent now. */
const probes = (self: ProbeControl.ProbeControl, nowMs: number): Array<number> => {
  const rates: Array<number> = []
  while (ProbeControl.poll(self, nowMs)) rates.push(Math.round(self.probeBps))
  return rates
}

/** After the probes of the start, which have shown less than is worth another. */
const started = (rateBps = 1_000_000) => {
  const self = ProbeControl.make(options)
  probes(self, 0)
  ProbeControl.handleResult(self, 1_000_000, 10)
  ProbeControl.setEstimate(self, rateBps, 10)
  assert.deepStrictEqual(probes(self, ProbeControl.answerMsMax), [])
  return self
}

describe("ProbeControl", () => {
  it("begins with 3 and 6 times the start rate, 30 ms and five packets each", () => {
    const self = ProbeControl.make(options)
    assert.strictEqual(ProbeControl.nextDeadlineMs(self), -Infinity)
    assert.isTrue(ProbeControl.poll(self, 0))
    assert.deepStrictEqual([self.probeBps, self.probeId, self.packetsMin, self.bytesMin], [900_000, 1, 5, 3375])
    assert.isTrue(ProbeControl.poll(self, 0))
    assert.deepStrictEqual([self.probeBps, self.probeId, self.packetsMin, self.bytesMin], [1_800_000, 2, 5, 6750])
    assert.isFalse(ProbeControl.poll(self, 0))
  })

  it("begins once more when nothing has been shown after 400 ms", () => {
    const self = ProbeControl.make(options)
    probes(self, 0)
    ProbeControl.setEstimate(self, 330_000, 399)
    assert.deepStrictEqual(probes(self, 399), [])
    assert.strictEqual(ProbeControl.nextDeadlineMs(self), 400)
    assert.deepStrictEqual(probes(self, 400), [900_000, 1_800_000])
    assert.strictEqual(ProbeControl.nextDeadlineMs(self), 400 + ProbeControl.answerMsMax)
    assert.deepStrictEqual(probes(self, 400 + ProbeControl.answerMsMax), [])
    assert.strictEqual(ProbeControl.nextDeadlineMs(self), Infinity)
    // Also where the second was the fastest that there may be.
    const trunk = ProbeControl.make({ startBps: 20e6, minBps: 1e6, maxBps: 100e6 })
    assert.deepStrictEqual(probes(trunk, 0), [60e6, 100e6])
    assert.deepStrictEqual(probes(trunk, 400), [60e6, 100e6])
    const congested = ProbeControl.make(options)
    probes(congested, 0)
    ProbeControl.setLimit(congested, Limit.Congestion, 300)
    assert.deepStrictEqual(probes(congested, 400), [])
    ProbeControl.setLimit(congested, Limit.None, 500)
    assert.deepStrictEqual(probes(congested, 900), [])
  })

  it("goes on with twice the result while that reaches 0.7 of what was probed, up to the largest rate", () => {
    const self = ProbeControl.make(options)
    probes(self, 0)
    ProbeControl.handleResult(self, 900_000, 50)
    assert.deepStrictEqual(probes(self, 50), [], "of the first of two probes")
    ProbeControl.handleResult(self, 1_259_999, 60)
    assert.deepStrictEqual(probes(self, 60), [])
    ProbeControl.handleResult(self, 1_260_000, 70)
    assert.deepStrictEqual(probes(self, 70), [2_520_000])
    assert.strictEqual(self.bytesMin, (2_520_000 * ProbeControl.furtherMs) / 8000)
    ProbeControl.handleResult(self, 2_500_000, 140)
    assert.deepStrictEqual(probes(self, 140), [5_000_000])
    ProbeControl.handleResult(self, 5_000_000, 200)
    assert.deepStrictEqual(probes(self, 200), [10_000_000])
    ProbeControl.handleResult(self, 10_000_000, 300)
    assert.deepStrictEqual(probes(self, 300), [])
    assert.strictEqual(ProbeControl.nextDeadlineMs(self), Infinity)
  })

  it("a result that comes after a second is too late, and a probe that was not sent for 5 s is dropped", () => {
    const self = ProbeControl.make(options)
    assert.isTrue(ProbeControl.poll(self, 0))
    ProbeControl.handleResult(self, 100_000, 100)
    assert.isFalse(ProbeControl.poll(self, ProbeControl.plannedMsMax))
    ProbeControl.handleResult(self, 1_800_000, ProbeControl.plannedMsMax)
    assert.deepStrictEqual(probes(self, ProbeControl.plannedMsMax), [])
  })

  it("while the sender wants more, half a megabit above the estimate every 1.5 s", () => {
    const self = started()
    ProbeControl.setPeriodic(self, true, 2000)
    assert.strictEqual(ProbeControl.nextDeadlineMs(self), 3500)
    assert.deepStrictEqual(probes(self, 3499), [])
    assert.deepStrictEqual(probes(self, 3500), [1_500_000])
    assert.deepStrictEqual(probes(self, 4500), [])
    assert.strictEqual(ProbeControl.nextDeadlineMs(self), 5000)
    assert.deepStrictEqual(probes(self, 5000), [1_500_000])
    ProbeControl.setPeriodic(self, false, 5500)
    probes(self, 6000)
    assert.strictEqual(ProbeControl.nextDeadlineMs(self), Infinity)
  })

  it("but not within 3 s of congestion", () => {
    const self = started()
    ProbeControl.setPeriodic(self, true, 2000)
    ProbeControl.setLimit(self, Limit.Congestion, 3000)
    ProbeControl.setLimit(self, Limit.None, 3100)
    assert.strictEqual(ProbeControl.nextDeadlineMs(self), 6000)
    assert.deepStrictEqual(probes(self, 5999), [])
    assert.deepStrictEqual(probes(self, 6000), [1_500_000])
  })

  it("after a large drop, 0.85 of what was before, once in 5 s, if the sender has had too little to send", () => {
    for (const isLimited of [true, false]) {
      const self = started()
      if (isLimited) {
        ProbeControl.setPeriodic(self, true, 3000)
        ProbeControl.setPeriodic(self, false, 4000)
      }
      ProbeControl.setEstimate(self, 500_000, 5000)
      ProbeControl.requestAfterDrop(self, 6000)
      assert.deepStrictEqual(probes(self, 6000), isLimited ? [850_000] : [])
      ProbeControl.setEstimate(self, 200_000, 6100)
      ProbeControl.requestAfterDrop(self, 6200)
      assert.deepStrictEqual(probes(self, 6200), [], "again too soon")
    }
  })

  it("after a drop to a tenth no more than 6 times of what is left", () => {
    const self = started()
    ProbeControl.setPeriodic(self, true, 3000)
    ProbeControl.setEstimate(self, 100_000, 3100)
    ProbeControl.requestAfterDrop(self, 3200)
    assert.deepStrictEqual(probes(self, 3200), [600_000])
  })

  it("no drop is remembered for more than 5 s, and a small one not at all", () => {
    for (const [rateBps, atMs] of [
      [500_000, 10_000],
      [700_000, 6000]
    ] as const) {
      const self = started()
      ProbeControl.setPeriodic(self, true, 4900)
      ProbeControl.setEstimate(self, rateBps, 5000 - 1)
      ProbeControl.requestAfterDrop(self, atMs)
      assert.strictEqual(self.plannedBps, 0)
    }
  })

  it("sends none while the path is congested, and short ones while it recovers from losses", () => {
    const self = started()
    ProbeControl.setPeriodic(self, true, 0)
    ProbeControl.setLimit(self, Limit.Congestion, 16_000)
    assert.deepStrictEqual(probes(self, 20_000), [])
    assert.strictEqual(ProbeControl.nextDeadlineMs(self), Infinity)
    ProbeControl.setLimit(self, Limit.LossRecovering, 20_000)
    ProbeControl.setEstimate(self, 600_000, 20_000)
    assert.deepStrictEqual(probes(self, 20_000), [900_000])
  })

  it("of somebody busy sends those of the start alone, and makes up for nothing", () => {
    const busyProbes = (self: ProbeControl.ProbeControl, nowMs: number): Array<number> => {
      const rates: Array<number> = []
      while (ProbeControl.poll(self, nowMs, true)) rates.push(Math.round(self.probeBps))
      return rates
    }
    const self = ProbeControl.make(options)
    assert.deepStrictEqual(busyProbes(self, 0), [900_000, 1_800_000])
    assert.deepStrictEqual(busyProbes(self, ProbeControl.startAgainMs), [900_000, 1_800_000])
    ProbeControl.handleResult(self, 1_800_000, 500)
    assert.deepStrictEqual(busyProbes(self, 500), [], "nothing goes on from the result")
    ProbeControl.setEstimate(self, 1_800_000, 500)
    ProbeControl.setPeriodic(self, true, 500)
    const every = ProbeControl.periodicEveryMs
    for (let nowMs = 500; nowMs < 500 + 2.6 * every; nowMs += 100) {
      assert.deepStrictEqual(busyProbes(self, nowMs), [])
      assert.isAbove(ProbeControl.nextDeadlineMs(self), nowMs)
    }
    // Others have other times: not all begin at once when there is room again.
    assert.deepStrictEqual(probes(self, 499 + 3 * every), [])
    assert.deepStrictEqual(probes(self, 500 + 3 * every), [2_300_000])
  })

  it("has nothing to find out at the largest rate", () => {
    const self = started(options.maxBps)
    ProbeControl.setPeriodic(self, true, 0)
    assert.deepStrictEqual(probes(self, 60_000), [])
    assert.strictEqual(ProbeControl.nextDeadlineMs(self), Infinity)
  })

  it("a clock that is set back keeps nobody waiting", () => {
    const self = started()
    ProbeControl.setPeriodic(self, true, 1e9)
    ProbeControl.setLimit(self, Limit.Congestion, 1e9)
    ProbeControl.setLimit(self, Limit.None, 1e9)
    assert.deepStrictEqual(probes(self, 2000), [])
    assert.deepStrictEqual(probes(self, 5000), [1_500_000])
  })

  const Rate = Schema.Union([Schema.Literals([-1, 0, 1, 30_000, 3e5, 1e6, 5e6, 1e7, 1e300]), Schema.Number])
  const Step = Schema.Struct({
    stepMs: Schema.Literals([0, 1, 100, 1000, 5000, 1e9, -1, -5000, -1e9]),
    rateBps: Rate,
    resultBps: Rate,
    limit: Schema.Literals([0, 1, 2]),
    isLimited: Schema.Boolean,
    afterDrop: Schema.Boolean
  })
  it.prop(
    "every probe is within the bounds, there are at most two at a time, and the deadline leads on",
    [Schema.Array(Step)],
    ([steps]) => {
      const self = ProbeControl.make(options)
      let nowMs = 0
      for (const { afterDrop, isLimited, limit, rateBps, resultBps, stepMs } of steps) {
        nowMs += stepMs
        ProbeControl.setEstimate(self, rateBps, nowMs)
        ProbeControl.setLimit(self, limit, nowMs)
        ProbeControl.setPeriodic(self, isLimited, nowMs)
        if (afterDrop) ProbeControl.requestAfterDrop(self, nowMs)
        ProbeControl.handleResult(self, resultBps, nowMs)
        for (let sent = 0; ProbeControl.poll(self, nowMs); sent++) {
          assert.isBelow(sent, 2)
          assert.isTrue(self.probeBps >= options.minBps && self.probeBps <= options.maxBps, `${self.probeBps}`)
          assert.isTrue(self.bytesMin > 0 && self.bytesMin <= 75_000 && self.probeId > 0)
        }
        assert.isAbove(ProbeControl.nextDeadlineMs(self), nowMs)
      }
    },
    { arbitrary: { size: 80 } }
  )

  it("whoever answers every probe with the best of results gets few of them", () => {
    const self = ProbeControl.make(options)
    ProbeControl.setPeriodic(self, true, 0)
    let sent = 0
    for (let atMs = 0; atMs < 60_000; atMs += 5) {
      for (; ProbeControl.poll(self, atMs); sent++);
      ProbeControl.handleResult(self, Infinity, atMs)
    }
    // Two at the start and the one that follows, then those of every 1.5 s and what follows upon each.
    assert.isAtMost(sent, 3 + 2 * 40)
  })
})
