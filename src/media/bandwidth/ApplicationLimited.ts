/**
 * Whether a leg sends less than it might, so that what arrives says nothing of what the path holds: libwebrtc AlrDetector.
 * A budget fills at a share of the estimate and is drawn on by what is sent. Owned by exactly one leg and changed in place.
 */
export interface ApplicationLimited {
  isLimited: boolean
  /** Since when; NaN while it is not. Milliseconds. */
  sinceMs: number
  /** At which the budget fills. Bits a second. */
  budgetBps: number
  /** What is left of it; below 0 when more was sent. */
  remainingBytes: number
  lastMs: number
}

/** libwebrtc AlrDetectorConfig bandwidth_usage_ratio. Share of the estimate. */
export const usageRatio = 0.65
/** libwebrtc IntervalBudget kWindowMs: so much of the rate is saved up, or owed, at most. Milliseconds. */
export const windowMs = 500
/** libwebrtc start_budget_level_ratio. Share of the largest budget. */
export const startAboveRatio = 0.8
/** libwebrtc stop_budget_level_ratio. */
export const stopBelowRatio = 0.5
/** Of no rate at all no budget could be saved, and shares of it would not be numbers. Bits a second. */
const budgetBpsMin = 1
/** The largest rate, and most bytes at once, that are believed, far beyond any: sums stay finite. */
const budgetBpsMax = 1e12
const sentBytesMax = 1e12

export const make = (): ApplicationLimited => ({
  isLimited: false,
  sinceMs: Number.NaN,
  budgetBps: budgetBpsMin,
  remainingBytes: 0,
  lastMs: Number.NaN
})

export const setEstimate = (self: ApplicationLimited, rateBps: number): void => {
  const budgetBps = rateBps > 0 ? rateBps * usageRatio : budgetBpsMin
  self.budgetBps = Math.min(budgetBpsMax, Math.max(budgetBpsMin, budgetBps))
  const bytesMax = budgetBytesMax(self)
  self.remainingBytes = Math.min(bytesMax, Math.max(-bytesMax, self.remainingBytes))
}

/** Call now and then with what has been sent since: with none too, for a leg that falls silent is limited as well. */
export const handleSent = (self: ApplicationLimited, bytes: number, nowMs: number): void => {
  // A clock that was set back adds nothing, and goes on from there.
  const elapsedMs = nowMs > self.lastMs ? Math.min(2 * windowMs, nowMs - self.lastMs) : 0
  if (Number.isFinite(nowMs)) self.lastMs = nowMs
  const bytesMax = budgetBytesMax(self)
  const sentBytes = bytes > 0 ? Math.min(bytes, sentBytesMax) : 0
  const owedBytes = Math.max(-bytesMax, self.remainingBytes - sentBytes)
  self.remainingBytes = Math.min(bytesMax, owedBytes + (self.budgetBps * elapsedMs) / 8000)
  const ratio = self.remainingBytes / bytesMax
  if (!self.isLimited && ratio > startAboveRatio) {
    self.isLimited = true
    self.sinceMs = self.lastMs
  } else if (self.isLimited && ratio < stopBelowRatio) {
    self.isLimited = false
    self.sinceMs = Number.NaN
  }
}

const budgetBytesMax = ({ budgetBps }: ApplicationLimited): number => (budgetBps * windowMs) / 8000
