import type { ReportedPacket } from "./ReportedPacket.ts"

/**
 * How long packets wait on the way now: their delay above the shortest of the last ten to twenty seconds (RFC 6817,
 * base delay), one way and for the round trip. The lower of the two counts: a clock that was set shows one way only, and a
 * queue on the way back in the round trip only. Owned by exactly one estimator and changed in place.
 */
export interface QueueDelay {
  /** With the newest report. Milliseconds; 0 until a round trip has been measured. */
  queueMs: number
  /**
   * For so long every packet has waited: what stood still and goes on again delivers at once what it had held up, and that
   * is no queue. The receiver's clock, milliseconds.
   */
  standsMs: number
  /** Arrival of the first of them. Milliseconds; NaN: the last has not waited. */
  standsSinceMs: number
  /** One way, the receiver's clock less the sender's, smoothed over a few packets. Milliseconds; NaN before the first. */
  delayMs: number
  /** Shortest of this window, and of the one before. Milliseconds. */
  shortestDelayMs: number
  shortestDelayMsBefore: number
  shortestRoundTripMs: number
  shortestRoundTripMsBefore: number
  sinceMs: number
}

/** A path may change: what was shorter longer ago is forgotten. Clocks that drift by 200 ppm move 2 ms in it. Milliseconds. */
const windowMs = 10_000
/** Of each new packet: what holds up one alone is no queue. */
const smoothing = 0.25
/** Round trips vary by as much with nothing in a queue: feedback waits for a turn of the timers, both ways. Milliseconds. */
const emptyMsMax = 30

export const make = (): QueueDelay => ({
  queueMs: 0,
  standsMs: 0,
  standsSinceMs: Number.NaN,
  delayMs: Number.NaN,
  shortestDelayMs: Infinity,
  shortestDelayMsBefore: Infinity,
  shortestRoundTripMs: Infinity,
  shortestRoundTripMsBefore: Infinity,
  sinceMs: -Infinity
})

/** Call for every packet that has arrived, in the order of sending. */
export const handlePacket = (self: QueueDelay, { arrivedAtMs, sentAtMs }: ReportedPacket): void => {
  const delayMs = arrivedAtMs - sentAtMs
  if (Number.isNaN(self.delayMs)) self.delayMs = delayMs
  self.delayMs += smoothing * (delayMs - self.delayMs)
  if (delayMs < self.shortestDelayMs) self.shortestDelayMs = delayMs
  if (delayMs - Math.min(self.shortestDelayMs, self.shortestDelayMsBefore) < emptyMsMax) self.standsSinceMs = Number.NaN
  else if (!(arrivedAtMs >= self.standsSinceMs)) self.standsSinceMs = arrivedAtMs
  self.standsMs = Number.isNaN(self.standsSinceMs) ? 0 : arrivedAtMs - self.standsSinceMs
}

/** Call when all packets of a report have been handled. `roundTripMs`: of its newest packet alone, NaN if it is not known. */
export const handleReport = (self: QueueDelay, roundTripMs: number, nowMs: number): void => {
  if (!(roundTripMs >= 0) || Number.isNaN(self.delayMs)) return
  // A clock that was set back begins a window too.
  if (nowMs - self.sinceMs >= windowMs || nowMs < self.sinceMs) {
    self.shortestDelayMsBefore = self.shortestDelayMs
    self.shortestRoundTripMsBefore = self.shortestRoundTripMs
    self.shortestDelayMs = self.delayMs
    self.shortestRoundTripMs = roundTripMs
    self.sinceMs = nowMs
  }
  if (roundTripMs < self.shortestRoundTripMs) self.shortestRoundTripMs = roundTripMs
  const oneWayMs = self.delayMs - Math.min(self.shortestDelayMs, self.shortestDelayMsBefore)
  const bothWaysMs = roundTripMs - Math.min(self.shortestRoundTripMs, self.shortestRoundTripMsBefore)
  self.queueMs = Math.max(0, Math.min(oneWayMs, bothWaysMs))
}

/** Whether hardly anything waits on the way now. */
export const isEmpty = ({ queueMs }: QueueDelay): boolean => queueMs < emptyMsMax
