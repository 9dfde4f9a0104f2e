import type { Delta } from "./PacketGroups.ts"
import type { Trendline } from "./Trendline.ts"

/**
 * Says of the trend whether a queue grows. The threshold moves towards the trend, so that on a link whose delay varies,
 * or beside a flow that fills the queue whatever we do, not every move is taken for overuse. After libwebrtc
 * TrendlineEstimator, `Detect` and `UpdateThreshold`. Owned by exactly one estimator and changed in place.
 */
export interface OveruseDetector {
  usage: Usage
  /** Milliseconds, as the trend. */
  thresholdMs: number
  /** The trend has been above the threshold for so long, in the sender's time. Milliseconds; NaN: it is not. */
  aboveMs: number
  /** And so many times in a row. */
  timesAbove: number
  slopeBefore: number
}

/** What the detector looks at. */
export type Trend = Pick<Trendline, "slope" | "trendMs">

/** What the leg's sender does to the path. */
export const Usage = {
  /** The queue stays as it is. */
  Normal: 0,
  /** The queue grows. */
  Overusing: 1,
  /** The queue empties. */
  Underusing: 2
} as const
export type Usage = (typeof Usage)[keyof typeof Usage]

/** libwebrtc TrendlineEstimator threshold_; draft-ietf-rmcat-gcc-02 section 5.6, del_var_th(0). Milliseconds. */
export const thresholdMsInitial = 12.5
/** draft-ietf-rmcat-gcc-02 section 5.4. Milliseconds. */
export const thresholdMsMin = 6
export const thresholdMsMax = 600
/** How fast the threshold follows a larger trend, and a smaller one. libwebrtc k_up_, k_down_; the draft's are .01 and .00018. Of the distance, each millisecond. */
const gainUp = 0.0087
const gainDown = 0.039
/** A trend this far beyond the threshold is a sudden drop of capacity, and not how the link is. libwebrtc kMaxAdaptOffsetMs. Milliseconds. */
const outlierMs = 15
/** The threshold moves at most as far as in this time. libwebrtc kMaxTimeDeltaMs. Milliseconds. */
const stepMsMax = 100
/** draft-ietf-rmcat-gcc-02 section 5.6, overuse_time_th; libwebrtc kOverUsingTimeThreshold. Milliseconds. */
const overuseAfterMs = 10
/** libwebrtc TrendlineEstimator overuse_counter_. */
const timesAboveMin = 2

export const make = (): OveruseDetector => ({
  usage: Usage.Normal,
  thresholdMs: thresholdMsInitial,
  aboveMs: NaN,
  timesAbove: 0,
  slopeBefore: 0
})

/** Call with the trend after every pair of groups, and with what lies between the two. */
export const handleTrend = (self: OveruseDetector, trend: Trend, delta: Delta): void => {
  const { slope, trendMs } = trend
  const { sendDeltaMs } = delta
  if (trendMs > self.thresholdMs) {
    // The first time it is not known since when: half of the gap.
    self.aboveMs = Number.isNaN(self.aboveMs) ? sendDeltaMs / 2 : self.aboveMs + sendDeltaMs
    self.timesAbove++
    // A slope that falls is a queue that is being dealt with already.
    if (self.aboveMs > overuseAfterMs && self.timesAbove >= timesAboveMin && slope >= self.slopeBefore) {
      self.aboveMs = 0
      self.timesAbove = 0
      self.usage = Usage.Overusing
    }
  } else {
    self.aboveMs = NaN
    self.timesAbove = 0
    self.usage = trendMs < -self.thresholdMs ? Usage.Underusing : Usage.Normal
  }
  self.slopeBefore = slope
  adaptThreshold(self, trend, delta)
}

export const restart = (self: OveruseDetector): void => {
  self.usage = Usage.Normal
  self.thresholdMs = thresholdMsInitial
  self.aboveMs = NaN
  self.timesAbove = 0
  self.slopeBefore = 0
}

const adaptThreshold = (self: OveruseDetector, { trendMs }: Trend, { arrivalDeltaMs }: Delta): void => {
  const distanceMs = Math.abs(trendMs) - self.thresholdMs
  if (distanceMs > outlierMs) return
  const stepMs = Math.min(Math.max(0, arrivalDeltaMs), stepMsMax)
  const thresholdMs = self.thresholdMs + (distanceMs < 0 ? gainDown : gainUp) * distanceMs * stepMs
  self.thresholdMs = Math.min(thresholdMsMax, Math.max(thresholdMsMin, thresholdMs))
}
