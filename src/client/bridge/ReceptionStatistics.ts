import * as StrayNumber from "../../media/StrayNumber.ts"
import * as NtpTime from "../../protocol/NtpTime.ts"
import { cumulativeLostMax, cumulativeLostMin, type ReportBlock } from "../../protocol/RtcpReports.ts"
import * as SequenceNumber from "../../protocol/SequenceNumber.ts"

/**
 * What a receiver reports on one SSRC, RFC 3550: which numbers have come (appendix A.1), how many were lost (A.3), how
 * unevenly they came (A.8), and which sender report was the last. Probation is left out: the SSRC is one that was
 * announced, not one that was guessed. Changed in place.
 */
export interface ReceptionStatistics {
  /** Media clock ticks a second. */
  readonly clockRate: number
  /** The numbers of the first packet and of the newest, with their laps; -1 before the first. */
  first: number
  highest: number
  /** Packets that have come, late ones and duplicates too. */
  received: number
  /** At the last report. */
  expectedBefore: number
  receivedBefore: number
  /** Packets that came here and were lost further on. */
  lostBeyond: number
  /** Timestamp and arrival of the last packet that came. */
  lastTimestamp: number
  lastAtMs: number
  /** Media clock ticks. */
  jitter: number
  /** The number of the last packet, if that was a stray. See StrayNumber. */
  stray: number
  /** Middle 32 bits of the NTP time of the last sender report, and when it came; 0: none has. */
  lastSenderReport: number
  lastSenderReportAtMs: number
}

export const Arrival = {
  Counted: 0,
  /** Out of all order, and not counted: perhaps the first packet of a sender that has started anew. */
  Stray: 1,
  /** The second of those in a row: everything begins with it. */
  Restarted: 2
} as const
export type Arrival = (typeof Arrival)[keyof typeof Arrival]

/** RFC 3550 appendix A.1, MAX_DROPOUT: a number further ahead is a stray. Packets. */
const dropoutMax = 3000
/**
 * Appendix A.1 has 100 (MAX_MISORDER) for networks where nobody sends again. What is asked for again comes up to a second
 * later: this is enough for 1,000 packets a second. A number further back is a stray.
 */
const misorderMax = 1000
/** A timestamp further off from the time that has passed is a stray: nothing that flows is so late. Milliseconds. */
const timestampOffMsMax = 10_000
/** One lap of sequence numbers, so that those before the first do not become negative. */
const lap = SequenceNumber.mask + 1
/** Gain of the jitter's mean, appendix A.8. */
const jitterGain = 1 / 16

export const make = (clockRate: number): ReceptionStatistics => ({
  clockRate,
  first: -1,
  highest: -1,
  received: 0,
  expectedBefore: 0,
  receivedBefore: 0,
  lostBeyond: 0,
  lastTimestamp: 0,
  lastAtMs: 0,
  jitter: 0,
  stray: StrayNumber.none,
  lastSenderReport: 0,
  lastSenderReportAtMs: 0
})

/** Call for every packet, in the order in which they come. */
export const handlePacket = (
  self: ReceptionStatistics,
  sequenceNumber: number,
  timestamp: number,
  nowMs: number
): Arrival => {
  if (self.highest < 0) {
    begin(self, sequenceNumber, timestamp, nowMs)
    return Arrival.Counted
  }
  if (isStray(self, sequenceNumber, timestamp, nowMs)) {
    if (!StrayNumber.isFollowedBy(self.stray, sequenceNumber)) {
      self.stray = sequenceNumber
      return Arrival.Stray
    }
    begin(self, sequenceNumber, timestamp, nowMs)
    self.lastSenderReport = 0
    return Arrival.Restarted
  }
  self.stray = StrayNumber.none
  self.highest = Math.max(self.highest, extend(self, sequenceNumber))
  self.received++
  const transitDifference = Math.abs(offMs(self, timestamp, nowMs) * (self.clockRate / 1000))
  self.jitter += (transitDifference - self.jitter) * jitterGain
  self.lastTimestamp = timestamp
  self.lastAtMs = nowMs
  return Arrival.Counted
}

/** The number with its laps: the one that is nearest to the newest. */
export const extend = (self: ReceptionStatistics, sequenceNumber: number): number =>
  self.highest + SequenceNumber.distance(self.highest & SequenceNumber.mask, sequenceNumber)

export const handleSenderReport = (self: ReceptionStatistics, ntpTime: NtpTime.NtpTime, nowMs: number): void => {
  self.lastSenderReport = NtpTime.middle32(ntpTime)
  self.lastSenderReportAtMs = nowMs
}

/** Whether anything has come since the last report: else there is nothing to say (RFC 3550 section 6.4). */
export const hasNews = (self: ReceptionStatistics): boolean => self.received !== self.receivedBefore

/**
 * The report, which ends the interval that its fraction counts; there is one after the first packet. `lossRatioBeyond`: the
 * share of the packets that were lost further on, after they had come here; they are reported with those that were lost
 * before.
 */
export const takeBlock = (
  self: ReceptionStatistics,
  ssrc: number,
  lossRatioBeyond: number,
  nowMs: number
): ReportBlock => {
  const expected = self.highest - self.first + 1
  const expectedNow = expected - self.expectedBefore
  const receivedNow = self.received - self.receivedBefore
  const lostBeyondNow = lossRatioBeyond * receivedNow
  const lostNow = expectedNow - receivedNow + lostBeyondNow
  self.expectedBefore = expected
  self.receivedBefore = self.received
  self.lostBeyond += lostBeyondNow
  const lost = expected - self.received + Math.round(self.lostBeyond)
  return {
    ssrc,
    fractionLost: lostNow <= 0 ? 0 : Math.min(255, Math.floor((lostNow * 256) / expectedNow)),
    cumulativeLost: Math.min(cumulativeLostMax, Math.max(cumulativeLostMin, lost)),
    extendedHighestSequence: (self.highest - lap) >>> 0,
    jitter: Math.floor(self.jitter),
    lastSenderReport: self.lastSenderReport,
    delaySinceLastSenderReport: self.lastSenderReport === 0 ? 0 : NtpTime.toDelay(nowMs - self.lastSenderReportAtMs)
  }
}

const begin = (self: ReceptionStatistics, sequenceNumber: number, timestamp: number, nowMs: number): void => {
  self.first = lap + sequenceNumber
  self.highest = self.first
  self.received = 1
  self.expectedBefore = 0
  self.receivedBefore = 0
  self.lostBeyond = 0
  self.lastTimestamp = timestamp
  self.lastAtMs = nowMs
  self.jitter = 0
  self.stray = StrayNumber.none
}

const isStray = (self: ReceptionStatistics, sequenceNumber: number, timestamp: number, nowMs: number): boolean => {
  const ahead = extend(self, sequenceNumber) - self.highest
  return ahead >= dropoutMax || -ahead >= misorderMax || Math.abs(offMs(self, timestamp, nowMs)) > timestampOffMsMax
}

/** How much longer than the packet before it this one was under way. */
const offMs = (self: ReceptionStatistics, timestamp: number, nowMs: number): number =>
  nowMs - self.lastAtMs - (SequenceNumber.timestampDistance(self.lastTimestamp, timestamp) * 1000) / self.clockRate
