import * as KeyFrameRequest from "../media/KeyFrameRequest.ts"
import * as RateNotice from "../media/RateNotice.ts"
import * as StreamClock from "../media/StreamClock.ts"
import type { StreamDescription } from "../protocol/StreamDescription.ts"
import type { RelayLeg } from "./RelayLeg.ts"
import type * as StreamRate from "./StreamRate.ts"

/** One stream of a call as it comes in on one leg, and where it goes: the row of the plan, ready for use. */
export interface RelayStream {
  readonly description: StreamDescription
  readonly clock: StreamClock.StreamClock
  /** The legs that get it. Replaced whole by each plan. */
  targets: ReadonlyArray<RelayLeg>
  /** Video only. */
  readonly keyFrames: KeyFrameRequest.KeyFrameRequest | undefined
  /** Video only. */
  readonly notice: RateNotice.RateNotice | undefined
  /** `undefined`: nobody has asked for it. */
  rate: StreamRate.StreamRate | undefined
  packets: number
  bytes: number
  /** Packets lost on the way here that a resend or repair packets brought. */
  packetsRepaired: number
}

export const make = (description: StreamDescription): RelayStream => ({
  description,
  clock: StreamClock.make(description.kind, description.clockRate),
  targets: [],
  keyFrames: description.kind === "video" ? KeyFrameRequest.make(description.ssrc) : undefined,
  notice: description.kind === "video" ? RateNotice.make(description.ssrc) : undefined,
  rate: undefined,
  packets: 0,
  bytes: 0,
  packetsRepaired: 0
})
