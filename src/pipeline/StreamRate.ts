import * as BandwidthEstimator from "../media/bandwidth/BandwidthEstimator.ts"
import * as HopFrame from "../protocol/HopFrame.ts"

/** How much comes of one stream. Brought up to date by whoever asks: what nobody asks for costs nothing. */
export interface StreamRate {
  /** Of the last window that is whole, with all headers; NaN before the first. Bits a second. */
  rateBps: number
  bytesBefore: number
  packetsBefore: number
  sinceMs: number
}

/** Over which it is measured, at least. Milliseconds. */
export const windowMs = 1000
/** In front of each RTP packet on a device's leg. Bytes. */
const headerBytes = BandwidthEstimator.datagramOverheadBytes + HopFrame.headerBytes

export const make = (): StreamRate => ({ rateBps: NaN, bytesBefore: 0, packetsBefore: 0, sinceMs: NaN })

/** `bytes` and `packets`: all that have come of the stream, RTP headers included. */
export const update = (self: StreamRate, bytes: number, packets: number, nowMs: number): void => {
  if (nowMs - self.sinceMs < windowMs) return
  // The first window has no beginning.
  if (!Number.isNaN(self.sinceMs)) {
    const wireBytes = bytes - self.bytesBefore + headerBytes * (packets - self.packetsBefore)
    self.rateBps = (wireBytes * 8000) / (nowMs - self.sinceMs)
  }
  self.bytesBefore = bytes
  self.packetsBefore = packets
  self.sinceMs = nowMs
}
