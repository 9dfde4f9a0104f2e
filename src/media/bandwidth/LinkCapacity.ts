/**
 * What the path can carry, as far as overuse has shown: mean and deviation of the rates that had arrived when it was
 * noticed. draft-ietf-rmcat-gcc-02 section 5.5 asks for it; the numbers are libwebrtc LinkCapacityEstimator's. Owned by
 * exactly one rate control and changed in place.
 */
export interface LinkCapacity {
  /** Bits a second; NaN: not known. */
  meanBps: number
  /** Variance divided by the mean. Kilobits a second. */
  variance: number
}

/** Of each new rate. draft-ietf-rmcat-gcc-02 section 5.5 (smoothing 0.95); libwebrtc LinkCapacityEstimator::OnOveruseDetected. */
const weight = 0.05
/** Bounds of the variance: deviations of 14 and 35 kbps at 500 kbps. libwebrtc LinkCapacityEstimator::Update. */
const varianceMin = 0.4
const varianceMax = 2.5
/** Beyond so many deviations the path is another. draft-ietf-rmcat-gcc-02 section 5.5; libwebrtc UpperBound, LowerBound. */
const deviationsMax = 3

export const make = (): LinkCapacity => ({ meanBps: NaN, variance: varianceMin })

export const isKnown = (self: LinkCapacity): boolean => !Number.isNaN(self.meanBps)

/** So much was arriving when the path was overused. */
export const handleOveruse = (self: LinkCapacity, acknowledgedBps: number): void => {
  if (acknowledgedBps < self.meanBps - spreadBps(self)) forget(self)
  self.meanBps = isKnown(self) ? self.meanBps + weight * (acknowledgedBps - self.meanBps) : acknowledgedBps
  const errorKbps = (self.meanBps - acknowledgedBps) / 1000
  const variance = (errorKbps * errorKbps) / Math.max(self.meanBps / 1000, 1)
  self.variance += weight * (variance - self.variance)
  self.variance = Math.min(varianceMax, Math.max(varianceMin, self.variance))
}

/** So much arrives, and nothing is overused: the path may carry more than was thought. */
export const handleRate = (self: LinkCapacity, acknowledgedBps: number): void => {
  if (acknowledgedBps > self.meanBps + spreadBps(self)) forget(self)
}

const forget = (self: LinkCapacity): void => {
  self.meanBps = NaN
}

const spreadBps = (self: LinkCapacity): number =>
  deviationsMax * Math.sqrt((self.variance * self.meanBps) / 1000) * 1000
