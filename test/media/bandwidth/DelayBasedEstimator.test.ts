import { assert, describe, it } from "@effect/vitest"
import * as DelayBasedEstimator from "../../../src/media/bandwidth/DelayBasedEstimator.ts"
import { Usage } from "../../../src/media/bandwidth/OveruseDetector.ts"
import * as LegPair from "../LegPair.ts"
import * as Bottleneck from "./Bottleneck.ts"
import { Steps } from "./Steps.ts"

const options = { startBps: 300_000, maxBps: 5_000_000 }
const input: DelayBasedEstimator.ReportInput = {
  acknowledgedBps: 300_000,
  probeBps: NaN,
  drainedBps: NaN,
  roundTripMs: 100,
  isApplicationLimited: false
}
const hourMs = 3_600_000

/** Clock of a receiver that was started at another time and runs 200 ppm too fast. */
const receiverClock = (nowMs: number): number => 500_000_000 + nowMs * 1.0002
const steady: Bottleneck.Path = { capacityBps: () => 1_000_000, queueMsMax: 1000, propagationMs: 25, receiverClock }

/** A packet every 20 ms whose delay grows by `growthMs` each, from `delayMs`; the time after the last. */
const send = (
  estimator: DelayBasedEstimator.DelayBasedEstimator,
  fromMs: number,
  packets: number,
  growthMs: number,
  delayMs = 0
): number => {
  for (let n = 0; n < packets; n++) {
    const sentAtMs = fromMs + n * 20
    const arrivedAtMs = sentAtMs + delayMs + n * growthMs
    DelayBasedEstimator.handlePacket(estimator, { sentAtMs, arrivedAtMs, bytes: 1000 }, sentAtMs + 50)
  }
  return fromMs + packets * 20
}

describe("DelayBasedEstimator", () => {
  it("uses a steady link after 20 s, and keeps its queue short", () => {
    const run = Bottleneck.run(steady, options, 60_000)
    // 120 kbps a second are 7 s from 300 kbps to 1 Mbps. Probes are there to be faster.
    assert.isAtLeast(Bottleneck.utilization(run, steady, 20_000, 60_000), 0.85)
    assert.isAtMost(Bottleneck.queueMsAt(run, 0.95, 0, 60_000), 50)
    assert.strictEqual(run.dropped, 0)
    assert.isTrue(run.moments.some(({ hasRecovered }) => hasRecovered))
  })

  it("also when every packet is held up by chance", () => {
    const draw = LegPair.dice(1)
    const run = Bottleneck.run({ ...steady, jitterMs: () => -10 * Math.log(1 - draw()) }, options, 60_000)
    assert.isAtLeast(Bottleneck.utilization(run, steady, 20_000, 60_000), 0.85)
    assert.isAtMost(Bottleneck.queueMsAt(run, 0.95, 0, 60_000), 100)
  })

  for (const queueMsMax of [500, 1000, 2000]) {
    it(`goes below a capacity that drops, within 1.5 s, with a queue of ${queueMsMax} ms`, () => {
      const capacityBps = (nowMs: number): number => (nowMs < 20_000 ? 2_500_000 : 600_000)
      const run = Bottleneck.run({ ...steady, capacityBps, queueMsMax }, { ...options, startBps: 2_000_000 }, 25_000)
      const below = run.moments.find(({ atMs, targetBps }) => atMs >= 20_000 && targetBps < 600_000)
      assert.isAtMost(below?.atMs ?? Infinity, 21_500)
    })
  }

  it("is not misled by a receiver's clock that is set", () => {
    for (const jumpMs of [hourMs, 10_000, -500, -10_000, -hourMs]) {
      // Wide enough that nothing waits until the end.
      const receiverClock = (nowMs: number): number => nowMs + (nowMs < 10_000 ? 0 : jumpMs)
      const path = { ...steady, capacityBps: () => 3_000_000, receiverClock }
      const { moments } = Bottleneck.run(path, options, 12_000)
      moments.forEach(({ targetBps, usage }, n) => {
        assert.notStrictEqual(usage, Usage.Overusing, `${jumpMs} ms`)
        assert.isAtLeast(targetBps, moments[n - 1]?.targetBps ?? 0, `${jumpMs} ms`)
      })
    }
  })

  it("nor by clocks that drift apart by 200 ppm for an hour", () => {
    for (const drift of [-0.0002, 0.0002]) {
      const estimator = DelayBasedEstimator.make(options)
      for (let sentAtMs = 0; sentAtMs < hourMs; sentAtMs += 20) {
        const arrivedAtMs = Math.round((1e6 + sentAtMs * (1 + drift)) * 4) / 4
        DelayBasedEstimator.handlePacket(estimator, { sentAtMs, arrivedAtMs, bytes: 1000 }, sentAtMs + 50)
        if (estimator.usage !== Usage.Normal) assert.fail(`at ${sentAtMs} ms`)
      }
    }
  })

  it("says once that it has recovered, when the queue of an overuse is empty", () => {
    const estimator = DelayBasedEstimator.make(options)
    const report = (nowMs: number): boolean => {
      DelayBasedEstimator.handleReport(estimator, input, nowMs)
      return estimator.hasRecovered
    }
    let nowMs = send(estimator, 0, 100, 0)
    assert.isFalse(report(nowMs))
    nowMs = send(estimator, nowMs, 60, 5)
    assert.strictEqual(estimator.usage, Usage.Overusing)
    assert.isFalse(report(nowMs))
    assert.isBelow(estimator.targetBps, 300_000)
    nowMs = send(estimator, nowMs, 60, -5, 300)
    assert.strictEqual(estimator.usage, Usage.Underusing)
    assert.isFalse(report(nowMs))
    nowMs = send(estimator, nowMs, 100, 0)
    assert.strictEqual(estimator.usage, Usage.Normal)
    assert.isTrue(report(nowMs))
    nowMs = send(estimator, nowMs, 10, 0)
    assert.isFalse(report(nowMs))
  })

  it("but not of a queue that others have filled", () => {
    const estimator = DelayBasedEstimator.make(options)
    let nowMs = send(estimator, 0, 60, -5, 300)
    assert.strictEqual(estimator.usage, Usage.Underusing)
    nowMs = send(estimator, nowMs, 100, 0)
    assert.strictEqual(estimator.usage, Usage.Normal)
    DelayBasedEstimator.handleReport(estimator, input, nowMs)
    assert.isFalse(estimator.hasRecovered)
  })

  it("halves the estimate for an overuse before it knows what arrives", () => {
    const estimator = DelayBasedEstimator.make(options)
    const nowMs = send(estimator, 0, 100, 5)
    DelayBasedEstimator.handleReport(estimator, { ...input, acknowledgedBps: NaN }, nowMs)
    assert.strictEqual(estimator.targetBps, 150_000)
  })

  it("takes a probe's result, unless the queue grows", () => {
    const estimator = DelayBasedEstimator.make(options)
    let nowMs = send(estimator, 0, 100, 0)
    DelayBasedEstimator.handleReport(estimator, { ...input, probeBps: 900_000 }, nowMs)
    assert.strictEqual(estimator.targetBps, 900_000)
    nowMs = send(estimator, nowMs, 100, 5)
    DelayBasedEstimator.handleReport(estimator, { ...input, probeBps: 2_000_000 }, nowMs)
    assert.isBelow(estimator.targetBps, 300_000)
  })

  it("a report without arrivals changes nothing; after 2 s without any, delays begin anew", () => {
    const estimator = DelayBasedEstimator.make(options)
    const nowMs = send(estimator, 0, 100, 5)
    DelayBasedEstimator.handleReport(estimator, input, nowMs)
    const { targetBps } = estimator
    DelayBasedEstimator.handleReport(estimator, { ...input, acknowledgedBps: 100_000 }, nowMs + 1000)
    assert.strictEqual(estimator.targetBps, targetBps)
    send(estimator, nowMs + 3000, 1, 0)
    assert.strictEqual(estimator.usage, Usage.Normal)
    assert.strictEqual(estimator.trendline.trendMs, 0)
    assert.strictEqual(estimator.targetBps, targetBps)
  })

  it.prop("whatever the clocks do, it stays within its bounds", [Steps], ([steps]) => {
    const estimator = DelayBasedEstimator.make(options)
    let [sentAtMs, arrivedAtMs, nowMs] = [0, 0, 0]
    // Several times, for the line needs twenty groups.
    for (const [sendMs, arriveMs, bytes, passMs] of [...steps, ...steps, ...steps]) {
      sentAtMs += sendMs
      arrivedAtMs += arriveMs
      nowMs += passMs
      DelayBasedEstimator.handlePacket(estimator, { sentAtMs, arrivedAtMs, bytes }, nowMs)
      DelayBasedEstimator.handleReport(
        estimator,
        { ...input, acknowledgedBps: bytes * 1000, roundTripMs: passMs },
        nowMs
      )
      const { detector, targetBps, trendline } = estimator
      assert.isTrue(targetBps >= 5000 && targetBps <= options.maxBps, `${targetBps}`)
      assert.isTrue(detector.thresholdMs >= 6 && detector.thresholdMs <= 600)
      for (const value of [trendline.slope, trendline.trendMs, trendline.delayMs, trendline.smoothedDelayMs]) {
        assert.isTrue(Number.isFinite(value))
      }
    }
  })
})
