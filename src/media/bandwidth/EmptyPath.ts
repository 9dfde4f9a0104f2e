/**
 * How long a round trip takes when nothing waits on the way: the shortest of the last ten to twenty seconds. Owned by
 * exactly one estimator and changed in place.
 */
export interface EmptyPath {
  /** Shortest of this window, and of the one before. Milliseconds. */
  shortestMs: number
  beforeMs: number
  sinceMs: number
}

/** A path may change; what was shorter longer ago is forgotten. Milliseconds. */
const windowMs = 10_000
/** Round trips vary by as much with nothing in a queue: feedback waits for a turn of the timers, both ways. Milliseconds. */
const emptyMsMax = 30

export const make = (): EmptyPath => ({ shortestMs: Infinity, beforeMs: Infinity, sinceMs: -Infinity })

/** Call with every report. The round trip is a smoothed one, so one that is too short by chance does little. */
export const handleRoundTrip = (self: EmptyPath, roundTripMs: number, nowMs: number): void => {
  // False as well when the clock has been set back: then the window is a longer one.
  if (nowMs - self.sinceMs >= windowMs) {
    self.beforeMs = self.shortestMs
    self.shortestMs = Infinity
    self.sinceMs = nowMs
  }
  if (roundTripMs < self.shortestMs) self.shortestMs = roundTripMs
}

/** Whether hardly anything waits on the way now. */
export const isEmpty = ({ beforeMs, shortestMs }: EmptyPath, roundTripMs: number): boolean =>
  roundTripMs - Math.min(beforeMs, shortestMs) < emptyMsMax
