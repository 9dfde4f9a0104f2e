import * as NtpTime from "../../protocol/NtpTime.ts"
import type { ReportBlock } from "../../protocol/RtcpReports.ts"

/** What a local program reports on one stream that it receives, and how far away it is. Changed in place. */
export interface PlayerReports {
  /** Media clock ticks a second. */
  readonly clockRate: number
  /** The last sender reports that went to the program, the oldest first. */
  readonly sent: Array<{ readonly name: number; readonly atMs: number }>
  newest: PlayerReport | undefined
}

export interface PlayerReport {
  /** Between its last two reports. Share, 0..1. */
  readonly lossRatio: number
  /** Since its first packet; below zero when there were more duplicates than losses. */
  readonly packetsLost: number
  readonly jitterMs: number
  /** `undefined`: it answers no sender report that is known. */
  readonly roundTripMs: number | undefined
  readonly atMs: number
}

/** A program answers the last report or the one before; those of some seconds are enough. */
const sentMax = 8

export const make = (clockRate: number): PlayerReports => ({ clockRate, sent: [], newest: undefined })

/** A sender report with this time went to the program. */
export const handleSent = (self: PlayerReports, ntpTime: NtpTime.NtpTime, nowMs: number): void => {
  self.sent.push({ name: NtpTime.middle32(ntpTime), atMs: nowMs })
  if (self.sent.length > sentMax) self.sent.shift()
}

/** RFC 3550 section 6.4.1: the round trip is the time since the report that is named, less what it was held. */
export const handleBlock = (self: PlayerReports, block: ReportBlock, nowMs: number): void => {
  const named = self.sent.findLast(({ name }) => name === block.lastSenderReport)
  self.newest = {
    lossRatio: block.fractionLost / 256,
    packetsLost: block.cumulativeLost,
    jitterMs: (block.jitter * 1000) / self.clockRate,
    roundTripMs: named && Math.max(0, nowMs - named.atMs - NtpTime.delayMs(block.delaySinceLastSenderReport)),
    atMs: nowMs
  }
}
