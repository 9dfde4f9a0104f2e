import type { ReportedPacket } from "./ReportedPacket.ts"

/**
 * What one leg's reports have said of losses, in the newest observations of a quarter of a second each, and one that is being
 * collected. Owned by one loss-based estimator and changed in place: the collected one with every reported packet.
 */
export interface LossObservations {
  /** Of observation `n`, counted from the first, at `n % observationsMax`. */
  readonly bytes: Float64Array
  readonly lostBytes: Float64Array
  /** How fast was sent. Bits a second. */
  readonly sendBps: Float64Array
  /** How many there have been, those that have fallen out too. */
  count: number
  /** Share of the bytes that was lost, 0..1, the newest weighing most, without the best and the worst. */
  lossRatio: number
  openBytes: number
  openLostBytes: number
  /** Departure of the first and of the newest packet of the one that is being collected. */
  openFirstAtMs: number
  openLastAtMs: number
  /** Departure of the last packet of the newest observation; NaN before the first report. */
  closedAtMs: number
  readonly scratch: Float64Array
}

/** libwebrtc LossBasedBweV2 ObservationWindowSize. */
export const observationsMax = 15
/** libwebrtc ObservationDurationLowerBound. Milliseconds. */
export const observationMsMin = 250
/** libwebrtc TemporalWeightFactor and InstantUpperBoundTemporalWeightFactor. An observation to the one after it. */
const agingFactor = 0.9
/** With as few the best and the worst say as much as the others. libwebrtc CalculateAverageReportedByteLossRatio. */
const keepAllUpTo = 3
/** Whoever suddenly sends so many times the usual has losses that are no outlier. libwebrtc MedianSendingRateFactor. */
const surgeFactor = 2
/** The largest UDP datagram: what claims to be larger is counted as this. */
const packetBytesMax = 65_535
/** Departures that lie so far before the last observation are of a clock that was set back. Milliseconds. */
const backwardMsMax = 5000

export const make = (): LossObservations => ({
  bytes: new Float64Array(observationsMax),
  lostBytes: new Float64Array(observationsMax),
  sendBps: new Float64Array(observationsMax),
  count: 0,
  lossRatio: 0,
  openBytes: 0,
  openLostBytes: 0,
  openFirstAtMs: Infinity,
  openLastAtMs: -Infinity,
  closedAtMs: Number.NaN,
  scratch: new Float64Array(observationsMax)
})

/** Call once for each packet that a report speaks of. */
export const handlePacket = (self: LossObservations, { bytes, sentAtMs }: ReportedPacket, isLost: boolean): void => {
  // A departure that is not known is NaN.
  if (!Number.isFinite(sentAtMs) || !(bytes > 0)) return
  const counted = Math.min(bytes, packetBytesMax)
  self.openBytes += counted
  if (isLost) self.openLostBytes += counted
  if (sentAtMs < self.openFirstAtMs) self.openFirstAtMs = sentAtMs
  if (sentAtMs > self.openLastAtMs) self.openLastAtMs = sentAtMs
}

/** Call after the packets of a report. True when an observation has come to its end. */
export const handleReport = (self: LossObservations): boolean => {
  if (self.openBytes === 0) return false
  if (!(self.openLastAtMs >= self.closedAtMs - backwardMsMax)) self.closedAtMs = self.openFirstAtMs
  const durationMs = self.openLastAtMs - self.closedAtMs
  if (durationMs < observationMsMin) return false
  const at = self.count % observationsMax
  self.bytes[at] = self.openBytes
  self.lostBytes[at] = self.openLostBytes
  self.sendBps[at] = (self.openBytes * 8000) / durationMs
  self.count++
  self.closedAtMs = self.openLastAtMs
  self.openBytes = 0
  self.openLostBytes = 0
  self.openFirstAtMs = Infinity
  self.openLastAtMs = -Infinity
  self.lossRatio = averageLossRatio(self)
  return true
}

/** How many observations are there to look at. */
export const length = (self: LossObservations): number => Math.min(self.count, observationsMax)

/** Where observation `age` is, the newest being 0. */
export const indexOf = (self: LossObservations, age: number): number => (self.count - 1 - age) % observationsMax

/** What an observation of this age weighs, the newest being 0. */
export const weightOf = (age: number): number => weights[age]!

const weights = Float64Array.from({ length: observationsMax }, (_, age) => agingFactor ** age)

const averageLossRatio = (self: LossObservations): number => {
  let totalBytes = 0
  let lostBytes = 0
  let worst = -1
  let best = -1
  for (let age = 0; age < length(self); age++) {
    const at = indexOf(self, age)
    totalBytes += weightOf(age) * self.bytes[at]!
    lostBytes += weightOf(age) * self.lostBytes[at]!
    if (worst < 0 || lossRatioOf(self, age) > lossRatioOf(self, worst)) worst = age
    if (best < 0 || lossRatioOf(self, age) <= lossRatioOf(self, best)) best = age
  }
  const isSurge = self.sendBps[indexOf(self, worst)]! >= surgeFactor * medianSendBps(self)
  if (self.count > keepAllUpTo && worst !== best && !isSurge) {
    totalBytes -= weightedBytes(self.bytes, self, worst) + weightedBytes(self.bytes, self, best)
    lostBytes -= weightedBytes(self.lostBytes, self, worst) + weightedBytes(self.lostBytes, self, best)
  }
  // What is left of a subtraction may lie a little below zero.
  return totalBytes > 0 ? Math.min(1, Math.max(0, lostBytes / totalBytes)) : 0
}

const lossRatioOf = (self: LossObservations, age: number): number =>
  self.lostBytes[indexOf(self, age)]! / self.bytes[indexOf(self, age)]!

const weightedBytes = (bytes: Float64Array, self: LossObservations, age: number): number =>
  weightOf(age) * bytes[indexOf(self, age)]!

const medianSendBps = ({ count, scratch, sendBps }: LossObservations): number => {
  const used = Math.min(count, observationsMax)
  scratch.fill(Infinity)
  for (let i = 0; i < used; i++) scratch[i] = sendBps[i]!
  scratch.sort()
  return (scratch[(used - 1) >> 1]! + scratch[used >> 1]!) / 2
}
