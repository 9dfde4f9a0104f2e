/** Smoothed round trip of one leg, RFC 6298 section 2. Its variation is not used: docs/decisions/0005. */
export interface RoundTripEstimator {
  /** `undefined` until the first measurement. Milliseconds. */
  smoothedMs: number | undefined
}

/** What a leg assumes before it has measured. libwebrtc NackRequester kDefaultRttMs. Milliseconds. */
export const roundTripMsInitial = 100
/** RFC 6298 section 2. */
const alpha = 1 / 8

export const make = (): RoundTripEstimator => ({ smoothedMs: undefined })

export const handleSample = (self: RoundTripEstimator, sampleMs: number): void => {
  if (!(sampleMs >= 0)) return // a hold time that was rounded up, or a departure that is not known
  self.smoothedMs = self.smoothedMs === undefined ? sampleMs : self.smoothedMs + alpha * (sampleMs - self.smoothedMs)
}

export const roundTripMs = (self: RoundTripEstimator): number => self.smoothedMs ?? roundTripMsInitial
