import type { ReportedPacket } from "./ReportedPacket.ts"

/**
 * What has really arrived on the other side, bits a second. Samples of 150 ms, each weighted by how far it lies from
 * what was known (Bayes): a lone outlier moves the rate little, several in a row take it along. After libwebrtc
 * BitrateEstimator. Owned by exactly one estimator and changed in place.
 */
export interface AcknowledgedRate {
  /** Bits a second; NaN until half a second has been measured. */
  rateBps: number
  /** The same in kilobits, the unit that the variances below are made for. */
  rateKbps: number
  /** Of the rate. Square kilobits a second. */
  variance: number
  /** Of the window that is not over. */
  windowBytes: number
  windowMs: number
  /** Newest arrival, the receiver's clock; NaN before the first. */
  lastArrivedAtMs: number
}

/** The first window is longer, for it stands alone. libwebrtc BitrateEstimator kInitialRateWindowMs. Milliseconds. */
const firstWindowMs = 500
/** libwebrtc BitrateEstimator kRateWindowMs. Milliseconds. */
const laterWindowMs = 150
/**
 * Deviation of a sample that lies as far off as the rate is large. libwebrtc BitrateEstimator uncertainty_scale_; the
 * same while the application sends less than it could (uncertainty_scale_in_alr_), unless a field trial says otherwise.
 */
const uncertaintyScale = 10
/** libwebrtc BitrateEstimator bitrate_estimate_var_. */
const varianceInitial = 50
/** With every window the rate is known less well. libwebrtc BitrateEstimator::Update. */
const varianceGained = 5
/** libwebrtc BitrateEstimator::ExpectFastRateChange. */
const varianceOfChange = 200
/** A lower rate is no measure for others. Kilobits a second. */
const rateKbpsMin = 1

export const make = (): AcknowledgedRate => ({
  rateBps: NaN,
  rateKbps: NaN,
  variance: varianceInitial,
  windowBytes: 0,
  windowMs: 0,
  lastArrivedAtMs: NaN
})

/** Call for every packet that has arrived, in the order of sending: small steps back in time are reordering. */
export const handlePacket = (self: AcknowledgedRate, { arrivedAtMs, bytes }: ReportedPacket): void => {
  const windowMs = Number.isNaN(self.rateKbps) ? firstWindowMs : laterWindowMs
  let passedMs = arrivedAtMs - self.lastArrivedAtMs
  if (passedMs < -windowMs || Number.isNaN(passedMs)) {
    // The first of all, or a clock that was set back.
    self.windowBytes = 0
    self.windowMs = 0
    passedMs = 0
    self.lastArrivedAtMs = arrivedAtMs
  }
  // libwebrtc starts the window anew for any step back, but it sorts by arrival: here that would throw bytes away.
  if (passedMs > 0) {
    self.lastArrivedAtMs = arrivedAtMs
    self.windowMs += passedMs
    // Nothing for a whole window is a pause, and no rate.
    if (passedMs > windowMs) {
      self.windowBytes = 0
      self.windowMs %= windowMs
    }
    if (self.windowMs >= windowMs) {
      handleSample(self, windowMs)
      self.rateBps = self.rateKbps * 1000
      self.windowMs -= windowMs
      self.windowBytes = 0
    }
  }
  self.windowBytes += bytes
}

/** The next samples count more: the application sends again what it can, after it sent less. */
export const expectChange = (self: AcknowledgedRate): void => {
  self.variance += varianceOfChange
}

const handleSample = (self: AcknowledgedRate, windowMs: number): void => {
  const sampleKbps = (8 * self.windowBytes) / windowMs
  if (Number.isNaN(self.rateKbps)) {
    self.rateKbps = sampleKbps
    return
  }
  // Beside next to nothing every sample would be an outlier; so it is taken as it is.
  const distance = self.rateKbps < rateKbpsMin ? 0 : Math.abs(self.rateKbps - sampleKbps) / self.rateKbps
  const sampleVariance = (uncertaintyScale * distance) ** 2
  const variance = self.variance + varianceGained
  const sum = sampleVariance + variance
  self.rateKbps += (variance / sum) * (sampleKbps - self.rateKbps)
  self.variance = (sampleVariance / sum) * variance
}
