import * as SequenceNumber from "../protocol/SequenceNumber.ts"

/**
 * How old the packets of one stream are, by the sender's own clock: the distance of a packet's RTP timestamp from the
 * newest one seen, plus the time since that was seen. Every hop that handles the stream counts from the same origin, so
 * the time a packet has lost on earlier hops is included.
 */
export interface StreamClock {
  /** RTP timestamp ticks a second. */
  readonly clockRate: number
  /** Age at which a packet is not worth sending again. Milliseconds. */
  readonly deadlineMs: number
  newestTimestamp: number
  /** When the newest timestamp was first seen; -1 before the first packet. Milliseconds. */
  newestAtMs: number
  /** Packets in a row that are older than any packet can be. */
  outside: number
  /** By which the packets kept of this stream refer to it (ClockNumbers.ts); -1 before there were any. */
  number: number
}

/** Playout budgets: later than this a repaired packet is of no use. Milliseconds. */
export const audioDeadlineMs = 400
export const videoDeadlineMs = 1000

/** Nothing is sent again that late. Milliseconds. */
const restartAfterMs = 10_000

export const make = (kind: "audio" | "video", clockRate: number): StreamClock => ({
  clockRate,
  deadlineMs: kind === "audio" ? audioDeadlineMs : videoDeadlineMs,
  newestTimestamp: 0,
  newestAtMs: -1,
  outside: 0,
  number: -1
})

export const handlePacket = (self: StreamClock, timestamp: number, nowMs: number): void => {
  const ahead = SequenceNumber.timestampDistance(self.newestTimestamp, timestamp)
  if (self.newestAtMs >= 0 && ahead <= 0) {
    // A packet from before any deadline is no late packet: its sender has started its timestamps anew. One may be a
    // mistake; the second in a row is believed.
    const isOutside = (-ahead * 1000) / self.clockRate > restartAfterMs
    self.outside = isOutside ? self.outside + 1 : 0
    if (self.outside < 2) return
  }
  self.outside = 0
  self.newestTimestamp = timestamp
  self.newestAtMs = nowMs
}

/** Whether no packet with this timestamp or a later one has been here. */
export const isNewest = (self: StreamClock, timestamp: number): boolean =>
  self.newestAtMs < 0 || SequenceNumber.timestampDistance(self.newestTimestamp, timestamp) > 0

export const ageMs = (self: StreamClock, timestamp: number, nowMs: number): number =>
  self.newestAtMs < 0
    ? 0
    : (SequenceNumber.timestampDistance(timestamp, self.newestTimestamp) * 1000) / self.clockRate +
      nowMs -
      self.newestAtMs

export const isExpired = (self: StreamClock, timestamp: number, nowMs: number): boolean =>
  ageMs(self, timestamp, nowMs) > self.deadlineMs
