import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Result, Schema } from "effect"
import { packets as RtpJs } from "rtp.js"
import * as Werift from "werift"
import * as RtcpPacket from "../../src/protocol/RtcpPacket.ts"
import type { ReportBlock } from "../../src/protocol/RtcpReports.ts"
import { block, fullIntra, goodbye, integer, nack, pictureLoss, receiverReport, senderReport } from "./ArbitraryRtcp.ts"

/** Packets of other people's code are read by ours, and ours by theirs. */

const long = { arbitrary: { size: 60 } }
const decode = (bytes: Uint8Array): ReadonlyArray<RtcpPacket.RtcpPacket> => Result.getOrThrow(RtcpPacket.decode(bytes))
const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)

const name = Arbitrary.map(
  Arbitrary.array(Arbitrary.schema(Schema.Literals(["a", "7", "@", ".", "é", "語"])), { minLength: 1, maxLength: 40 }),
  (letters) => letters.join("")
)
/** Its zeros are not those behind an item: rtp.js takes up to three more of them. */
const ssrc = integer(0x01000000, 0xffffffff)
const chunk = Arbitrary.all({ ssrc, cname: name })
const sourceDescription = Arbitrary.all({
  _tag: Arbitrary.schema(Schema.Literal("SourceDescription")),
  chunks: Arbitrary.array(chunk, { minLength: 1, maxLength: 5 })
})

describe("rtp.js", () => {
  const written = (packet: RtpJs.RtcpPacket): Uint8Array => {
    const bytes = new Uint8Array(packet.getByteLength())
    packet.serialize(bytes.buffer, 0)
    return bytes
  }
  const read = (packets: ReadonlyArray<RtcpPacket.RtcpPacket>) =>
    new RtpJs.CompoundPacket(viewOf(RtcpPacket.encode(packets))).getPackets()

  const reportOf = (block: ReportBlock): RtpJs.ReceptionReport => {
    const report = new RtpJs.ReceptionReport()
    report.setSsrc(block.ssrc)
    report.setFractionLost(block.fractionLost)
    report.setTotalLost(block.cumulativeLost)
    report.setHighestSeqNumber(block.extendedHighestSequence)
    report.setJitter(block.jitter)
    report.setLastSRTimestamp(block.lastSenderReport)
    report.setDelaySinceLastSR(block.delaySinceLastSenderReport)
    return report
  }
  const blockOf = (report: RtpJs.ReceptionReport): ReportBlock => ({
    ssrc: report.getSsrc(),
    fractionLost: report.getFractionLost(),
    cumulativeLost: report.getTotalLost(),
    extendedHighestSequence: report.getHighestSeqNumber(),
    jitter: report.getJitter(),
    lastSenderReport: report.getLastSRTimestamp(),
    delaySinceLastSenderReport: report.getDelaySinceLastSR()
  })
  /** It reads only 12 bits of a loss, and writes no sign as RFC 3550 has it: that is werift's to judge. */
  const lossless = Arbitrary.map(block, (block) => ({ ...block, cumulativeLost: block.cumulativeLost & 0xfff }))
  const blocks = Arbitrary.array(lossless, { maxLength: 31 })

  it.prop(
    "sender and receiver reports, both ways",
    [senderReport, receiverReport, blocks],
    ([sender, receiver, blocks]) => {
      const ours = [
        { ...sender, blocks },
        { ...receiver, blocks }
      ]
      const [theirSender, theirReceiver] = read(ours)
      assert.instanceOf(theirSender, RtpJs.SenderReportPacket)
      assert.deepStrictEqual(
        [
          theirSender.getSsrc(),
          theirSender.getNtpSeconds(),
          theirSender.getNtpFraction(),
          theirSender.getRtpTimestamp(),
          theirSender.getPacketCount(),
          theirSender.getOctetCount()
        ],
        [
          sender.ssrc,
          sender.ntpTime.seconds,
          sender.ntpTime.fraction,
          sender.rtpTimestamp,
          sender.packetCount,
          sender.octetCount
        ]
      )
      assert.deepStrictEqual(theirSender.getReports().map(blockOf), blocks)
      assert.instanceOf(theirReceiver, RtpJs.ReceiverReportPacket)
      assert.strictEqual(theirReceiver.getSsrc(), receiver.ssrc)
      assert.deepStrictEqual(theirReceiver.getReports().map(blockOf), blocks)

      const senderAgain = new RtpJs.SenderReportPacket()
      senderAgain.setSsrc(sender.ssrc)
      senderAgain.setNtpSeconds(sender.ntpTime.seconds)
      senderAgain.setNtpFraction(sender.ntpTime.fraction)
      senderAgain.setRtpTimestamp(sender.rtpTimestamp)
      senderAgain.setPacketCount(sender.packetCount)
      senderAgain.setOctetCount(sender.octetCount)
      senderAgain.setReports(blocks.map(reportOf))
      const receiverAgain = new RtpJs.ReceiverReportPacket()
      receiverAgain.setSsrc(receiver.ssrc)
      receiverAgain.setReports(blocks.map(reportOf))
      assert.deepStrictEqual(decode(new Uint8Array([...written(senderAgain), ...written(receiverAgain)])), ours)
    },
    long
  )

  it.prop(
    "source descriptions and goodbyes, both ways",
    [sourceDescription, goodbye, name],
    ([description, { ssrcs }, reason]) => {
      const { chunks } = description
      const bye = { _tag: "Goodbye" as const, ssrcs, reason }
      const [theirDescription, theirBye] = read([description, bye])
      assert.instanceOf(theirDescription, RtpJs.SdesPacket)
      assert.deepStrictEqual(
        theirDescription.getChunks().map((chunk) => [chunk.getSsrc(), chunk.getItems()]),
        chunks.map(({ cname, ssrc }) => [ssrc, [{ type: 1, text: cname }]])
      )
      assert.instanceOf(theirBye, RtpJs.ByePacket)
      assert.deepStrictEqual([theirBye.getSsrcs(), theirBye.getReason()], [ssrcs, reason])

      const descriptionAgain = new RtpJs.SdesPacket()
      for (const { cname, ssrc } of chunks) {
        const chunk = new RtpJs.SdesChunk()
        chunk.setSsrc(ssrc)
        chunk.addItem(6, "a tool")
        chunk.addItem(1, cname)
        descriptionAgain.addChunk(chunk)
      }
      const byeAgain = new RtpJs.ByePacket()
      byeAgain.setSsrcs([...ssrcs])
      byeAgain.setReason(reason)
      const bytes = new Uint8Array([...written(descriptionAgain), ...written(byeAgain)])
      assert.deepStrictEqual(decode(bytes), [description, bye])
    },
    long
  )

  it.prop(
    "NACK and picture loss, both ways",
    [nack, pictureLoss],
    ([nack, loss]) => {
      const [theirNack, theirLoss] = read([nack, loss])
      assert.instanceOf(theirNack, RtpJs.NackPacket)
      const lost = theirNack.getItems().flatMap(({ bitmask, pid }) => RtpJs.parseNackItem(pid, bitmask))
      assert.deepStrictEqual(
        lost.map((number) => number & 0xffff),
        nack.lost
      )
      assert.deepStrictEqual([theirNack.getSenderSsrc(), theirNack.getMediaSsrc()], [nack.senderSsrc, nack.mediaSsrc])
      assert.instanceOf(theirLoss, RtpJs.PliPacket)
      assert.deepStrictEqual([theirLoss.getSenderSsrc(), theirLoss.getMediaSsrc()], [loss.senderSsrc, loss.mediaSsrc])

      const nackAgain = new RtpJs.NackPacket()
      nackAgain.setSenderSsrc(nack.senderSsrc)
      nackAgain.setMediaSsrc(nack.mediaSsrc)
      nackAgain.setItems(theirNack.getItems())
      const lossAgain = new RtpJs.PliPacket()
      lossAgain.setSenderSsrc(loss.senderSsrc)
      lossAgain.setMediaSsrc(loss.mediaSsrc)
      assert.deepStrictEqual(decode(new Uint8Array([...written(nackAgain), ...written(lossAgain)])), [nack, loss])
    },
    long
  )

  it("its extended report and its other feedback do no harm", () => {
    const loss = { _tag: "PictureLossIndication" as const, senderSsrc: 1, mediaSsrc: 2 }
    const extended = new RtpJs.XrPacket()
    extended.setSsrc(7)
    const request = new RtpJs.SrReqPacket()
    const last = new RtpJs.PliPacket()
    last.setSenderSsrc(1)
    last.setMediaSsrc(2)
    const bytes = new Uint8Array([...written(extended), ...written(request), ...written(last)])
    assert.deepStrictEqual(
      decode(bytes).map((packet) => (packet._tag === "Other" ? packet.packetType : packet)),
      [207, 205, loss]
    )
  })
})

describe("werift", () => {
  const read = (packets: ReadonlyArray<RtcpPacket.RtcpPacket>) =>
    Werift.RtcpPacketConverter.deSerialize(Buffer.from(RtcpPacket.encode(packets)))
  const infoOf = (block: ReportBlock): Werift.RtcpReceiverInfo =>
    new Werift.RtcpReceiverInfo({
      ssrc: block.ssrc,
      fractionLost: block.fractionLost,
      packetsLost: block.cumulativeLost & 0xffffff,
      highestSequence: block.extendedHighestSequence,
      jitter: block.jitter,
      lsr: block.lastSenderReport,
      dlsr: block.delaySinceLastSenderReport
    })

  it.prop(
    "reports with every loss there is, both ways",
    [senderReport, receiverReport],
    ([sender, receiver]) => {
      const { fraction, seconds } = sender.ntpTime
      const theirSender = new Werift.RtcpSrPacket({
        ssrc: sender.ssrc,
        senderInfo: new Werift.RtcpSenderInfo({
          ntpTimestamp: (BigInt(seconds) << 32n) | BigInt(fraction),
          rtpTimestamp: sender.rtpTimestamp,
          packetCount: sender.packetCount,
          octetCount: sender.octetCount
        }),
        reports: sender.blocks.map(infoOf)
      })
      const theirReceiver = new Werift.RtcpRrPacket({ ssrc: receiver.ssrc, reports: receiver.blocks.map(infoOf) })
      assert.deepStrictEqual(read([sender, receiver]), [theirSender, theirReceiver])
      const bytes = Buffer.concat([theirSender.serialize(), theirReceiver.serialize()])
      assert.deepStrictEqual(decode(new Uint8Array(bytes)), [sender, receiver])
    },
    long
  )

  it.prop(
    "feedback",
    [nack, pictureLoss, fullIntra],
    ([nack, loss, intra]) => {
      const { lost, mediaSsrc, senderSsrc } = nack
      const [readNack] = read([nack])
      assert.instanceOf(readNack, Werift.RtcpTransportLayerFeedback)
      const ofNack = readNack.feedback
      assert.instanceOf(ofNack, Werift.GenericNack)
      assert.deepStrictEqual(
        ofNack.lost.map((number) => number & 0xffff),
        lost
      )
      const theirNack = new Werift.GenericNack({ senderSsrc, mediaSourceSsrc: mediaSsrc, lost: [...lost] })
      assert.deepStrictEqual(decode(new Uint8Array(theirNack.serialize())), [nack])
      const theirLoss = new Werift.RtcpPayloadSpecificFeedback({
        feedback: new Werift.PictureLossIndication({ senderSsrc: loss.senderSsrc, mediaSsrc: loss.mediaSsrc })
      })
      assert.deepStrictEqual(read([loss]), [theirLoss])
      assert.deepStrictEqual(decode(new Uint8Array(theirLoss.serialize())), [loss])
      // It counts the words of the request that it writes wrongly; what it reads is right.
      const [readIntra] = read([intra])
      assert.instanceOf(readIntra, Werift.RtcpPayloadSpecificFeedback)
      const ofIntra = readIntra.feedback
      assert.deepInclude(ofIntra, { senderSsrc: intra.senderSsrc, mediaSsrc: 0, fir: [...intra.requests] })
    },
    long
  )
})
