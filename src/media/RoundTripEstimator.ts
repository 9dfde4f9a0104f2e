/** Smoothed round trip of one leg, RFC 6298 section 2. Its variation is not used: docs/decisions/0005. */
export interface RoundTripEstimator {
  /** `undefined` until the first measurement. Milliseconds. */
  smoothedMs: number | undefined
}

/** What a leg assumes before it has measured. libwebrtc NackRequester kDefaultRttMs. Milliseconds. */
export const roundTripMsInitial = 100
/** RFC 6298 section 2. */
const alpha = 1 / 8
/** A longer sample says that somebody has stood still, not how long the path is. As long as a ping is waited for. Milliseconds. */
const sampleMsMax = 3000

export const make = (): RoundTripEstimator => ({ smoothedMs: undefined })

export const handleSample = (self: RoundTripEstimator, sampleMs: number): void => {
  // Below 0 is a hold time that was rounded up, NaN a departure that is not known.
  if (!(sampleMs >= 0 && sampleMs <= sampleMsMax)) return
  self.smoothedMs = self.smoothedMs === undefined ? sampleMs : self.smoothedMs + alpha * (sampleMs - self.smoothedMs)
}

export const roundTripMs = (self: RoundTripEstimator): number => self.smoothedMs ?? roundTripMsInitial
