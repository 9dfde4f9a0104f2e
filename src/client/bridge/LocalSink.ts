import * as NtpTime from "../../protocol/NtpTime.ts"
import * as RtcpPacket from "../../protocol/RtcpPacket.ts"
import type { SenderReport } from "../../protocol/RtcpReports.ts"
import * as RtpHeader from "../../protocol/RtpHeader.ts"
import * as ArrivalClock from "./ArrivalClock.ts"
import * as PlayerReports from "./PlayerReports.ts"
import { reportMs } from "./ReportInterval.ts"
import * as ResendRing from "./ResendRing.ts"

/**
 * One stream that the bridge sends to a local program, as the program's RTCP sees it: the bridge is its sender. The owner
 * sends the packets; this keeps them for the program's NACKs, and says how they are to be kept in step with other streams
 * of the same participant. Only headers are looked at. Changed in place.
 */
export interface LocalSink {
  readonly options: Options
  readonly ring: ResendRing.ResendRing
  readonly clock: ArrivalClock.ArrivalClock
  /** What the program says of what it has received. */
  readonly reports: PlayerReports.PlayerReports
  packets: number
  /** Of payloads: what follows the RTP header. */
  octets: number
  lastPacketAtMs: number
  /** The sender's own report, when it has come and is to be passed on. */
  senderReport: SenderReport | undefined
  senderReportAtMs: number
  /** When to report next; Infinity before the first packet and after the last. Milliseconds. */
  reportDueMs: number
  /** When to say goodbye; Infinity while the sender has not. Milliseconds. */
  goodbyeDueMs: number
  /** Number of the last FIR; -1 before the first. */
  lastFullIntra: number
}

export interface Options {
  readonly ssrc: number
  /** Media clock ticks a second. */
  readonly clockRate: number
  /** The participant's id: the same for all of its streams, whichever programs they come from. */
  readonly cname: string
}

/** What follows from a program's RTCP. */
export interface SinkRtcp {
  /** Whole packets, to be sent to the program again. */
  readonly resend: ReadonlyArray<Uint8Array>
  readonly needsKeyFrame: boolean
}

/**
 * While the sender's own reports come, none are made here. They come every 6.2 s at the latest (RFC 3550 section 6.3.1: 5 s,
 * times 1.5, through e - 1.5), and one may be lost. Milliseconds.
 */
export const senderReportsMs = 12_500
/** What was lost of a stream's last packets still comes after its goodbye. Milliseconds. */
export const lastWordsMs = 1000

export const make = (options: Options): LocalSink => ({
  options,
  ring: ResendRing.make(),
  clock: ArrivalClock.make(options.clockRate),
  reports: PlayerReports.make(options.clockRate),
  packets: 0,
  octets: 0,
  lastPacketAtMs: -Infinity,
  senderReport: undefined,
  senderReportAtMs: -Infinity,
  reportDueMs: Infinity,
  goodbyeDueMs: Infinity,
  lastFullIntra: -1
})

/** Call for every packet that is sent to the program. It is kept, not copied: nobody may change it any more. */
export const handlePacket = (self: LocalSink, packet: Uint8Array, nowMs: number): void => {
  const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength)
  if (self.reportDueMs === Infinity) self.reportDueMs = nowMs
  ResendRing.store(self.ring, packet, nowMs)
  ArrivalClock.handlePacket(self.clock, RtpHeader.timestampAt(view, 0), nowMs)
  self.packets++
  self.octets += Math.max(0, packet.length - RtpHeader.headerBytesOf(packet))
  self.lastPacketAtMs = nowMs
}

/** Takes in what the far sender says of this stream, from end to end. */
export const handleEndToEndRtcp = (
  self: LocalSink,
  packets: ReadonlyArray<RtcpPacket.RtcpPacket>,
  nowMs: number
): void => {
  const { ssrc } = self.options
  for (const packet of packets) {
    if (packet._tag === "SenderReport" && packet.ssrc === ssrc) {
      self.senderReport = packet
      self.senderReportAtMs = nowMs
      if (isKnown(self)) self.reportDueMs = nowMs
    }
    if (packet._tag === "Goodbye" && packet.ssrcs.includes(ssrc) && isKnown(self)) {
      self.goodbyeDueMs = nowMs + lastWordsMs
    }
  }
}

/** Takes in what the program's RTCP says of this stream; the rest of it is another's. */
export const handleRtcp = (self: LocalSink, packets: ReadonlyArray<RtcpPacket.RtcpPacket>, nowMs: number): SinkRtcp => {
  const { ssrc } = self.options
  const resend: Array<Uint8Array> = []
  let needsKeyFrame = false
  for (const packet of packets) {
    switch (packet._tag) {
      case "SenderReport":
      case "ReceiverReport": {
        const block = packet.blocks.find((block) => block.ssrc === ssrc)
        if (block !== undefined) PlayerReports.handleBlock(self.reports, block, nowMs)
        break
      }
      case "GenericNack":
        if (packet.mediaSsrc === ssrc) resend.push(...takeResends(self, packet.lost, nowMs))
        break
      case "PictureLossIndication":
        if (packet.mediaSsrc === ssrc) needsKeyFrame = true
        break
      case "FullIntraRequest": {
        const request = packet.requests.find((request) => request.ssrc === ssrc)
        if (request === undefined || request.sequenceNumber === self.lastFullIntra) break
        self.lastFullIntra = request.sequenceNumber
        needsKeyFrame = true
        break
      }
    }
  }
  return { resend, needsKeyFrame }
}

/** The compound that is due to the program now. `unixMs`: the same moment by the wall clock. */
export const poll = (self: LocalSink, nowMs: number, unixMs: number): Uint8Array | undefined => {
  if (nowMs >= self.goodbyeDueMs) return leave(self, nowMs, unixMs)
  return nowMs < self.reportDueMs ? undefined : RtcpPacket.encode(takeReport(self, nowMs, unixMs))
}

/** The stream has left the call: the program's goodbye. `undefined`: it knows nothing of it, or it knows already. */
export const leave = (self: LocalSink, nowMs: number, unixMs: number): Uint8Array | undefined => {
  if (!isKnown(self)) return undefined
  const report = takeReport(self, nowMs, unixMs)
  self.reportDueMs = Infinity
  self.goodbyeDueMs = Infinity
  return RtcpPacket.encode([...report, { _tag: "Goodbye", ssrcs: [self.options.ssrc], reason: undefined }])
}

/** When to poll next. Milliseconds; Infinity when there is nothing to say. */
export const nextDeadlineMs = (self: LocalSink): number => Math.min(self.reportDueMs, self.goodbyeDueMs)

/** Whether the program has been sent something, and no goodbye since. */
const isKnown = (self: LocalSink): boolean => self.reportDueMs < Infinity

const takeReport = (self: LocalSink, nowMs: number, unixMs: number): ReadonlyArray<RtcpPacket.RtcpPacket> => {
  const { cname, ssrc } = self.options
  const report = takeSenderReport(self, nowMs, unixMs)
  if (report !== undefined) PlayerReports.handleSent(self.reports, report.ntpTime, nowMs)
  return [
    report ?? { _tag: "ReceiverReport", ssrc, blocks: [] },
    { _tag: "SourceDescription", chunks: [{ ssrc, cname }] }
  ]
}

const takeSenderReport = (self: LocalSink, nowMs: number, unixMs: number): SenderReport | undefined => {
  const { senderReport } = self
  self.senderReport = undefined
  self.reportDueMs = Math.max(nowMs + reportMs, self.senderReportAtMs + senderReportsMs)
  // Between the sender's own reports there is none from here: the two know different clocks.
  if (nowMs - self.senderReportAtMs < senderReportsMs) return senderReport && { ...senderReport, blocks: [] }
  const rtpTimestamp = ArrivalClock.timestampAt(self.clock, nowMs)
  // Who has sent nothing lately is a receiver, RFC 3550 section 6.4.
  if (rtpTimestamp === undefined || nowMs - self.lastPacketAtMs > 2 * reportMs) return undefined
  const ntpTime = NtpTime.fromUnixMs(unixMs)
  const { octets, packets } = self
  return {
    _tag: "SenderReport",
    ssrc: self.options.ssrc,
    ntpTime,
    rtpTimestamp,
    packetCount: packets >>> 0,
    octetCount: octets >>> 0,
    blocks: []
  }
}

const takeResends = (self: LocalSink, lost: ReadonlyArray<number>, nowMs: number): ReadonlyArray<Uint8Array> =>
  lost.flatMap((sequenceNumber) => ResendRing.take(self.ring, sequenceNumber, nowMs) ?? [])
