import * as DelayHistogram from "./DelayHistogram.ts"

/**
 * When the packets of a stream are to be played: media time plus the shortest transit seen plus a delay, which follows how
 * late packets come. Of each half second the latest is noted, repaired ones too, and the delay is what 97 % of those do not
 * exceed, as in libwebrtc's NetEq. A packet that comes too late is noted at once and the delay grows at once; it shrinks so
 * slowly that a player keeps up by playing a little faster. Changed in place; reads no clock.
 */
export interface PlayoutDelay {
  readonly bounds: Bounds
  readonly histogram: DelayHistogram.DelayHistogram
  /** Shortest difference between arrival and media time; creeps up, since clocks drift. Infinity at first. Milliseconds. */
  transitMs: number
  /** From media time to playout: the transit and the delay. Milliseconds. */
  offsetMs: number
  /** What the histogram says. Milliseconds. */
  wantedMs: number
  lastArrivalMs: number
  /** The half second that is under way, and how late its latest packet was. Milliseconds. */
  intervalUntilMs: number
  intervalLatestMs: number
  /** Since when every packet has come later than the longest delay, Infinity: the last did not; and their shortest transit. */
  beyondSinceMs: number
  beyondTransitMs: number
}

/** Of the delay. Alike: it is fixed. Milliseconds. */
export interface Bounds {
  readonly minMs: number
  readonly maxMs: number
}

/** libwebrtc NetEq kStartDelayMs: before anything has been noted. */
const startMs = 80
/** libwebrtc NetEq, when it noted every packet; with half seconds it has 0.95. */
const share = 0.97
/** libwebrtc DelayManager::Config resample_interval_ms. */
const intervalMs = 500
/** Time that a player wins by playing 2 % faster. NetEq shortens by a pitch period, at most every 100 ms: 25 to 150. */
const shrinkMsPerSecond = 20
/** Drift that the transit follows upwards; sound cards differ by less than 100 ppm each. Milliseconds a second. */
const driftMsPerSecond = 0.2
/** A transit this much longer is a new clock, not a late packet; so is one shorter by any delay. Milliseconds. */
const clockChangedMs = 10_000
/** And when for so long no packet came within the longest delay. Milliseconds. */
const beyondMsMax = 1000

export const make = (bounds: Bounds): PlayoutDelay => ({
  bounds,
  histogram: DelayHistogram.make(),
  transitMs: Infinity,
  offsetMs: Infinity,
  wantedMs: startMs,
  lastArrivalMs: 0,
  intervalUntilMs: 0,
  intervalLatestMs: 0,
  beyondSinceMs: Infinity,
  beyondTransitMs: Infinity
})

/** A delay that the application says, or bounds of one that adapts: a mistake in them is a defect. */
export const boundsOf = (choice: number | Bounds): Bounds => {
  const bounds = typeof choice === "number" ? { minMs: choice, maxMs: choice } : choice
  const { maxMs, minMs } = bounds
  if (minMs >= 0 && minMs <= maxMs && Number.isFinite(maxMs)) return bounds
  throw new RangeError(`a playout delay is from 0 up, and its least not above its most: ${minMs} to ${maxMs} ms`)
}

/** How long after the fastest possible arrival a packet is played. Milliseconds; before the first packet NaN. */
export const delayMs = ({ offsetMs, transitMs }: PlayoutDelay): number => offsetMs - transitMs

/** A packet has come, `transitMs` after its media time. Call in the order of arrival. */
export const handlePacket = (self: PlayoutDelay, transitMs: number, arrivedAtMs: number): void => {
  const { bounds } = self
  if (self.transitMs === Infinity) begin(self, transitMs, arrivedAtMs)
  const elapsedMs = Math.max(0, arrivedAtMs - self.lastArrivalMs)
  const driftedMs = self.transitMs + (elapsedMs * driftMsPerSecond) / 1000
  self.lastArrivalMs = arrivedAtMs
  if (isNewClock(self, transitMs, arrivedAtMs)) begin(self, Math.min(transitMs, self.beyondTransitMs), arrivedAtMs)
  else self.transitMs = Math.min(driftedMs, transitMs)
  if (bounds.minMs < bounds.maxMs) note(self, transitMs - self.transitMs, arrivedAtMs)
  const shrunkMs = self.offsetMs - (elapsedMs * shrinkMsPerSecond) / 1000
  self.offsetMs = within(self, Math.max(shrunkMs, self.transitMs + self.wantedMs))
}

const within = ({ bounds, transitMs }: PlayoutDelay, offsetMs: number): number =>
  Math.min(transitMs + bounds.maxMs, Math.max(transitMs + bounds.minMs, offsetMs))

const begin = (self: PlayoutDelay, transitMs: number, nowMs: number): void => {
  DelayHistogram.clear(self.histogram)
  self.transitMs = transitMs
  self.wantedMs = startMs
  self.offsetMs = within(self, transitMs + startMs)
  self.lastArrivalMs = nowMs
  self.intervalUntilMs = nowMs + intervalMs
  self.intervalLatestMs = 0
  self.beyondSinceMs = Infinity
  self.beyondTransitMs = Infinity
}

/** Also a path that has become longer than any delay: what comes late is played late rather than never. */
const isNewClock = (self: PlayoutDelay, transitMs: number, nowMs: number): boolean => {
  const lateMs = transitMs - self.transitMs
  if (lateMs <= self.bounds.maxMs) {
    self.beyondSinceMs = Infinity
    self.beyondTransitMs = Infinity
    return lateMs < -self.bounds.maxMs
  }
  self.beyondSinceMs = Math.min(self.beyondSinceMs, nowMs)
  self.beyondTransitMs = Math.min(self.beyondTransitMs, transitMs)
  return lateMs > clockChangedMs || nowMs - self.beyondSinceMs >= beyondMsMax
}

/**
 * What is too late is noted at once as long as the delay can grow by it: each of those packets is a sample like a half
 * second, so at the longest delay one stall would count as much as many of them.
 */
const note = (self: PlayoutDelay, lateMs: number, nowMs: number): void => {
  self.intervalLatestMs = Math.max(self.intervalLatestMs, lateMs)
  const canGrow = self.wantedMs < self.bounds.maxMs
  if (nowMs < self.intervalUntilMs && !(canGrow && lateMs > delayMs(self))) return
  DelayHistogram.add(self.histogram, self.intervalLatestMs)
  self.wantedMs = DelayHistogram.quantileMs(self.histogram, share)
  self.intervalUntilMs = nowMs + intervalMs
  self.intervalLatestMs = 0
}
