import * as BandwidthEstimator from "../media/bandwidth/BandwidthEstimator.ts"
import * as HopFrame from "../protocol/HopFrame.ts"

/** How much comes of one stream. Brought up to date by whoever asks: what nobody asks for costs nothing. */
export interface StreamRate {
  /** Of the last window that is whole, with all headers; NaN before the first. Bits a second. */
  rateBps: number
  /** The same without frames that no other is built on. */
  firmBps: number
  discardableBytesBefore: number
  bytesBefore: number
  packetsBefore: number
  sinceMs: number
}

/** Over which it is measured, at least. Milliseconds. */
export const windowMs = 1000
/** In front of each RTP packet on a device's leg. Bytes. */
const headerBytes = BandwidthEstimator.datagramOverheadBytes + HopFrame.headerBytes

export const make = (): StreamRate => ({
  rateBps: NaN,
  firmBps: NaN,
  discardableBytesBefore: 0,
  bytesBefore: 0,
  packetsBefore: 0,
  sinceMs: NaN
})

/** All that has come, RTP headers included. */
export interface Counts {
  readonly bytes: number
  readonly packets: number
  readonly discardableBytes: number
}

export const update = (self: StreamRate, { bytes, discardableBytes, packets }: Counts, nowMs: number): void => {
  if (nowMs - self.sinceMs < windowMs) return
  // The first window has no beginning.
  if (!Number.isNaN(self.sinceMs)) {
    const wireBytes = bytes - self.bytesBefore + headerBytes * (packets - self.packetsBefore)
    self.rateBps = (wireBytes * 8000) / (nowMs - self.sinceMs)
    const discardable = discardableBytes - self.discardableBytesBefore
    self.firmBps = discardable === 0 ? self.rateBps : self.rateBps * (1 - discardable / (bytes - self.bytesBefore))
  }
  self.discardableBytesBefore = discardableBytes
  self.bytesBefore = bytes
  self.packetsBefore = packets
  self.sinceMs = nowMs
}
