import type * as BandwidthEstimator from "./bandwidth/BandwidthEstimator.ts"
import * as HopFrame from "../protocol/HopFrame.ts"
import * as SequenceNumber from "../protocol/SequenceNumber.ts"

/**
 * What a device's leg and a trunk do not have in common: how wide their numbers are, and how much they may have to keep. A
 * device sends and receives some thousand packets a second at most. A trunk carries all calls between two relays, a hundred
 * thousand packets a second and more, and must still repair over a round trip of 200 ms. Windows are powers of two; they
 * grow on demand, and an idle leg has none.
 */
export interface LegKind {
  /** The leg tag is one call's and not the leg's, so each packet has its own. */
  readonly isTrunk: boolean
  readonly headerBytes: number
  /** Of hop and repair sequences. See SequenceNumber. */
  readonly mask: number
  readonly shift: number
  /** Numbers that DepartureRecorder keeps: those of a second. */
  readonly departuresMax: number
  /** Numbers that SentHistory keeps: those of a second and a half. */
  readonly sentMax: number
  /** Numbers that ArrivalRecorder keeps until they are reported. What lies further off is far outside. */
  readonly arrivalsMax: number
  /** Numbers among which NackGenerator looks for what is missing: those of a second. */
  readonly windowMax: number
  /** A larger hole is not asked for, and what lies further off is far outside. Packets. */
  readonly gapMax: number
  /** Share of the time that is waited for what has been overtaken, which is forgotten with each packet that fills no gap. */
  readonly reorderDecay: number
  /** Resends that may be saved up, as many as a hole may be large. */
  readonly resendBudgetMax: number
  /** Requests for key frames of which it is remembered whether they have arrived. */
  readonly asksMax: number
  /** Reports that are sent at once when so much is due. */
  readonly reportsMax: number
  /** Of the estimate of what the path carries. */
  readonly bandwidth: BandwidthEstimator.Options
}

export const device: LegKind = {
  isTrunk: false,
  headerBytes: HopFrame.headerBytes,
  mask: SequenceNumber.mask,
  shift: SequenceNumber.shift,
  departuresMax: 4096,
  sentMax: 4096,
  arrivalsMax: 1024,
  windowMax: 2048,
  // libwebrtc kMaxNackPackets.
  gapMax: 1000,
  reorderDecay: 1 / 256,
  resendBudgetMax: 256,
  asksMax: 64,
  reportsMax: 1,
  // Starts as libwebrtc does. A probe finds what somebody on stage and a grid of eight need, and no more.
  bandwidth: { startBps: 300_000, minBps: 30_000, maxBps: 1e9, probeMaxBps: 10_000_000 }
}

export const trunk: LegKind = {
  isTrunk: true,
  headerBytes: HopFrame.trunkHeaderBytes,
  mask: SequenceNumber.wideMask,
  shift: SequenceNumber.wideShift,
  departuresMax: 1 << 17,
  sentMax: 1 << 18,
  arrivalsMax: 1 << 15,
  windowMax: 1 << 17,
  // What 100,000 packets a second lose in 160 ms.
  gapMax: 1 << 14,
  // Hundreds of packets overtake one that is late by some milliseconds.
  reorderDecay: 1 / 8192,
  resendBudgetMax: 1 << 14,
  asksMax: 1024,
  reportsMax: 16,
  // Data centres are joined by more; what is carried shows itself.
  bandwidth: { startBps: 20_000_000, minBps: 1_000_000, maxBps: 1e11, probeMaxBps: 100_000_000 }
}

export const byName = { device, trunk }
