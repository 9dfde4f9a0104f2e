import { assert, describe, it } from "@effect/vitest"
import { ParticipantId } from "../../src/protocol/Ids.ts"
import type { FrameRecord } from "../../src/client/tracks/FrameLog.ts"
import * as DemoReport from "../../src/demo/DemoReport.ts"

const record = (timestamp: number, atMs: number, digest = `d${timestamp}`): FrameRecord => ({
  event: "sent",
  participant: ParticipantId.make("ada"),
  ssrc: 1,
  kind: "audio",
  timestamp,
  digest,
  atMs
})

const evidence: DemoReport.StreamEvidence = {
  from: "ada",
  to: "lin",
  kind: "audio",
  sent: [record(0, 0), record(1, 20), record(2, 40), record(3, 60)],
  received: [],
  packetsSent: 100,
  packetsReceived: 98,
  repairedUpstream: 4,
  repairedDownstream: 3,
  delayMs: 40,
  playoutDelayMs: 1000,
  stalls: []
}

describe("DemoReport", () => {
  it("counts a frame as identical when it is the same, and came within 300 ms", () => {
    const received = [record(0, 50), record(1, 320), record(2, 341), record(3, 100, "other")]
    const row = DemoReport.streamReport({ ...evidence, received })
    assert.strictEqual(row.framesReceived, 4)
    assert.strictEqual(row.framesIdentical, 2)
    assert.strictEqual(row.framesAltered, 1)
    assert.deepStrictEqual(row.lateMs, { p50: 10, p99: 261 })
  })

  it("counts what was late or missing only for what the machine stood still as held up, and as nothing else", () => {
    const stalls = [
      { fromMs: 100, untilMs: 200, stalledMs: 60, catchUpMs: 0 },
      { fromMs: 200, untilMs: 1000, stalledMs: 600, catchUpMs: 50 }
    ]
    const received = [record(0, 360), record(1, 1031), record(2, 1050, "other")]
    const { framesAltered, framesHeldUp, framesHeldUpMissing, framesIdentical } = DemoReport.streamReport({
      ...evidence,
      received,
      stalls
    })
    // 1011 - 710 ms is one too late; what is missing has been waited for for 1000; what is altered has no excuse.
    assert.deepStrictEqual(
      { framesAltered, framesHeldUp, framesHeldUpMissing, framesIdentical },
      { framesAltered: 1, framesHeldUp: 2, framesHeldUpMissing: 1, framesIdentical: 0 }
    )
    const piledUp = (fromMs: number) =>
      DemoReport.streamReport({
        ...evidence,
        sent: [record(4, 400)],
        received: [record(4, 740)],
        stalls: [{ fromMs, untilMs: fromMs + 50, stalledMs: 50, catchUpMs: 0 }]
      }).framesHeldUp
    // What had piled up before it was sent went first, unless that was long ago.
    assert.deepStrictEqual([piledUp(60), piledUp(40)], [1, 0])
    const inTime = DemoReport.streamReport({ ...evidence, received: [record(0, 50)], stalls: [] })
    assert.deepStrictEqual([inTime.framesIdentical, inTime.framesHeldUp], [1, 0])
  })

  it("counts what was lost at first: what was repaired, and what never came", () => {
    const row = DemoReport.streamReport(evidence)
    assert.strictEqual(row.packetsRepaired, 7)
    assert.strictEqual(row.packetsLost, 9)
    assert.strictEqual(row.framesReceived, 0)
    assert.deepStrictEqual(row.lateMs, { p50: 0, p99: 0 })
  })

  it("a stream of which nothing arrived is a row of zeros, all of it lost", () => {
    const row = DemoReport.streamReport({
      ...evidence,
      packetsReceived: 0,
      repairedUpstream: 0,
      repairedDownstream: 0
    })
    assert.deepStrictEqual([row.framesSent, row.framesReceived, row.framesIdentical, row.framesAltered], [4, 0, 0, 0])
    assert.deepStrictEqual([row.packetsSent, row.packetsLost, row.packetsRepaired], [100, 100, 0])
  })
})
