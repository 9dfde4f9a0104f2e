import { assert, describe, it } from "@effect/vitest"
import { Arbitrary } from "effect"
import * as ReceptionStatistics from "../../../src/client/bridge/ReceptionStatistics.ts"
import type { ReportBlock } from "../../../src/protocol/RtcpReports.ts"
import { integer, sized } from "../Samples.ts"

const { Arrival } = ReceptionStatistics
const ssrc = 0xcafe
const clockRate = 48_000
const framesTicks = 960

/** A source whose first packet has number `start` and timestamp `startTimestamp`; a packet every 20 ms. */
const sender = (start: number, startTimestamp: number) => {
  const self = ReceptionStatistics.make(clockRate)
  return {
    self,
    /** The packet at this position of the stream comes, `lateMs` after its time. */
    receive: (position: number, lateMs = 0) =>
      ReceptionStatistics.handlePacket(
        self,
        (start + position) & 0xffff,
        (startTimestamp + position * framesTicks) >>> 0,
        1000 + position * 20 + lateMs
      ),
    take: (nowMs = 0, lossRatioBeyond = 0): ReportBlock =>
      ReceptionStatistics.takeBlock(self, ssrc, lossRatioBeyond, nowMs)
  }
}

const start = integer(0, 0xffff)
const startTimestamp = integer(0, 0xffffffff)

describe("ReceptionStatistics", () => {
  it.prop(
    "counts what is lost as RFC 3550 appendix A.3 does, wherever the wraps fall",
    [start, startTimestamp, Arbitrary.array(integer(0, 99), { maxLength: 400 })],
    ([start, startTimestamp, dice]) => {
      const { receive, self, take } = sender(start, startTimestamp)
      receive(0)
      let highest = 0
      let received = 1
      let expectedBefore = 0
      let receivedBefore = 0
      for (const die of dice) {
        // Mostly the next packet; now and then a hole of up to 19, a late packet, a duplicate, a report.
        if (die < 70) highest++
        else if (die < 80) highest += die - 68
        if (die < 80) receive(highest)
        else if (die < 95) receive(Math.max(0, highest - (die - 80)), 300)
        else {
          const expected = highest + 1
          const [expectedNow, receivedNow] = [expected - expectedBefore, received - receivedBefore]
          const lostNow = expectedNow - receivedNow
          ;[expectedBefore, receivedBefore] = [expected, received]
          const block = take()
          assert.strictEqual(block.fractionLost, lostNow <= 0 ? 0 : Math.min(255, ((lostNow << 8) / expectedNow) | 0))
          assert.strictEqual(block.cumulativeLost, expected - received)
          assert.strictEqual(block.extendedHighestSequence, start + highest)
          assert.isFalse(ReceptionStatistics.hasNews(self))
          continue
        }
        received++
        assert.isTrue(ReceptionStatistics.hasNews(self))
      }
    },
    sized(400)
  )

  it.prop(
    "has the jitter of appendix A.8",
    [startTimestamp, Arbitrary.array(Arbitrary.all([integer(1, 4), integer(0, 60)]), { maxLength: 200 })],
    ([startTimestamp, steps]) => {
      const self = ReceptionStatistics.make(clockRate)
      // As in the appendix: transit times as integers in ticks, a mean with a gain of 1/16.
      let position = 0
      let transitBefore: number | undefined
      let jitter = 0
      let sequenceNumber = 65_530
      for (const [frames, lateMs] of steps) {
        position += frames
        const timestamp = (startTimestamp + position * framesTicks) >>> 0
        const arrivalMs = position * 20 + lateMs
        ReceptionStatistics.handlePacket(self, sequenceNumber++ & 0xffff, timestamp, arrivalMs)
        const transit = arrivalMs * 48 - (startTimestamp + position * framesTicks)
        if (transitBefore !== undefined) jitter += (Math.abs(transit - transitBefore) - jitter) / 16
        transitBefore = transit
        assert.closeTo(self.jitter, jitter, 1e-6)
      }
      if (transitBefore !== undefined) {
        const reported = ReceptionStatistics.takeBlock(self, ssrc, 0, 0).jitter
        assert.isTrue(Number.isInteger(reported))
        assert.closeTo(reported, jitter, 1)
      }
    },
    sized(200)
  )

  it("a packet that comes very late still counts; one out of all order does not", () => {
    const { receive, self, take } = sender(100, 0)
    for (let position = 0; position < 2000; position++) if (position !== 1520) receive(position)
    assert.strictEqual(take().cumulativeLost, 1)
    assert.strictEqual(receive(1520, 9_600), Arrival.Counted)
    const before = take()
    assert.strictEqual(before.cumulativeLost, 0)
    const outOfOrder = (ahead: number) =>
      ReceptionStatistics.handlePacket(self, 100 + 1999 + ahead, self.lastTimestamp, self.lastAtMs)
    assert.strictEqual(outOfOrder(3000), Arrival.Stray)
    assert.strictEqual(outOfOrder(-1000), Arrival.Stray)
    assert.deepStrictEqual(take(), { ...before, fractionLost: 0 })
    assert.strictEqual(outOfOrder(-999), Arrival.Counted)
    assert.strictEqual(outOfOrder(2999), Arrival.Counted)
  })

  it("a sender that starts anew is believed with its second packet", () => {
    const { receive, self, take } = sender(60_000, 0)
    for (const position of [0, 1, 2, 9]) receive(position)
    ReceptionStatistics.handleSenderReport(self, { seconds: 1, fraction: 0 }, 0)
    assert.strictEqual(take().cumulativeLost, 6)
    const anew = (sequenceNumber: number, nowMs: number) =>
      ReceptionStatistics.handlePacket(self, sequenceNumber, 77_000_000 + nowMs * 48, nowMs)
    assert.strictEqual(anew(5, 1960), Arrival.Stray)
    assert.strictEqual(receive(10), Arrival.Counted)
    assert.strictEqual(anew(6, 1980), Arrival.Stray, "there was one of the old ones between")
    assert.strictEqual(anew(8, 2020), Arrival.Restarted)
    assert.strictEqual(anew(10, 2060), Arrival.Counted)
    assert.deepStrictEqual(take(), {
      ssrc,
      fractionLost: 85,
      cumulativeLost: 1,
      extendedHighestSequence: 10,
      jitter: 0,
      lastSenderReport: 0,
      delaySinceLastSenderReport: 0
    })
  })

  it("so is one whose numbers begin near the old ones, for its timestamps do not", () => {
    const { receive, self } = sender(1000, 0)
    for (let position = 0; position < 50; position++) receive(position)
    const anew = (sequenceNumber: number) =>
      ReceptionStatistics.handlePacket(self, sequenceNumber, 0x7000_0000 + sequenceNumber * framesTicks, 2000)
    assert.strictEqual(anew(1020), Arrival.Stray)
    assert.strictEqual(anew(1021), Arrival.Restarted)
    assert.strictEqual(self.received, 1)
  })

  it("says which sender report was the last, and how long ago", () => {
    const { receive, self, take } = sender(0, 0)
    receive(0)
    assert.deepInclude(take(5000), { lastSenderReport: 0, delaySinceLastSenderReport: 0 })
    ReceptionStatistics.handleSenderReport(self, { seconds: 0xb44db705, fraction: 0x20000000 }, 10_000)
    assert.deepInclude(take(15_250), { lastSenderReport: 0xb7052000, delaySinceLastSenderReport: 0x54000 })
  })

  it("what is lost further on is added", () => {
    const { receive, take } = sender(0, 0)
    // Of 200 packets 20 are lost before, and of the 180 that come a quarter behind.
    for (let position = 0; position < 200; position++) if (position % 10 !== 5) receive(position)
    assert.deepInclude(take(0, 0.25), { fractionLost: Math.floor((65 * 256) / 200), cumulativeLost: 65 })
    for (let position = 200; position < 300; position++) receive(position)
    assert.deepInclude(take(0, 1), { fractionLost: 255, cumulativeLost: 165 })
    for (let position = 300; position < 400; position++) receive(position)
    assert.deepInclude(take(0, 0), { fractionLost: 0, cumulativeLost: 165 })
  })

  it("a cumulative loss stays at its bounds", () => {
    const { receive, self, take } = sender(0, 0)
    receive(0)
    self.lostBeyond = 9e6
    assert.strictEqual(take().cumulativeLost, 0x7fffff)
    self.lostBeyond = 0
    self.received = 9e6
    assert.strictEqual(take().cumulativeLost, -0x800000)
  })
})
