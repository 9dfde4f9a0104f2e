import type { ReportedPacket } from "./ReportedPacket.ts"

/**
 * What has arrived since a moment ago, as it is: no sample is doubted, and none is remembered. While a queue stands it is
 * what the path carries; AcknowledgedRate takes half a second to see a fall to a quarter. Owned by exactly one estimator and
 * changed in place.
 */
export interface DeliveryRate {
  /** The newest measurement. Bits a second; NaN before the first. */
  rateBps: number
  /** What it was made from; 0 when the last report has not completed one. */
  measuredBytes: number
  measuredMs: number
  /** Of the measurement that is going on. The receiver's clock; NaN before the first arrival. */
  bytes: number
  sinceMs: number
  lastArrivedAtMs: number
}

/** Less is no rate: two frames of video are 67 ms apart at 30 a second. A report every 100 ms then makes one. Milliseconds. */
const measuredMsMin = 70
/** Beyond it lies a pause, or a clock that was set. Milliseconds. */
const pauseMs = 1000

export const make = (): DeliveryRate => ({
  rateBps: Number.NaN,
  measuredBytes: 0,
  measuredMs: 0,
  bytes: 0,
  sinceMs: Number.NaN,
  lastArrivedAtMs: Number.NaN
})

/** Call for every packet that has arrived, in the order of sending: small steps back in time are reordering. */
export const handlePacket = (self: DeliveryRate, { arrivedAtMs, bytes }: ReportedPacket): void => {
  const passedMs = arrivedAtMs - self.lastArrivedAtMs
  if (!(Math.abs(passedMs) <= pauseMs)) {
    // Its own bytes arrived before the time that is measured.
    self.bytes = 0
    self.sinceMs = arrivedAtMs
    self.lastArrivedAtMs = arrivedAtMs
    return
  }
  self.bytes += bytes
  if (passedMs > 0) self.lastArrivedAtMs = arrivedAtMs
}

/** Call when all packets of a report have been handled. */
export const handleReport = (self: DeliveryRate): void => {
  self.measuredBytes = 0
  self.measuredMs = 0
  const measuredMs = self.lastArrivedAtMs - self.sinceMs
  if (!(measuredMs >= measuredMsMin)) return
  self.rateBps = (self.bytes * 8000) / measuredMs
  self.measuredBytes = self.bytes
  self.measuredMs = measuredMs
  self.bytes = 0
  self.sinceMs = self.lastArrivedAtMs
}
