import type { Delta } from "./PacketGroups.ts"

/**
 * Whether the delay on the way grows, and how fast: a line through the delays of the newest groups. After libwebrtc
 * TrendlineEstimator. Owned by exactly one estimator and changed in place.
 */
export interface Trendline {
  /** Delay gained in the time that passes, of 1; (sent - capacity) / sent while a queue fills. 0 until the window is full. */
  slope: number
  /** What the detector compares with its threshold: the slope over as many groups as are known. Milliseconds. */
  trendMs: number
  /** Groups so far, as far as they count. */
  deltas: number
  /** Since the first group, by the receiver's clock. */
  elapsedMs: number
  delayMs: number
  smoothedDelayMs: number
  /** The newest groups, in a ring: `elapsedMs` and `smoothedDelayMs` of each. */
  readonly times: Float64Array
  readonly delays: Float64Array
  next: number
}

/** Groups that the line is drawn through. libwebrtc TrendlineEstimatorSettings kDefaultTrendlineWindowSize. */
export const windowLength = 20
/** Of the smoothed delay, each time. libwebrtc kDefaultTrendlineSmoothingCoeff. */
const smoothing = 0.9
/** libwebrtc kDefaultTrendlineThresholdGain. */
const thresholdGain = 4
/** libwebrtc TrendlineEstimator kMinNumDeltas. */
const deltasMax = 60
/** Times this close together are one time, and no line. Square milliseconds. */
const spreadMin = 1e-6

export const make = (): Trendline => ({
  slope: 0,
  trendMs: 0,
  deltas: 0,
  elapsedMs: 0,
  delayMs: 0,
  smoothedDelayMs: 0,
  times: new Float64Array(windowLength),
  delays: new Float64Array(windowLength),
  next: 0
})

/**
 * Call for every pair of groups. The times on the line are the sum of what lies between arrivals, and not arrivals: so a
 * receiver's clock that is set, over which the groups give no delta, leaves no step in it.
 */
export const handleDelta = (self: Trendline, { arrivalDeltaMs, sendDeltaMs }: Delta): void => {
  if (self.deltas < deltasMax) self.deltas++
  self.elapsedMs += arrivalDeltaMs
  self.delayMs += arrivalDeltaMs - sendDeltaMs
  self.smoothedDelayMs = smoothing * self.smoothedDelayMs + (1 - smoothing) * self.delayMs
  self.times[self.next] = self.elapsedMs
  self.delays[self.next] = self.smoothedDelayMs
  self.next = (self.next + 1) % windowLength
  if (self.deltas >= windowLength) fit(self)
  self.trendMs = self.deltas * self.slope * thresholdGain
}

export const restart = (self: Trendline): void => {
  self.slope = 0
  self.trendMs = 0
  self.deltas = 0
  self.elapsedMs = 0
  self.delayMs = 0
  self.smoothedDelayMs = 0
  self.next = 0
}

/**
 * Least squares, in one pass: seen from the newest group, which is one of the points, the sums are no larger than the
 * differences that count. The slope stays where all times are the same.
 */
const fit = (self: Trendline): void => {
  const { delays, elapsedMs, smoothedDelayMs, times } = self
  let timeSum = 0
  let delaySum = 0
  let productSum = 0
  let squareSum = 0
  for (let i = 0; i < windowLength; i++) {
    const time = times[i]! - elapsedMs
    const delay = delays[i]! - smoothedDelayMs
    timeSum += time
    delaySum += delay
    productSum += time * delay
    squareSum += time * time
  }
  const spread = squareSum - (timeSum * timeSum) / windowLength
  if (spread > spreadMin) self.slope = (productSum - (timeSum * delaySum) / windowLength) / spread
}
