import * as HopFrame from "../protocol/HopFrame.ts"
import * as ArrivalRecorder from "./ArrivalRecorder.ts"
import * as LegKind from "./LegKind.ts"
import * as NackGenerator from "./NackGenerator.ts"
import type { Recovery } from "./Recovery.ts"

/** The receiving half of a leg: what has arrived, what is missing. Owned by one pipeline, changed in place. */
export interface ReceiveLeg {
  readonly kind: LegKind.LegKind
  /** Chosen by this side; the owner looks legs up by it. On a trunk each call has another, which the owner knows. */
  readonly legTag: number
  /** Of the sender's numbers; frames of another are not the leg's, but for the next ones. 8 bits. */
  epoch: number
  /** Nothing has been forwarded of this epoch, which has replaced another. */
  isRestarted: boolean
  readonly arrivals: ArrivalRecorder.ArrivalRecorder
  readonly nacks: NackGenerator.NackGenerator
  /** `undefined` until the sender protects its packets. */
  recovery: Recovery | undefined
  lastFrameAtMs: number
  lastMediaAtMs: number
  packetsReceived: number
  /** Packets that came as a resend and filled a gap. */
  packetsRepaired: number
  /** Packets that repair packets have given back. */
  packetsRecovered: number
  packetsDuplicate: number
  /** How often the sender has started its numbers anew. */
  restarts: number
}

/** What became of a frame. */
export const Verdict = {
  /** A media packet that has not been here before: forward it. */
  Fresh: 0,
  /** As `Fresh`, and a resend filled the gap. */
  Repaired: 1,
  /** As `Fresh`, after a hole too large to repair, or the first of new numbers: video needs key frames. */
  Jumped: 2,
  Duplicate: 3,
  TooOld: 4,
  /** Sent in another session, or before the sender started its numbers anew. */
  WrongEpoch: 5,
  /** No packet of the devices; its numbers are noted. */
  Control: 6
} as const
export type Verdict = (typeof Verdict)[keyof typeof Verdict]

/**
 * A session that goes on at another relay keeps its tag, and its new relay's numbers begin at 0 under one of the next epochs.
 * Further ahead, which is behind in 8 bits, are those of old.
 */
export const epochAheadMax = 16

export const make = (legTag: number, epoch: number, kind = LegKind.device): ReceiveLeg => ({
  kind,
  legTag,
  epoch,
  isRestarted: false,
  arrivals: ArrivalRecorder.make(kind),
  nacks: NackGenerator.make(kind),
  recovery: undefined,
  lastFrameAtMs: -Infinity,
  lastMediaAtMs: -Infinity,
  packetsReceived: 0,
  packetsRepaired: 0,
  packetsRecovered: 0,
  packetsDuplicate: 0,
  restarts: 0
})

/** Call for every frame with the leg's tag, in arrival order. The frame is at `offset` of `bytes`. */
export const handleFrame = (
  self: ReceiveLeg,
  bytes: Uint8Array,
  view: DataView,
  offset: number,
  nowMs: number
): Verdict => {
  const epoch = HopFrame.epochAt(bytes, offset)
  if (epoch !== self.epoch && !startEpoch(self, epoch)) return Verdict.WrongEpoch
  const { isTrunk } = self.kind
  const hopSequence = isTrunk ? HopFrame.wideHopSequenceAt(view, offset) : HopFrame.hopSequenceAt(view, offset)
  // A frame that is here for the second time is no sign of life: whoever has captured it can send it again.
  const isNew = ArrivalRecorder.handleFrame(self.arrivals, hopSequence, nowMs)
  if (isNew) self.lastFrameAtMs = nowMs
  const type = HopFrame.typeAt(bytes, offset)
  const repairSequence = isTrunk ? HopFrame.wideRepairSequenceAt(view, offset) : HopFrame.repairSequenceAt(view, offset)
  if (!HopFrame.isMedia(type)) {
    if (!isNew) return Verdict.Duplicate
    NackGenerator.handleGiven(self.nacks, repairSequence, nowMs)
    return Verdict.Control
  }
  const isResend = HopFrame.isResend(bytes, offset)
  const arrival = NackGenerator.handlePacket(self.nacks, repairSequence, isResend, nowMs)
  if (arrival === NackGenerator.Arrival.TooOld) return Verdict.TooOld
  if (arrival === NackGenerator.Arrival.Duplicate) {
    self.packetsDuplicate++
    return Verdict.Duplicate
  }
  self.lastMediaAtMs = nowMs
  self.packetsReceived++
  if (isResend) self.packetsRepaired++
  if (self.isRestarted || arrival === NackGenerator.Arrival.Jumped) {
    self.isRestarted = false
    self.recovery = undefined
    return Verdict.Jumped
  }
  return isResend ? Verdict.Repaired : Verdict.Fresh
}

/**
 * A repair packet has given back this one. False if it has been here, or is nobody's any more. `waitMsMax`: see
 * NackGenerator.handleRecovered.
 */
export const handleRecovered = (
  self: ReceiveLeg,
  repairSequence: number,
  waitMsMax: number,
  nowMs: number
): boolean => {
  if (!NackGenerator.handleRecovered(self.nacks, repairSequence, waitMsMax, nowMs)) return false
  self.lastMediaAtMs = nowMs
  self.packetsReceived++
  self.packetsRecovered++
  return true
}

/** Takes the epoch if it is one of the next. Relays tell each other before a trunk starts anew: there no frame is believed. */
const startEpoch = (self: ReceiveLeg, epoch: number): boolean => {
  if (self.kind.isTrunk || ((epoch - self.epoch) & 0xff) > epochAheadMax) return false
  self.epoch = epoch
  self.isRestarted = true
  self.restarts++
  self.recovery = undefined
  ArrivalRecorder.restart(self.arrivals)
  NackGenerator.restart(self.nacks)
  return true
}
