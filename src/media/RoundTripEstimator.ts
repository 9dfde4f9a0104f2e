/** Smoothed round trip of one leg, RFC 6298 section 2 without its clock granularity. Milliseconds. */
export interface RoundTripEstimator {
  /** `undefined` until the first measurement. */
  smoothedMs: number | undefined
  variationMs: number
}

/** What a leg assumes before it has measured. libwebrtc NackRequester kDefaultRttMs. Milliseconds. */
export const roundTripMsInitial = 100
/** RFC 6298 section 2. */
const alpha = 1 / 8
const beta = 1 / 4

export const make = (): RoundTripEstimator => ({ smoothedMs: undefined, variationMs: 0 })

export const handleSample = (self: RoundTripEstimator, sampleMs: number): void => {
  if (!(sampleMs >= 0)) return // a hold time that was rounded up, or a departure that is not known
  if (self.smoothedMs === undefined) {
    self.smoothedMs = sampleMs
    self.variationMs = sampleMs / 2
    return
  }
  self.variationMs += beta * (Math.abs(self.smoothedMs - sampleMs) - self.variationMs)
  self.smoothedMs += alpha * (sampleMs - self.smoothedMs)
}

export const roundTripMs = (self: RoundTripEstimator): number => self.smoothedMs ?? roundTripMsInitial
