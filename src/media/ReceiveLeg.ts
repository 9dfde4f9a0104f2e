import * as HopFrame from "../protocol/HopFrame.ts"
import * as ArrivalRecorder from "./ArrivalRecorder.ts"
import * as NackGenerator from "./NackGenerator.ts"

/** The receiving half of a leg: what has arrived, what is missing. Owned by one pipeline, changed in place. */
export interface ReceiveLeg {
  /** Chosen by this side; the owner looks legs up by it. */
  readonly legTag: number
  /** Of the session; frames of another are not the leg's. 8 bits. */
  readonly epoch: number
  readonly arrivals: ArrivalRecorder.ArrivalRecorder
  readonly nacks: NackGenerator.NackGenerator
  lastFrameAtMs: number
  lastMediaAtMs: number
  lastVideoAtMs: number
  packetsReceived: number
  /** Packets that came as a resend and filled a gap. */
  packetsRepaired: number
  packetsDuplicate: number
}

/** What became of a frame. */
export const Verdict = {
  /** A media packet that has not been here before: forward it. */
  Fresh: 0,
  /** As `Fresh`, and a resend filled the gap. */
  Repaired: 1,
  /** As `Fresh`, after a hole too large to repair: video needs key frames. */
  Jumped: 2,
  Duplicate: 3,
  TooOld: 4,
  /** Sent in another session. */
  WrongEpoch: 5,
  /** No packet of the devices; its numbers are noted. */
  Control: 6
} as const
export type Verdict = (typeof Verdict)[keyof typeof Verdict]

export const make = (legTag: number, epoch: number): ReceiveLeg => ({
  legTag,
  epoch,
  arrivals: ArrivalRecorder.make(),
  nacks: NackGenerator.make(),
  lastFrameAtMs: -Infinity,
  lastMediaAtMs: -Infinity,
  lastVideoAtMs: -Infinity,
  packetsReceived: 0,
  packetsRepaired: 0,
  packetsDuplicate: 0
})

/** Call for every frame with the leg's tag, in arrival order. The frame is at `offset` of `bytes`. */
export const handleFrame = (
  self: ReceiveLeg,
  bytes: Uint8Array,
  view: DataView,
  offset: number,
  nowMs: number
): Verdict => {
  if (HopFrame.epochAt(bytes, offset) !== self.epoch) return Verdict.WrongEpoch
  // A frame that is here for the second time is no sign of life: whoever has captured it can send it again.
  const isNew = ArrivalRecorder.handleFrame(self.arrivals, HopFrame.hopSequenceAt(view, offset), nowMs)
  if (isNew) self.lastFrameAtMs = nowMs
  const type = HopFrame.typeAt(bytes, offset)
  const repairSequence = HopFrame.repairSequenceAt(view, offset)
  if (!HopFrame.isMedia(type)) {
    if (!isNew) return Verdict.Duplicate
    NackGenerator.handleGiven(self.nacks, repairSequence, nowMs)
    return Verdict.Control
  }
  self.lastMediaAtMs = nowMs
  if (type === HopFrame.FrameType.Video) self.lastVideoAtMs = nowMs
  const isResend = HopFrame.isResend(bytes, offset)
  switch (NackGenerator.handlePacket(self.nacks, repairSequence, isResend, nowMs)) {
    case NackGenerator.Arrival.Duplicate:
      self.packetsDuplicate++
      return Verdict.Duplicate
    case NackGenerator.Arrival.TooOld:
      return Verdict.TooOld
    case NackGenerator.Arrival.Jumped:
      self.packetsReceived++
      return Verdict.Jumped
    case NackGenerator.Arrival.Fresh:
      self.packetsReceived++
      if (!isResend) return Verdict.Fresh
      self.packetsRepaired++
      return Verdict.Repaired
  }
}
