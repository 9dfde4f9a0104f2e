import { assert, describe, it } from "@effect/vitest"
import * as Protection from "../../src/media/Protection.ts"
import * as ReportedLoss from "../../src/media/ReportedLoss.ts"
import * as HopFrame from "../../src/protocol/HopFrame.ts"
import * as PacedLeg from "./PacedLeg.ts"

interface Options {
  readonly fps?: number
  readonly sizeBytes?: number
  readonly roundTripMs?: number
  /** Share of the packets that were resent too late. */
  readonly late?: number
  /** Share of the packets that reports have told of, and the rate at which they have arrived by these. */
  readonly told?: number
  readonly arrivedBps?: number
  /** From then on repair packets are withheld. */
  readonly withheldFromMs?: number
  /** For so long nothing was sent nor told before the last report. */
  readonly pauseMs?: number
}

/** A leg that sends voice and video for so long. Its receiver reports every 100 ms that a tenth was lost. */
const flow = (forMs: number, options: Options) => {
  const { arrivedBps = NaN, fps = 25, late = 0, pauseMs = 0, roundTripMs = 40, sizeBytes = 1000, told = 1 } = options
  const { withheldFromMs = Infinity } = options
  const paced = PacedLeg.make(10_000_000)
  const loss = { ...ReportedLoss.make(), packets: 10, reportedLossRatio: 0.1, meanBurst: 1 }
  const { leg, state } = paced
  let toldBefore = 0
  let lateSum = 0
  for (let number = 0; state.nowMs < forMs; number++) {
    if (state.nowMs === forMs - pauseMs) paced.pass(pauseMs)
    if (number % 4 === 0) paced.send("audio", number, 100)
    if (number % Math.round(200 / fps) === 0) paced.send("video", number, sizeBytes, HopFrame.endOfFrameFlag)
    lateSum += (late * (50 + fps)) / 200
    leg.packetsResentLate = Math.floor(lateSum)
    if (number % 20 === 0) {
      if (arrivedBps > 0) {
        leg.rate!.estimator.acknowledged.rateBps = arrivedBps
        leg.rate!.estimator.targetBps = 100_000
      }
      loss.packets = Math.round(told * (leg.nextHop - toldBefore))
      toldBefore = leg.nextHop
      paced.resources.withheld.fec = state.nowMs >= withheldFromMs
      Protection.handleReport(leg, paced.resources, loss, roundTripMs, state.nowMs)
    }
    paced.pass(5)
  }
  return paced
}

describe("Protection", () => {
  it("on a leg of voice and 25 packets of video a second too, what comes too late is a reason", () => {
    assert.isUndefined(flow(5000, { late: 0.03 }).leg.protection!.encoder)
    assert.isDefined(flow(9000, { late: 0.03 }).leg.protection!.encoder)
    assert.isUndefined(flow(30_000, { late: 0.003 }).leg.protection!.encoder)
  })

  it("while repair packets are withheld it makes none, and sends resends for the second time still", () => {
    const { leg } = flow(12_000, { late: 0.03, withheldFromMs: 9000 })
    assert.isUndefined(leg.protection!.encoder)
    assert.isDefined(leg.protection!.seconds)
    assert.strictEqual(leg.repairsSent, flow(9100, { late: 0.03, withheldFromMs: 9000 }).leg.repairsSent)
    assert.isAbove(leg.repairsSent, 0)
  })

  it("counts what it sends as the estimate does: with all headers", () => {
    const { leg } = flow(10_000, { fps: 200, sizeBytes: 100 })
    const headersBytes = 28 + HopFrame.headerBytes
    assert.closeTo(leg.protection!.mediaBps, 250 * (100 + headersBytes) * 8, 1000)
  })

  it("what lost reports were about has arrived like the rest: that less is told is no sign of overload", () => {
    const path = { fps: 200, sizeBytes: 100, roundTripMs: 200, arrivedBps: 200_000 }
    assert.isUndefined(flow(10_000, path).leg.protection!.encoder)
    assert.isDefined(flow(10_000, { ...path, told: 0.7 }).leg.protection!.encoder)
    // A pause that makes all forgotten does not make the path carry anything.
    assert.isTrue(Number.isFinite(flow(40_000, { ...path, pauseMs: 25_000 }).leg.protection!.report.budgetShare))
  })
})
