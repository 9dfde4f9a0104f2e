import type * as Leg from "../media/Leg.ts"
import type * as ReceiveLeg from "../media/ReceiveLeg.ts"
import * as HopFrame from "../protocol/HopFrame.ts"
import * as Samples from "./Samples.ts"

/**
 * How long each packet of video that came again had been known to be missing, at the node that has missed it: what the
 * leg's own NackGenerator has noted. Not audio, which may have come as a copy that nobody has asked for. Changed in place.
 */
export interface RepairRecorder {
  /** From the gap's detection to the arrival of the resend. Milliseconds. */
  readonly repairsMs: Samples.Samples
  /** Of the frame that is about to be handled. */
  noticedAtMs: number
  repairedBefore: number
  isVideo: boolean
}

export const make = (): RepairRecorder => ({
  repairsMs: Samples.make(),
  noticedAtMs: 0,
  repairedBefore: 0,
  isVideo: false
})

/** Call before the leg handles the frame. */
export const beforeFrame = (
  self: RepairRecorder,
  { kind, receive }: Leg.Leg,
  bytes: Uint8Array,
  view: DataView,
  offset: number
): void => {
  self.repairedBefore = receive.packetsRepaired
  self.isVideo = HopFrame.typeAt(bytes, offset) === HopFrame.FrameType.Video
  if (!self.isVideo || !HopFrame.isResend(bytes, offset)) return
  const { nacks } = receive
  const sequence = kind.isTrunk ? HopFrame.wideRepairSequenceAt(view, offset) : HopFrame.repairSequenceAt(view, offset)
  self.noticedAtMs = nacks.noticedAtMs[sequence & (nacks.noticedAtMs.length - 1)]!
}

/** Call when it has. */
export const afterFrame = (self: RepairRecorder, receive: ReceiveLeg.ReceiveLeg, nowMs: number): void => {
  if (self.isVideo && receive.packetsRepaired > self.repairedBefore)
    Samples.add(self.repairsMs, nowMs - self.noticedAtMs)
}
