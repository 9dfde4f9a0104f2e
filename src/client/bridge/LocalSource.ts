import * as NackGenerator from "../../media/NackGenerator.ts"
import type { ReportBlock } from "../../protocol/RtcpReports.ts"
import * as RtcpPacket from "../../protocol/RtcpPacket.ts"
import * as SequenceNumber from "../../protocol/SequenceNumber.ts"
import * as CounterWindow from "../../media/CounterWindow.ts"
import * as ReceptionStatistics from "./ReceptionStatistics.ts"
import { reportMs, reportMsMin } from "./ReportInterval.ts"

/**
 * One stream that a local program sends to the bridge, as the program's RTCP sees it: the bridge is its receiver, and
 * speaks for everything behind. Only sequence number and timestamp of a packet are looked at. Changed in place.
 */
export interface LocalSource {
  readonly options: Options
  readonly reception: ReceptionStatistics.ReceptionStatistics
  nacks: NackGenerator.NackGenerator
  seen: CounterWindow.CounterWindow
  /** What the leg had counted at the last report. */
  legBefore: LegCounts
  keyFrameWanted: boolean
  /** When to report next; Infinity when there is nobody to report to. Milliseconds. */
  reportDueMs: number
  reportedAtMs: number
  heardAtMs: number
  packetsDuplicate: number
  /** Packets that were asked for again, once for every time. */
  packetsRequested: number
}

export interface Options {
  /** Of the stream. */
  readonly ssrc: number
  /** Media clock ticks a second. */
  readonly clockRate: number
  /** By which the bridge is known to the program as a receiver. */
  readonly receiverSsrc: number
  readonly cname: string
}

/**
 * What the leg to the relay says of the packets it has carried, since it began: on how many its feedback has reported, and
 * how many of those had not arrived when they were sent for the first time. Of this stream or of the whole leg: only their
 * ratio counts. When they fall, the leg is a new one.
 */
export interface LegCounts {
  readonly packets: number
  readonly lost: number
}

/** Between two requests for a packet: five of them within the second that NackGenerator asks. Milliseconds. */
const nackRetryMs = 200

/** A program that has been silent for so long is gone. RFC 3550 section 6.3.5: five intervals of 5 s. Milliseconds. */
const silentMsMax = 25_000

export const make = (options: Options): LocalSource => ({
  options,
  reception: ReceptionStatistics.make(options.clockRate),
  nacks: NackGenerator.make(),
  seen: CounterWindow.make(),
  legBefore: { packets: 0, lost: 0 },
  keyFrameWanted: false,
  reportDueMs: Infinity,
  reportedAtMs: -Infinity,
  heardAtMs: -Infinity,
  packetsDuplicate: 0,
  packetsRequested: 0
})

/** Takes in a packet of the program. True: it goes into the call. False: it has been here before. */
export const handlePacket = (self: LocalSource, sequenceNumber: number, timestamp: number, nowMs: number): boolean => {
  const isFirst = self.reception.highest < 0
  self.heardAtMs = nowMs
  if (!isKnown(self)) self.reportDueMs = nowMs + reportMsMin
  const arrival = ReceptionStatistics.handlePacket(self.reception, sequenceNumber, timestamp, nowMs)
  // It may be the first packet of a key frame: what is not counted is not lost for that.
  if (arrival === ReceptionStatistics.Arrival.Stray) return true
  if (isFirst || arrival === ReceptionStatistics.Arrival.Restarted) startNumbersAt(self, sequenceNumber)
  const number = ReceptionStatistics.extend(self.reception, sequenceNumber)
  if (!CounterWindow.isNew(self.seen, number)) {
    self.packetsDuplicate++
    return false
  }
  CounterWindow.remember(self.seen, number)
  // What was sent again looks like an original that is late.
  NackGenerator.handlePacket(self.nacks, sequenceNumber, false, nowMs)
  return true
}

/**
 * Takes in what the program's RTCP says of this stream; the rest of it is another's. What it returns goes to the other
 * participants, as RTCP from end to end: sender report and farewell.
 */
export const handleRtcp = (
  self: LocalSource,
  packets: ReadonlyArray<RtcpPacket.RtcpPacket>,
  nowMs: number
): Uint8Array | undefined => {
  const { ssrc } = self.options
  self.heardAtMs = nowMs
  const forward: Array<RtcpPacket.RtcpPacket> = []
  for (const packet of packets) {
    if (packet._tag === "SenderReport" && packet.ssrc === ssrc) {
      ReceptionStatistics.handleSenderReport(self.reception, packet.ntpTime, nowMs)
      forward.push({ ...packet, blocks: [] })
    }
    if (packet._tag === "Goodbye" && packet.ssrcs.includes(ssrc)) {
      // A compound begins with a report, RFC 3550 section 6.1.
      if (forward.length === 0) forward.push({ _tag: "ReceiverReport", ssrc, blocks: [] })
      forward.push({ ...packet, ssrcs: [ssrc] })
      self.reportDueMs = Infinity
    }
  }
  return forward.length === 0 ? undefined : RtcpPacket.encode(forward)
}

/** Somebody in the call needs a key frame. A program that has not begun yet begins with one. */
export const requestKeyFrame = (self: LocalSource): void => {
  self.keyFrameWanted = isKnown(self)
}

/** The compound that is due to the program now. */
export const poll = (self: LocalSource, leg: LegCounts, nowMs: number): Uint8Array | undefined => {
  const { cname, receiverSsrc, ssrc } = self.options
  if (nowMs - self.heardAtMs > silentMsMax) self.reportDueMs = Infinity
  if (!isKnown(self)) return undefined
  const lost = takeRequests(self, nowMs)
  const isUrgent = lost.length > 0 || self.keyFrameWanted
  if (!isUrgent && nowMs < self.reportDueMs) return undefined
  const compound: Array<RtcpPacket.RtcpPacket> = [
    { _tag: "ReceiverReport", ssrc: receiverSsrc, blocks: takeBlocks(self, leg, nowMs) },
    { _tag: "SourceDescription", chunks: [{ ssrc: receiverSsrc, cname }] }
  ]
  if (lost.length > 0) compound.push({ _tag: "GenericNack", senderSsrc: receiverSsrc, mediaSsrc: ssrc, lost })
  if (self.keyFrameWanted) {
    compound.push({ _tag: "PictureLossIndication", senderSsrc: receiverSsrc, mediaSsrc: ssrc })
    self.keyFrameWanted = false
  }
  return RtcpPacket.encode(compound)
}

/** When to poll next. Milliseconds; Infinity when there is nobody to report to. */
export const nextDeadlineMs = (self: LocalSource): number => {
  if (!isKnown(self)) return Infinity
  return self.keyFrameWanted ? -Infinity : Math.min(self.reportDueMs, self.nacks.deadlineMs)
}

/** Whether the program has sent something lately, and has not said goodbye since. */
const isKnown = (self: LocalSource): boolean => self.reportDueMs < Infinity

const startNumbersAt = (self: LocalSource, sequenceNumber: number): void => {
  self.seen = CounterWindow.make()
  self.nacks = NackGenerator.make()
  self.nacks.highest = (sequenceNumber - 1) & SequenceNumber.mask
}

const requests = new Uint16Array(256)

const takeRequests = (self: LocalSource, nowMs: number): ReadonlyArray<number> => {
  if (nowMs < self.nacks.deadlineMs) return []
  const count = NackGenerator.poll(self.nacks, nowMs, nackRetryMs, requests)
  self.packetsRequested += count
  return Array.from(requests.subarray(0, count))
}

const takeBlocks = (self: LocalSource, leg: LegCounts, nowMs: number): ReadonlyArray<ReportBlock> => {
  if (nowMs - self.reportedAtMs < reportMsMin) return []
  self.reportedAtMs = nowMs
  self.reportDueMs = nowMs + reportMs
  if (!ReceptionStatistics.hasNews(self.reception)) return []
  return [ReceptionStatistics.takeBlock(self.reception, self.options.ssrc, takeLegLossRatio(self, leg), nowMs)]
}

const takeLegLossRatio = (self: LocalSource, leg: LegCounts): number => {
  const before = leg.packets < self.legBefore.packets ? { packets: 0, lost: 0 } : self.legBefore
  const packets = leg.packets - before.packets
  self.legBefore = leg
  return packets === 0 ? 0 : Math.min(1, Math.max(0, (leg.lost - before.lost) / packets))
}
