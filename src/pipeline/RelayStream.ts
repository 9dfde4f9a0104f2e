import * as KeyFrameRequest from "../media/KeyFrameRequest.ts"
import * as RateNotice from "../media/RateNotice.ts"
import * as StreamClock from "../media/StreamClock.ts"
import type { StreamDescription } from "../protocol/StreamDescription.ts"
import type { LayerForwarding } from "./LayerForwarding.ts"
import type { RelayLeg } from "./RelayLeg.ts"
import type * as StreamRate from "./StreamRate.ts"

/** One stream of a call as it comes in on one leg, and where it goes: the row of the plan, ready for use. */
export interface RelayStream {
  readonly description: StreamDescription
  readonly clock: StreamClock.StreamClock
  /** The legs that get it. Replaced whole by each plan, and when a leg takes another layer. */
  targets: ReadonlyArray<RelayLeg>
  /** Devices take one layer of its source, or none: each has a LayerForwarding for it. */
  isSelected: boolean
  /** Those for whom something changes when a frame of it starts. Replaced whole. */
  pending: ReadonlyArray<LayerForwarding>
  /** Those of `targets` that get no discardable frames. Replaced whole. */
  sparing: ReadonlyArray<LayerForwarding>
  /** Video only. */
  readonly keyFrames: KeyFrameRequest.KeyFrameRequest | undefined
  /** Video only. */
  readonly notice: RateNotice.RateNotice | undefined
  /** `undefined`: nobody has asked for it. */
  rate: StreamRate.StreamRate | undefined
  packets: number
  bytes: number
  /** Of those, of frames that no other is built on. */
  discardableBytes: number
  /** Packets lost on the way here that a resend or repair packets brought. */
  packetsRepaired: number
}

export const make = (description: StreamDescription): RelayStream => ({
  description,
  clock: StreamClock.make(description.kind, description.clockRate),
  targets: [],
  isSelected: false,
  pending: [],
  sparing: [],
  keyFrames: description.kind === "video" ? KeyFrameRequest.make(description.ssrc) : undefined,
  notice: description.kind === "video" ? RateNotice.make(description.ssrc) : undefined,
  rate: undefined,
  packets: 0,
  bytes: 0,
  discardableBytes: 0,
  packetsRepaired: 0
})
