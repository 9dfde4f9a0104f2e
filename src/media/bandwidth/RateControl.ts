import * as LinkCapacity from "./LinkCapacity.ts"
import { Usage } from "./OveruseDetector.ts"

/**
 * How much to send: slowly more while the path carries it, at once less when a queue grows. After libwebrtc
 * AimdRateControl and draft-ietf-rmcat-gcc-02 section 5.5. Owned by exactly one estimator and changed in place.
 */
export interface RateControl {
  readonly minBps: number
  readonly maxBps: number
  /** Always from `minBps` to `maxBps`. */
  estimateBps: number
  readonly capacity: LinkCapacity.LinkCapacity
  /** After an overuse, and while the queue empties: wait for the path to be clear. */
  isHolding: boolean
  /** The last that was known. */
  acknowledgedBps: number
  changedAtMs: number
}

/** What the sender knows when a report comes. */
export interface ReportInput {
  /** See AcknowledgedRate. Bits a second; NaN: not known yet. */
  readonly acknowledgedBps: number
  readonly roundTripMs: number
  /** The application sends less than it could. */
  readonly isApplicationLimited: boolean
}

export interface Options {
  readonly startBps: number
  readonly maxBps: number
  /** `estimateBpsMin` if it is left out. */
  readonly minBps?: number
}

/** libwebrtc kCongestionControllerMinBitrate. Bits a second. */
export const estimateBpsMin = 5000
/** Of what arrives, kept at an overuse. draft-ietf-rmcat-gcc-02 section 5.5 beta; libwebrtc kDefaultBackoffFactor. */
const decreaseFactor = 0.85
/** Taken off besides, so that at low rates the queue empties too. libwebrtc AimdRateControl::ChangeBitrate. Bits a second. */
const decreaseMarginBps = 5000
/**
 * The same for all, whatever they have: with decreases in proportion, flows that share a path come to equal shares (Chiu and
 * Jain, 1989), as they do not if each grows by a share of its own. Larger steps are for probes. Bits a second, each second.
 */
const increaseBpsPerSecond = 120_000
/** But no more than this share of the estimate in a second: on a narrow path the same would be too much. */
const increaseRatioMax = 0.25
/** libwebrtc GetNearMaxIncreaseRateBpsPerSecond. Bits a second, each second. */
const increaseBpsPerSecondMin = 4000
/** However long nothing was heard, one growth is not more than that of this time. libwebrtc MultiplicativeRateIncrease. Milliseconds. */
const increaseMsMax = 1000
/** The estimate stays below this, of what arrives. draft-ietf-rmcat-gcc-02 section 5.5; libwebrtc ChangeBitrate. */
const ceilingFactor = 1.5
const ceilingMarginBps = 10_000
/** Bounds of the time between two decreases. libwebrtc AimdRateControl::TimeToReduceFurther. Milliseconds. */
const decreaseAfterMsMin = 10
const decreaseAfterMsMax = 200
/** Less than this arrives, of the estimate: do not wait. The same. */
const collapseRatio = 0.5

export const make = ({ maxBps, minBps = estimateBpsMin, startBps }: Options): RateControl => {
  const estimateBps = Math.min(maxBps, Math.max(minBps, startBps))
  return {
    minBps,
    maxBps,
    estimateBps,
    capacity: LinkCapacity.make(),
    isHolding: true,
    acknowledgedBps: estimateBps,
    changedAtMs: -Infinity
  }
}

/** Call for every report. While overusing only when `isTimeToDecrease`: each call takes the estimate down. */
export const handleUsage = (self: RateControl, usage: Usage, input: ReportInput, nowMs: number): void => {
  if (!Number.isNaN(input.acknowledgedBps)) self.acknowledgedBps = input.acknowledgedBps
  if (usage === Usage.Overusing) decrease(self, nowMs)
  else if (usage === Usage.Underusing) self.isHolding = true
  else increase(self, input, nowMs)
}

/** The estimate is known from elsewhere: a probe has shown it, or the owner has decided. */
export const setEstimate = (self: RateControl, rateBps: number, nowMs: number): void => {
  self.estimateBps = Math.min(self.maxBps, Math.max(self.minBps, rateBps))
  self.changedAtMs = nowMs
}

/** The same, and it stays until the path is clear. */
export const holdAt = (self: RateControl, rateBps: number, nowMs: number): void => {
  setEstimate(self, rateBps, nowMs)
  self.isHolding = true
}

/** What an earlier decrease does must be seen first: a round trip, unless far less arrives than is thought. */
export const isTimeToDecrease = (self: RateControl, input: ReportInput, nowMs: number): boolean => {
  const { acknowledgedBps, roundTripMs } = input
  const passedMs = nowMs - self.changedAtMs
  const waitMs = Math.min(decreaseAfterMsMax, Math.max(decreaseAfterMsMin, roundTripMs))
  // Less than nothing: the clock was set, and says nothing of the last change.
  return passedMs >= waitMs || passedMs < 0 || acknowledgedBps < collapseRatio * self.estimateBps
}

const increase = (self: RateControl, input: ReportInput, nowMs: number): void => {
  const { acknowledgedBps, capacity, estimateBps } = self
  const passedMs = self.isHolding ? 0 : Math.min(increaseMsMax, Math.max(0, nowMs - self.changedAtMs))
  self.isHolding = false
  self.changedAtMs = nowMs
  LinkCapacity.handleRate(capacity, acknowledgedBps)
  // What is not sent shows nothing of the path: only a probe can. libwebrtc has this as an option, send_side and in_alr.
  if (input.isApplicationLimited) return
  const ceilingBps = Math.min(self.maxBps, ceilingFactor * acknowledgedBps + ceilingMarginBps)
  // It may be above already, for what arrives can fall: that alone is no reason to decrease.
  if (estimateBps >= ceilingBps) return
  const growthBps = Math.min(increaseBpsPerSecond, Math.max(increaseBpsPerSecondMin, increaseRatioMax * estimateBps))
  self.estimateBps = Math.min(ceilingBps, estimateBps + (growthBps * passedMs) / 1000)
}

const decrease = (self: RateControl, nowMs: number): void => {
  const { acknowledgedBps, capacity, estimateBps } = self
  let decreasedBps = decreasedFrom(acknowledgedBps)
  // More arrives than is thought to fit, from a queue perhaps: then what was known of the path counts.
  if (decreasedBps > estimateBps && LinkCapacity.isKnown(capacity)) decreasedBps = decreaseFactor * capacity.meanBps
  self.estimateBps = Math.max(self.minBps, Math.min(estimateBps, decreasedBps))
  LinkCapacity.handleOveruse(capacity, acknowledgedBps)
  self.isHolding = true
  self.changedAtMs = nowMs
}

const decreasedFrom = (acknowledgedBps: number): number => {
  const decreasedBps = decreaseFactor * acknowledgedBps
  return decreasedBps > decreaseMarginBps ? decreasedBps - decreaseMarginBps : decreasedBps
}
