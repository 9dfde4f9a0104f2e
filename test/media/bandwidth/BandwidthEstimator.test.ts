import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as BandwidthEstimator from "../../../src/media/bandwidth/BandwidthEstimator.ts"
import * as DepartureRecorder from "../../../src/media/DepartureRecorder.ts"
import * as LegKind from "../../../src/media/LegKind.ts"
import * as Feedback from "../../../src/protocol/Feedback.ts"

const options = { ...LegKind.device.bandwidth, maxBps: 10_000_000 }
const packetBytes = 1000
const ticksPerMs = Feedback.ticksPerMs

/** Sends a packet every `everyMs`, all of which arrive 20 ms later; a report every 100 ms. */
const scene = () => {
  const departures = DepartureRecorder.make()
  const estimator = BandwidthEstimator.make(LegKind.device, 0, options)
  const report = Feedback.make()
  const state = { nowMs: 1000, nextHop: 0 }
  const send = (everyMs: number, count: number) => {
    for (let n = 0; n < count; n++) {
      state.nowMs += everyMs
      DepartureRecorder.handleFrame(departures, state.nextHop++, packetBytes, state.nowMs)
      BandwidthEstimator.handleSent(estimator, packetBytes)
    }
  }
  /** Of `count` numbers from `base` on; `arrival` in milliseconds of the receiver, or undefined. */
  const tell = (base: number, count: number, arrivalMs: (i: number) => number | undefined) => {
    report.baseHopSequence = base & 0xffff
    report.arrivalCount = count
    let reference: number | undefined
    for (let i = 0; i < count; i++) {
      const ms = arrivalMs(i)
      if (ms === undefined) {
        report.arrivalTicks[i] = Feedback.notReceived
        continue
      }
      reference ??= Math.round(ms * ticksPerMs)
      report.arrivalTicks[i] = Math.round(ms * ticksPerMs) - reference
    }
    report.referenceTicks = (reference ?? 0) >>> 0
    BandwidthEstimator.handleReport(estimator, departures, report, 40, state.nowMs)
  }
  const tellAll = (everyMs: number, count: number) => {
    const base = state.nextHop - count
    tell(base, count, (i) => state.nowMs - (count - 1 - i) * everyMs + 20)
  }
  return { departures, estimator, state, send, tell, tellAll }
}

describe("BandwidthEstimator", () => {
  it("comes up to what is carried without delay", () => {
    const { estimator, send, tellAll } = scene()
    // 4 Mbps, far above what is assumed at first.
    for (let report = 0; report < 30; report++) {
      send(2, 50)
      tellAll(2, 50)
    }
    assert.isAtLeast(estimator.targetBps, 3_500_000)
  })

  it("does not take a queue that empties for what the path carries", () => {
    const { estimator, send, state, tell, tellAll } = scene()
    for (let report = 0; report < 30; report++) {
      send(10, 10)
      tellAll(10, 10)
    }
    const before = estimator.targetBps
    // 0.8 Mbps are sent; what had waited arrives at ten times the rate.
    for (let report = 0; report < 5; report++) {
      send(10, 10)
      tell(state.nextHop - 10, 10, (i) => state.nowMs + 20 + i)
    }
    assert.isAtMost(estimator.targetBps, 1.2 * before)
  })

  it("believes nothing of what was never sent, and nothing twice", () => {
    const { estimator, send, state, tell, tellAll } = scene()
    send(10, 10)
    tellAll(10, 10)
    const { nextReported, targetBps } = estimator
    // Far ahead of all that was sent.
    tell(5000, 200, (i) => state.nowMs + i / 10)
    // What has been told already, now much faster.
    for (let n = 0; n < 50; n++) tell(0, 10, (i) => state.nowMs + 100 + i / 10)
    assert.strictEqual(estimator.nextReported, nextReported)
    assert.strictEqual(estimator.targetBps, targetBps)
  })

  it.prop(
    "stays within its bounds, whatever a receiver says",
    [
      Schema.Array(
        Schema.Struct({
          sent: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 40 })),
          base: Schema.Int.check(Schema.isBetween({ minimum: -50, maximum: 50 })),
          arrivals: Schema.Array(
            Schema.UndefinedOr(Schema.Int.check(Schema.isBetween({ minimum: -100_000, maximum: 100_000 })))
          ).check(Schema.isMaxLength(60))
        })
      ).check(Schema.isMaxLength(40))
    ],
    ([steps]) => {
      const { estimator, send, state, tell } = scene()
      for (const { arrivals, base, sent } of steps) {
        send(3, sent)
        tell(state.nextHop + base, arrivals.length, (i) => arrivals[i])
        assert.isAtLeast(estimator.targetBps, options.minBps)
        assert.isAtMost(estimator.targetBps, options.maxBps)
      }
    }
  )
})
