import * as KeyFrameRequest from "../media/KeyFrameRequest.ts"
import * as RateNotice from "../media/RateNotice.ts"
import * as StreamClock from "../media/StreamClock.ts"
import type { StreamDescription } from "../protocol/StreamDescription.ts"
import type { LayerForwarding } from "./LayerForwarding.ts"
import type { RelayLeg } from "./RelayLeg.ts"
import type * as StreamRate from "./StreamRate.ts"
import * as VoiceGate from "./VoiceGate.ts"

/** One stream of a call as it comes in on one leg, and where it goes: the row of the plan, ready for use. */
export interface RelayStream {
  readonly description: StreamDescription
  readonly clock: StreamClock.StreamClock
  /** The legs that get it. Replaced whole by each plan, and when a leg takes another layer. */
  targets: ReadonlyArray<RelayLeg>
  /** Audio only. */
  readonly gate: VoiceGate.VoiceGate | undefined
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

const nobody: ReadonlyArray<RelayLeg> = []

/** A new plan: these legs get the stream when it is let through, and now it is, or is not. `voices`: of audio, those of its call. */
export const route = (
  self: RelayStream,
  audience: ReadonlyArray<RelayLeg>,
  isPlanned: boolean,
  nowMs: number,
  voices = VoiceGate.makeVoices(false)
): void => {
  const { gate, keyFrames } = self
  // Whoever switched it off would be asked for one for ever.
  if (!isPlanned && keyFrames !== undefined) KeyFrameRequest.forget(keyFrames)
  self.isSelected = false
  self.pending = []
  self.sparing = []
  if (gate === undefined) self.targets = isPlanned ? audience : nobody
  else {
    gate.audience = audience
    VoiceGate.handlePlan(gate, isPlanned, voices, nowMs)
    self.targets = VoiceGate.isOpen(gate, nowMs) ? audience : nobody
  }
}

/** Audio alone: goes to those who would get it by the plan, or to nobody. */
export const open = (self: RelayStream): void => {
  self.targets = self.gate?.audience ?? nobody
}
export const close = (self: RelayStream): void => {
  self.targets = nobody
}

export const make = (description: StreamDescription): RelayStream => ({
  description,
  clock: StreamClock.make(description.kind, description.clockRate),
  targets: nobody,
  gate: description.kind === "audio" ? VoiceGate.make() : undefined,
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
