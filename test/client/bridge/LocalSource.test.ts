import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Result } from "effect"
import * as LocalSource from "../../../src/client/bridge/LocalSource.ts"
import * as RtcpPacket from "../../../src/protocol/RtcpPacket.ts"
import type { SenderReport } from "../../../src/protocol/RtcpReports.ts"
import { integer, sized } from "../Samples.ts"

const ssrc = 2002
const receiverSsrc = 77
const cname = "bridge"
const quietLeg = { packets: 0, lost: 0 }
const emptyReport: RtcpPacket.RtcpPacket = { _tag: "ReceiverReport", ssrc: receiverSsrc, blocks: [] }
const description: RtcpPacket.RtcpPacket = { _tag: "SourceDescription", chunks: [{ ssrc: receiverSsrc, cname }] }

const make = () => LocalSource.make({ ssrc, clockRate: 90_000, receiverSsrc, cname })
type Source = LocalSource.LocalSource

/** The packet at this position of a stream of one a millisecond. */
const receive = (self: Source, position: number, nowMs: number, start = 0): boolean =>
  LocalSource.handlePacket(self, (start + position) & 0xffff, position * 90, nowMs)

const poll = (self: Source, nowMs: number, leg = quietLeg): ReadonlyArray<RtcpPacket.RtcpPacket> => {
  const compound = LocalSource.poll(self, leg, nowMs)
  return compound === undefined ? [] : Result.getOrThrow(RtcpPacket.decode(compound))
}
const blocksOf = (packets: ReadonlyArray<RtcpPacket.RtcpPacket>) =>
  packets.flatMap((packet) => (packet._tag === "ReceiverReport" ? packet.blocks : []))
const lostOf = (packets: ReadonlyArray<RtcpPacket.RtcpPacket>) =>
  packets.flatMap((packet) => (packet._tag === "GenericNack" ? packet.lost : []))
const tagsOf = (packets: ReadonlyArray<RtcpPacket.RtcpPacket>) => packets.map(({ _tag }) => _tag)

const senderReport: SenderReport = {
  _tag: "SenderReport",
  ssrc,
  ntpTime: { seconds: 0xb44db705, fraction: 0x20000000 },
  rtpTimestamp: 1,
  packetCount: 2,
  octetCount: 3,
  blocks: []
}

describe("LocalSource", () => {
  it("says nothing to a program that has not spoken", () => {
    const self = make()
    LocalSource.requestKeyFrame(self)
    assert.strictEqual(LocalSource.nextDeadlineMs(self), Infinity)
    assert.deepStrictEqual(poll(self, 1e6), [])
  })

  it("reports after half a second, then every second, and is asked for it when it is due", () => {
    const self = make()
    const reportedAt: Array<number> = []
    for (let nowMs = 0; nowMs <= 5000; nowMs++) {
      receive(self, nowMs, nowMs)
      const isDue = LocalSource.nextDeadlineMs(self) <= nowMs
      const packets = poll(self, nowMs)
      assert.strictEqual(packets.length > 0, isDue)
      if (!isDue) continue
      assert.deepStrictEqual(tagsOf(packets), ["ReceiverReport", "SourceDescription"])
      assert.deepStrictEqual(packets[1], description)
      assert.deepInclude(blocksOf(packets)[0], { ssrc, fractionLost: 0, cumulativeLost: 0, jitter: 0 })
      reportedAt.push(nowMs)
    }
    assert.deepStrictEqual(reportedAt, [500, 1500, 2500, 3500, 4500])
  })

  it("goes on without a block while the program sends nothing, and stops when it says nothing", () => {
    const self = make()
    const startMs = 1_000_000
    receive(self, 0, startMs)
    assert.lengthOf(blocksOf(poll(self, startMs + 500)), 1)
    assert.deepStrictEqual(poll(self, startMs + 1500), [emptyReport, description])
    let lastMs = 0
    for (let ms = 1500; ms < 100_000; ms += 50) {
      if (ms === 20_000) LocalSource.handleRtcp(self, [senderReport], startMs + ms)
      if (poll(self, startMs + ms).length > 0) lastMs = ms
    }
    assert.isAtLeast(lastMs, 44_000)
    assert.isAtMost(lastMs, 45_000)
    assert.strictEqual(LocalSource.nextDeadlineMs(self), Infinity)
    receive(self, 200_000, startMs + 200_000)
    assert.strictEqual(LocalSource.nextDeadlineMs(self), startMs + 200_500)
  })

  it("asks at once for what is missing, a few times, and no more when it has come", () => {
    const self = make()
    for (const position of [0, 1, 4, 5]) receive(self, position, position)
    assert.strictEqual(LocalSource.nextDeadlineMs(self), 4)
    const first = poll(self, 5)
    assert.deepStrictEqual(tagsOf(first), ["ReceiverReport", "SourceDescription", "GenericNack"])
    assert.deepStrictEqual(first[2], { _tag: "GenericNack", senderSsrc: receiverSsrc, mediaSsrc: ssrc, lost: [2, 3] })
    assert.lengthOf(blocksOf(first), 1)
    assert.isTrue(receive(self, 3, 20))
    const again: Array<number> = []
    for (let nowMs = 6; nowMs < 3000; nowMs++) {
      const packets = poll(self, nowMs)
      if (lostOf(packets).length === 0) continue
      assert.deepStrictEqual(lostOf(packets), [2])
      // What was reported less than half a second ago is not reported again.
      assert.lengthOf(blocksOf(packets), nowMs === 605 ? 1 : 0)
      again.push(nowMs)
    }
    assert.deepStrictEqual(again, [205, 405, 605, 805])
    assert.strictEqual(self.packetsRequested, 6)
  })

  it.prop(
    "lets every packet through once, whatever is lost, late, doubled or sent again, wherever the wrap falls",
    [integer(0, 0xffff), Arbitrary.array(integer(0, 9), { maxLength: 200 }), integer(0, 20)],
    ([start, dice, answerMs]) => {
      const self = make()
      const passed: Array<number> = []
      const events = dice.flatMap((die, position) => {
        const arrivals =
          die === 0 ? [] : die === 1 ? [position + 3.5] : die === 2 ? [position, position + 2] : [position]
        return arrivals.map((atMs) => ({ atMs, position }))
      })
      events.sort((a, b) => a.atMs - b.atMs)
      const seen = new Set<number>()
      const wanted = new Set<number>()
      let lastMs = 0
      const settle = (untilMs: number) => {
        for (let nowMs = lastMs; nowMs < untilMs; nowMs++) {
          for (const number of lostOf(poll(self, nowMs))) {
            const position = (number - start) & 0xffff
            assert.isFalse(seen.has(position), "never asks for what has come")
            wanted.add(position)
            if (answerMs > 0 && receive(self, position, nowMs + answerMs, start)) passed.push(position)
            if (answerMs > 0) seen.add(position)
          }
        }
        lastMs = untilMs
      }
      for (const { atMs, position } of events) {
        settle(Math.floor(atMs))
        const isFresh = receive(self, position, atMs, start)
        assert.strictEqual(isFresh, !seen.has(position))
        if (isFresh) passed.push(position)
        seen.add(position)
      }
      settle(lastMs + 3000)
      assert.strictEqual(new Set(passed).size, passed.length)
      const first = events[0]?.position ?? 0
      const last = Math.max(0, ...events.map(({ position }) => position))
      for (let position = first; position < last; position++) {
        assert.isTrue(seen.has(position) || wanted.has(position), "asks for whatever is missing")
        if (answerMs > 0) assert.isTrue(passed.includes(position))
      }
      assert.strictEqual(self.packetsDuplicate + passed.length, self.reception.received)
    },
    sized(200)
  )

  it("adds what the leg to the relay lost at first", () => {
    const self = make()
    const report = (fromPosition: number, leg: LocalSource.LegCounts) => {
      for (let i = 0; i < 100; i++) receive(self, fromPosition + i, fromPosition * 10 + i)
      return blocksOf(poll(self, fromPosition * 10 + 1000, leg))[0]
    }
    assert.deepInclude(report(0, { packets: 400, lost: 20 }), { fractionLost: 12, cumulativeLost: 5 })
    assert.deepInclude(report(100, { packets: 500, lost: 70 }), { fractionLost: 128, cumulativeLost: 55 })
    assert.deepInclude(report(200, { packets: 500, lost: 70 }), { fractionLost: 0, cumulativeLost: 55 })
    // Another relay: its leg begins anew.
    assert.deepInclude(report(300, { packets: 100, lost: 10 }), { fractionLost: 25, cumulativeLost: 65 })
    assert.deepInclude(report(400, { packets: 200, lost: 10 }), { fractionLost: 0, cumulativeLost: 65 })
  })

  it("says in a report which of the program's it has read, and passes that on without its blocks", () => {
    const self = make()
    receive(self, 0, 0)
    const block = blocksOf(poll(self, 500))[0]!
    const other = { ...senderReport, ssrc: 1, ntpTime: { seconds: 5, fraction: 5 } }
    const forward = LocalSource.handleRtcp(self, [{ ...senderReport, blocks: [block] }, other], 600)
    assert.deepStrictEqual(Result.getOrThrow(RtcpPacket.decode(forward!)), [senderReport])
    receive(self, 1, 700)
    assert.deepInclude(blocksOf(poll(self, 1600))[0], {
      lastSenderReport: 0xb7052000,
      delaySinceLastSenderReport: 65_536
    })
  })

  it("passes a goodbye on behind a report, and is silent after it until the program speaks again", () => {
    const self = make()
    for (const position of [0, 2]) receive(self, position, position)
    const goodbye = { _tag: "Goodbye" as const, ssrcs: [9, ssrc], reason: "end" }
    assert.isUndefined(LocalSource.handleRtcp(self, [{ ...goodbye, ssrcs: [9] }], 3))
    const forward = LocalSource.handleRtcp(self, [goodbye], 4)
    assert.deepStrictEqual(Result.getOrThrow(RtcpPacket.decode(forward!)), [
      { _tag: "ReceiverReport", ssrc, blocks: [] },
      { ...goodbye, ssrcs: [ssrc] }
    ])
    // On a leg it is a frame like others: long enough to be RTP, and its SSRC is at byte 4.
    assert.isAtLeast(forward!.length, 12)
    LocalSource.requestKeyFrame(self)
    for (let nowMs = 4; nowMs < 2000; nowMs++) assert.deepStrictEqual(poll(self, nowMs), [])
    assert.strictEqual(LocalSource.nextDeadlineMs(self), Infinity)
    receive(self, 3, 2000)
    assert.deepStrictEqual(poll(self, 2000), [], "what was missing then is not asked for now")
    assert.strictEqual(LocalSource.nextDeadlineMs(self), 2500)
  })

  it("asks for a key frame once for every time that somebody does, at once", () => {
    const self = make()
    receive(self, 0, 0)
    poll(self, 500)
    assert.strictEqual(LocalSource.nextDeadlineMs(self), 1500)
    for (const nowMs of [510, 530]) {
      LocalSource.requestKeyFrame(self)
      assert.isAtMost(LocalSource.nextDeadlineMs(self), nowMs)
      assert.deepStrictEqual(poll(self, nowMs), [
        emptyReport,
        description,
        { _tag: "PictureLossIndication", senderSsrc: receiverSsrc, mediaSsrc: ssrc }
      ])
      assert.deepStrictEqual(poll(self, nowMs + 1), [])
    }
    assert.strictEqual(LocalSource.nextDeadlineMs(self), 1500)
  })

  it("the first packets of a program that starts anew go into the call, and nothing is asked for", () => {
    const self = make()
    for (let position = 0; position < 100; position++) receive(self, position, position)
    const anew = (sequenceNumber: number, nowMs: number) =>
      LocalSource.handlePacket(self, sequenceNumber, 0x7000_0000 + nowMs * 90, nowMs)
    // Numbers that were there before, and a hole that was none.
    for (const [i, first] of [50, 1500].entries()) {
      const nowMs = 3000 * (i + 1)
      assert.deepStrictEqual(
        [0, 1, 2, 3].map((n) => anew(first + n, nowMs + n + i * 0x100_0000)),
        [true, true, true, true]
      )
      assert.deepStrictEqual(lostOf(poll(self, nowMs + 10)), [])
    }
    assert.isFalse(anew(1502, 6010 + 0x100_0000))
  })
})
