import * as SequenceNumber from "../../protocol/SequenceNumber.ts"

/**
 * What time it is by a stream's media clock, as far as the arrival of its packets tells: the packet of the last seconds
 * that was under way shortest sets the clock, for the others were held up. Changed in place.
 */
export interface ArrivalClock {
  /** Media clock ticks a second. */
  readonly clockRate: number
  /** The shortest of this window and of the one before. */
  shortest: Sample | undefined
  shortestBefore: Sample | undefined
  windowEndsAtMs: number
}

interface Sample {
  readonly timestamp: number
  readonly atMs: number
}

/** Clocks that differ by 100 ppm part by 1 ms in two of these. Milliseconds. */
const windowMs = 5000
/** Further off than any packet can be: the sender has started its timestamps anew. Milliseconds. */
const restartMs = 10_000

export const make = (clockRate: number): ArrivalClock => ({
  clockRate,
  shortest: undefined,
  shortestBefore: undefined,
  windowEndsAtMs: -Infinity
})

export const handlePacket = (self: ArrivalClock, timestamp: number, nowMs: number): void => {
  const sample = { timestamp, atMs: nowMs }
  const { shortest } = self
  if (shortest === undefined || Math.abs(laterMs(self, shortest, sample)) > restartMs) {
    self.shortest = sample
    self.shortestBefore = undefined
    self.windowEndsAtMs = nowMs + windowMs
  } else if (nowMs >= self.windowEndsAtMs) {
    self.shortestBefore = nowMs < self.windowEndsAtMs + windowMs ? shortest : undefined
    self.shortest = sample
    self.windowEndsAtMs = nowMs + windowMs
  } else if (laterMs(self, shortest, sample) < 0) self.shortest = sample
}

/** The media clock at `nowMs`, 32 bits; `undefined` before the first packet. */
export const timestampAt = (self: ArrivalClock, nowMs: number): number | undefined => {
  const { shortest, shortestBefore } = self
  if (shortest === undefined) return undefined
  const sample = shortestBefore !== undefined && laterMs(self, shortest, shortestBefore) < 0 ? shortestBefore : shortest
  return (sample.timestamp + Math.round(((nowMs - sample.atMs) * self.clockRate) / 1000)) >>> 0
}

/** How much longer than the first the second was under way. */
const laterMs = (self: ArrivalClock, first: Sample, second: Sample): number =>
  second.atMs -
  first.atMs -
  (SequenceNumber.timestampDistance(first.timestamp, second.timestamp) * 1000) / self.clockRate
