import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Result } from "effect"
import * as LocalSink from "../../../src/client/bridge/LocalSink.ts"
import * as NtpTime from "../../../src/protocol/NtpTime.ts"
import * as RtcpPacket from "../../../src/protocol/RtcpPacket.ts"
import type { ReportBlock, SenderReport } from "../../../src/protocol/RtcpReports.ts"
import * as RtpHeader from "../../../src/protocol/RtpHeader.ts"
import { integer, sized } from "../Samples.ts"

const ssrc = 3003
const cname = "ada"
/** The wall clock when the monotonic one shows 0. */
const epochMs = Date.UTC(2026, 0, 1)
const description: RtcpPacket.RtcpPacket = { _tag: "SourceDescription", chunks: [{ ssrc, cname }] }
const silentReport: RtcpPacket.RtcpPacket = { _tag: "ReceiverReport", ssrc, blocks: [] }
const goodbye = { _tag: "Goodbye" as const, ssrcs: [ssrc], reason: undefined }

type Packets = ReadonlyArray<RtcpPacket.RtcpPacket>
const make = () => LocalSink.make({ ssrc, clockRate: 90_000, cname })
const packetOf = (sequenceNumber: number, timestamp: number, payloadBytes = 100): Uint8Array =>
  RtpHeader.encode({
    marker: false,
    payloadType: 96,
    sequenceNumber: sequenceNumber & 0xffff,
    timestamp: timestamp >>> 0,
    ssrc,
    payload: new Uint8Array(payloadBytes)
  })
/** Packets of one a millisecond, the first of them at `fromMs`, each sent when its time has come. */
const send = (self: LocalSink.LocalSink, fromMs: number, toMs: number): void => {
  for (let nowMs = fromMs; nowMs < toMs; nowMs++) LocalSink.handlePacket(self, packetOf(nowMs, nowMs * 90), nowMs)
}
const read = (compound: Uint8Array | undefined): Packets =>
  compound === undefined ? [] : Result.getOrThrow(RtcpPacket.decode(compound))
const poll = (self: LocalSink.LocalSink, nowMs: number): Packets => read(LocalSink.poll(self, nowMs, epochMs + nowMs))
const leave = (self: LocalSink.LocalSink, nowMs: number): Packets => read(LocalSink.leave(self, nowMs, epochMs + nowMs))
const farReport = (nowMs: number): SenderReport => ({
  _tag: "SenderReport",
  ssrc,
  ntpTime: NtpTime.fromUnixMs(nowMs),
  rtpTimestamp: 7,
  packetCount: 8,
  octetCount: 9,
  blocks: []
})
const reception: ReportBlock = {
  ssrc,
  fractionLost: 64,
  cumulativeLost: 12,
  extendedHighestSequence: 5,
  jitter: 900,
  lastSenderReport: 0,
  delaySinceLastSenderReport: 0
}

describe("LocalSink: reports to the program", () => {
  it("are sent from the first packet on, every second, and line up media clock and wall clock", () => {
    const self = make()
    assert.strictEqual(LocalSink.nextDeadlineMs(self), Infinity)
    assert.deepStrictEqual(poll(self, 100), [])
    const reportedAt: Array<number> = []
    for (let nowMs = 500; nowMs < 4000; nowMs++) {
      send(self, nowMs, nowMs + 1)
      const isDue = LocalSink.nextDeadlineMs(self) <= nowMs
      const packets = poll(self, nowMs)
      assert.strictEqual(packets.length > 0, isDue)
      if (!isDue) continue
      reportedAt.push(nowMs)
      const sent = nowMs - 499
      assert.deepStrictEqual(packets, [
        {
          _tag: "SenderReport",
          ssrc,
          ntpTime: NtpTime.fromUnixMs(epochMs + nowMs),
          rtpTimestamp: nowMs * 90,
          packetCount: sent,
          octetCount: sent * 100,
          blocks: []
        },
        description
      ])
    }
    assert.deepStrictEqual(reportedAt, [500, 1500, 2500, 3500])
  })

  it("count payloads without sources and extension, whatever is in the packet", () => {
    const self = make()
    const plain = packetOf(1, 0, 40)
    const withSources = plain.with(0, 0x82)
    const withExtension = plain.with(0, 0x91).with(12 + 4 + 3, 2)
    for (const packet of [plain, withSources, withExtension]) LocalSink.handlePacket(self, packet, 0)
    assert.strictEqual(self.octets, 40 + 32 + (40 - 4 - 4 - 8))
    for (const packet of [plain.slice(0, 12).with(0, 0x90), plain.with(0, 0x90).with(12 + 2, 255)]) {
      LocalSink.handlePacket(self, packet, 0)
    }
    assert.strictEqual(self.octets, 40 + 32 + 24)
  })

  it("say that a stream which pauses has sent nothing", () => {
    const self = make()
    send(self, 0, 100)
    poll(self, 100)
    assert.strictEqual(poll(self, 1100)[0]?._tag, "SenderReport")
    assert.deepStrictEqual(poll(self, 2100), [silentReport, description])
    send(self, 2200, 2201)
    assert.strictEqual(poll(self, 3100)[0]?._tag, "SenderReport")
  })

  it("are the sender's own while those come, at once and without its blocks; else none", () => {
    const self = make()
    send(self, 0, 100)
    poll(self, 0)
    LocalSink.handleEndToEndRtcp(self, [{ ...farReport(1), ssrc: 1 }], 50)
    assert.strictEqual(LocalSink.nextDeadlineMs(self), 1000, "that was another's")
    for (const nowMs of [200, 6_400, 18_800]) {
      LocalSink.handleEndToEndRtcp(self, [{ ...farReport(nowMs), blocks: [reception] }], nowMs)
      assert.strictEqual(LocalSink.nextDeadlineMs(self), nowMs)
      assert.deepStrictEqual(poll(self, nowMs), [farReport(nowMs), description])
      for (let ms = nowMs; ms < nowMs + LocalSink.senderReportsMs; ms += 100) {
        send(self, ms, ms + 1)
        assert.deepStrictEqual(poll(self, ms), [])
      }
    }
    const againMs = 18_800 + LocalSink.senderReportsMs
    assert.strictEqual(LocalSink.nextDeadlineMs(self), againMs)
    assert.deepInclude(poll(self, againMs)[0], { ntpTime: NtpTime.fromUnixMs(epochMs + againMs) })
    assert.strictEqual(LocalSink.nextDeadlineMs(self), againMs + 1000)
  })

  it("the sender's own waits for the first packet", () => {
    const self = make()
    LocalSink.handleEndToEndRtcp(self, [farReport(1)], 0)
    assert.deepStrictEqual(poll(self, 10), [])
    send(self, 20, 21)
    assert.deepStrictEqual(poll(self, 20), [farReport(1), description])
  })
})

describe("LocalSink: goodbyes", () => {
  it("says goodbye when the stream leaves the call, once", () => {
    const self = make()
    assert.deepStrictEqual(leave(self, 0), [], "the program knows nothing of it")
    send(self, 0, 10)
    assert.deepStrictEqual(leave(self, 10).slice(1), [description, goodbye])
    assert.deepStrictEqual(leave(self, 11), [])
    assert.strictEqual(LocalSink.nextDeadlineMs(self), Infinity)
    assert.deepStrictEqual(poll(self, 5000), [])
  })

  it("passes the sender's goodbye on when its last packets have had time to come", () => {
    const self = make()
    send(self, 0, 100)
    LocalSink.handleEndToEndRtcp(self, [farReport(1), { ...goodbye, ssrcs: [4] }], 90)
    assert.lengthOf(poll(self, 100), 2)
    LocalSink.handleEndToEndRtcp(self, [goodbye], 100)
    assert.strictEqual(LocalSink.nextDeadlineMs(self), 1100)
    assert.deepStrictEqual(poll(self, 1099), [])
    // It says nothing of times: those would be of another clock than the sender's.
    assert.deepStrictEqual(poll(self, 1100), [silentReport, description, goodbye])
    assert.strictEqual(LocalSink.nextDeadlineMs(self), Infinity)
    LocalSink.handleEndToEndRtcp(self, [goodbye], 1200)
    assert.strictEqual(LocalSink.nextDeadlineMs(self), Infinity)
  })

  it("a sender that comes again is reported again", () => {
    const self = make()
    send(self, 0, 10)
    leave(self, 10)
    send(self, 500, 501)
    assert.strictEqual(LocalSink.nextDeadlineMs(self), 500)
    assert.strictEqual(poll(self, 500)[0]?._tag, "SenderReport")
    assert.deepStrictEqual(leave(self, 600).slice(1), [description, goodbye])
  })
})

describe("LocalSink: what the program says", () => {
  const nothing = { resend: [], needsKeyFrame: false }
  const nack = (lost: ReadonlyArray<number>, mediaSsrc = ssrc) =>
    ({ _tag: "GenericNack", senderSsrc: 1, mediaSsrc, lost }) as const

  it.prop(
    "it gets again what it asks for, byte for byte, wherever the wrap falls",
    [integer(0, 0xffff), Arbitrary.array(integer(0, 500), { maxLength: 60 })],
    ([start, backs]) => {
      const self = make()
      const sent = Array.from({ length: 600 }, (_, i) => packetOf(start + i, i * 90, i % 50))
      for (const packet of sent) LocalSink.handlePacket(self, packet, 0)
      const wanted = [...new Set(backs)].map((back) => sent.length - 1 - back)
      const lost = wanted.map((position) => (start + position) & 0xffff)
      const { resend } = LocalSink.handleRtcp(self, [nack(lost)], 20)
      assert.deepStrictEqual(
        resend,
        wanted.map((position) => sent[position]!)
      )
      assert.strictEqual(self.packets, 600, "they were counted when they were sent first")
      assert.deepStrictEqual(LocalSink.handleRtcp(self, [nack(lost)], 21), nothing)
    },
    sized(60)
  )

  it("another stream's packets are not its own", () => {
    const self = make()
    send(self, 0, 10)
    assert.deepStrictEqual(LocalSink.handleRtcp(self, [nack([5], 9), nack([5000])], 20), nothing)
  })

  it("a picture loss needs a key frame, and so does each new full intra request", () => {
    const self = make()
    const loss = (mediaSsrc: number) => ({ _tag: "PictureLossIndication", senderSsrc: 1, mediaSsrc }) as const
    const intra = (of: number, sequenceNumber: number) =>
      ({ _tag: "FullIntraRequest", senderSsrc: 1, requests: [{ ssrc: of, sequenceNumber }] }) as const
    const needs = (packet: RtcpPacket.RtcpPacket) => LocalSink.handleRtcp(self, [packet], 0).needsKeyFrame
    assert.deepStrictEqual([loss(ssrc), loss(9), loss(ssrc)].map(needs), [true, false, true])
    assert.deepStrictEqual(
      [intra(ssrc, 0), intra(ssrc, 0), intra(9, 1), intra(ssrc, 1), intra(ssrc, 1), intra(ssrc, 0)].map(needs),
      [true, false, false, true, false, true]
    )
  })

  it("its reports tell loss, jitter and round trip, whosever report they answer", () => {
    const self = make()
    send(self, 0, 100)
    const [own] = poll(self, 100)
    assert.strictEqual(own?._tag, "SenderReport")
    const answer = (lastSenderReport: number, heldMs: number): ReportBlock => ({
      ...reception,
      lastSenderReport,
      delaySinceLastSenderReport: NtpTime.toDelay(heldMs)
    })
    const hear = (block: ReportBlock, nowMs: number) => {
      const report = { _tag: "ReceiverReport", ssrc: 1, blocks: [{ ...reception, ssrc: 9 }, block] } as const
      assert.deepStrictEqual(LocalSink.handleRtcp(self, [report], nowMs), nothing)
      return self.reports.newest!
    }
    assert.deepStrictEqual(hear(reception, 150), {
      lossRatio: 0.25,
      packetsLost: 12,
      jitterMs: 10,
      roundTripMs: undefined,
      atMs: 150
    })
    const name = NtpTime.middle32((own as SenderReport).ntpTime)
    assert.closeTo(hear(answer(name, 800), 912).roundTripMs!, 12, 0.01)
    assert.strictEqual(hear(answer(name, 5000), 913).roundTripMs, 0)
    LocalSink.handleEndToEndRtcp(self, [farReport(12_345)], 2000)
    poll(self, 2000)
    const ofFar = NtpTime.middle32(farReport(12_345).ntpTime)
    assert.closeTo(hear(answer(ofFar, 100), 2130).roundTripMs!, 30, 0.01)
    for (let n = 0; n < 8; n++) {
      LocalSink.handleEndToEndRtcp(self, [farReport(20_000 + n * 5000)], 3000 + n)
      poll(self, 3000 + n)
    }
    assert.isUndefined(hear(answer(ofFar, 100), 4000).roundTripMs, "that is long ago")
  })
})
