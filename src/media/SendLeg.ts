import type { Feedback } from "../protocol/Feedback.ts"
import * as HopFrame from "../protocol/HopFrame.ts"
import * as SequenceNumber from "../protocol/SequenceNumber.ts"
import * as PacketBatch from "../sockets/PacketBatch.ts"
import * as DepartureRecorder from "./DepartureRecorder.ts"
import type * as AudioDuplication from "./fec/AudioDuplication.ts"
import * as LegKind from "./LegKind.ts"
import * as PacketRing from "./PacketRing.ts"
import * as PacketRings from "./PacketRings.ts"
import * as PlayoutBudget from "./PlayoutBudget.ts"
import type { Protection } from "./Protection.ts"
import * as SecondResends from "./SecondResends.ts"
import * as Pacer from "./Pacer.ts"
import * as SendRate from "./SendRate.ts"
import * as SentHistory from "./SentHistory.ts"
import * as StreamClock from "./StreamClock.ts"

/** The sending half of a leg: its numbers, what it has sent, and where to. Owned by one pipeline, changed in place. */
export interface SendLeg {
  readonly kind: LegKind.LegKind
  /** Chosen by the other side; it drops frames with another tag. On a trunk: of frames that belong to no call. */
  readonly legTag: number
  /** 8 bits; grows when the numbers start anew. */
  readonly epoch: number
  /** Packed address that frames go to. */
  readonly address: Uint32Array
  /** What its path is assumed to carry before that is known. Bits a second. */
  readonly startBps: number
  nextHop: number
  /** Last repair sequence given; the one before 0 at first. */
  lastRepair: number
  readonly departures: DepartureRecorder.DepartureRecorder
  readonly history: SentHistory.SentHistory
  /** `undefined` until video is sent, and when the leg has been idle. */
  rate: SendRate.SendRate | undefined
  /** `undefined` until something is lost. */
  duplication: AudioDuplication.AudioDuplication | undefined
  protection: Protection | undefined
  lastMediaAtMs: number
  /** Between two packets, smoothed, as long as there is no video. Milliseconds. */
  spacingMs: number
  /** Paddings sent since the last media packet. */
  paddings: number
  /** When the next of them is due; Infinity after the last. Milliseconds. */
  paddingDueMs: number
  /** Resends that may be sent now. Each packet that is sent earns one: nobody gets more resends than packets. */
  resendBudget: number
  packetsSent: number
  packetsResent: number
  /** How many packets were asked for when a resend could not be in time on this hop any more. */
  packetsResentLate: number
  /** Requests that were not answered: too early after the last resend, too old, or not there any more. */
  requestsRefused: number
  /** Video that was given up while it waited. */
  packetsWithheld: number
  /** What was sent a second time without having been asked for: audio, and resends of which another would be late. */
  copiesSent: number
  /** Repair packets. */
  repairsSent: number
  /** Frames that the receiver's reports speak of, and those of them that have not arrived, whatever was repaired later. */
  framesReported: number
  framesReportedLost: number
}

/** Media has stopped when there was none for this long. Milliseconds. */
export const quietAfterMs = 2000
/**
 * A sender that stops says so: padding so long after its last packet. With video it follows most frames, and the path is measured by
 * it too. Milliseconds.
 */
const paddingMsMin = 20
/**
 * With audio alone, when nothing has come for so many times as long as lies between two packets, but for no longer than this. One
 * packet that is late, or was lost on the hop before, is no end: where all are late under load, everybody's padding would be
 * more of it. Milliseconds.
 */
const paddingSpacings = 2.5
const paddingMsMax = 100
/** Again so long after the first, and after the second. Milliseconds. */
const paddingAgainMs: ReadonlyArray<number> = [40, 80]
/** After a packet that nothing follows. */
export const paddingsMax = 1 + paddingAgainMs.length
/** What a packet changes of the spacing. Share. */
const spacingGain = 1 / 8
/** A packet is not sent again to the same receiver before this share of a round trip has passed. */
const resendRoundTripShare = 0.7
/** Nor sooner than this, whatever round trip the receiver makes us believe. Milliseconds. */
const resendMsMin = 10
/** Share of a batch that resends may fill: what is sent for the first time always finds room. */
const resendBatchShare = 0.5

export const make = (options: {
  readonly legTag: number
  readonly epoch: number
  readonly address: Uint32Array
  readonly kind?: LegKind.LegKind
  readonly startBps?: number | undefined
}): SendLeg => {
  const { kind = LegKind.device } = options
  return {
    kind,
    legTag: options.legTag,
    epoch: options.epoch,
    address: Uint32Array.from(options.address),
    startBps: options.startBps ?? kind.bandwidth.startBps,
    nextHop: 0,
    lastRepair: kind.mask,
    departures: DepartureRecorder.make(kind),
    history: SentHistory.make(kind),
    rate: undefined,
    duplication: undefined,
    protection: undefined,
    lastMediaAtMs: -Infinity,
    spacingMs: paddingMsMin / paddingSpacings,
    paddings: paddingsMax,
    paddingDueMs: Infinity,
    resendBudget: kind.resendBudgetMax,
    packetsSent: 0,
    packetsResent: 0,
    packetsResentLate: 0,
    requestsRefused: 0,
    packetsWithheld: 0,
    copiesSent: 0,
    repairsSent: 0,
    framesReported: 0,
    framesReportedLost: 0
  }
}

/**
 * Sends a packet of a ring for the first time. `tag`: the leg's; on a trunk the one that the receiver has chosen for the packet's
 * call. Resends carry it too.
 */
export const sendPacketOn = (
  self: SendLeg,
  tag: number,
  ring: PacketRing.PacketRing,
  packet: number,
  type: number,
  descriptor: number,
  nowMs: number,
  out: PacketBatch.SendBatch
): void => {
  const { isTrunk, mask, resendBudgetMax } = self.kind
  const repairSequence = SequenceNumber.next(self.lastRepair, mask)
  self.lastRepair = repairSequence
  const place = SentHistory.add(self.history, repairSequence, packet, type, descriptor, nowMs)
  if (isTrunk) self.history.tags[place] = tag
  self.paddings = 0
  self.paddingDueMs = nowMs + (self.rate === undefined ? noteSpacing(self, nowMs) : paddingMsMin)
  self.lastMediaAtMs = nowMs
  self.packetsSent++
  if (self.resendBudget < resendBudgetMax) self.resendBudget++
  const offset = PacketRing.offsetOf(ring, packet)
  writeFrame(self, tag, type, descriptor, repairSequence, offset, PacketRing.lengthOf(ring, packet), nowMs, out)
}

/** Sends again what the report asks for, as far as it is still worth it. */
export const answerRequests = (
  self: SendLeg,
  rings: PacketRings.PacketRings,
  report: Feedback,
  roundTripMs: number,
  nowMs: number,
  out: PacketBatch.SendBatch
): void => {
  for (let i = 0; i < report.requestCount; i++) resend(self, rings, report.requests[i]!, roundTripMs, nowMs, out)
}

/** Video waits for its turn. */
const resend = (
  self: SendLeg,
  rings: PacketRings.PacketRings,
  repairSequence: number,
  roundTripMs: number,
  nowMs: number,
  out: PacketBatch.SendBatch
): void => {
  const { history, rate } = self
  if (rate !== undefined) {
    const at = SentHistory.find(history, repairSequence)
    const isVideo = at >= 0 && HopFrame.typeOf(history.types[at]!) === HopFrame.FrameType.Video
    const mustWait = isVideo && (rate.resendCount > 0 || !Pacer.isOpen(rate.pacer, nowMs))
    if (mustWait && SendRate.putResend(rate, repairSequence)) return
  }
  resendNow(self, rings, repairSequence, roundTripMs, nowMs, out)
}

/** Sends the packet again, unless that is not worth it any more. */
export const resendNow = (
  self: SendLeg,
  rings: PacketRings.PacketRings,
  repairSequence: number,
  roundTripMs: number,
  nowMs: number,
  out: PacketBatch.SendBatch
): void => {
  if (!tryResend(self, rings, repairSequence, roundTripMs, nowMs, out)) self.requestsRefused++
}

const tryResend = (
  self: SendLeg,
  rings: PacketRings.PacketRings,
  repairSequence: number,
  roundTripMs: number,
  nowMs: number,
  out: PacketBatch.SendBatch
): boolean => {
  const { history } = self
  const at = SentHistory.find(history, repairSequence)
  const waitMs = Math.max(resendMsMin, resendRoundTripShare * roundTripMs)
  if (at < 0 || nowMs - history.sentAtMs[at]! < waitMs) return false
  if (self.resendBudget === 0 || out.count >= out.capacity * resendBatchShare) return false
  const ring = PacketRings.ringOf(rings, HopFrame.typeOf(history.types[at]!))
  const packet = history.packets[at]!
  if (!PacketRing.hasForBatch(ring, packet)) return false
  if (StreamClock.isExpired(PacketRing.clockOf(ring, packet), PacketRing.timestampOf(ring, packet), nowMs)) return false
  noteLateness(self, repairSequence, at, roundTripMs, nowMs)
  history.sentAtMs[at] = nowMs
  self.resendBudget--
  self.packetsResent++
  repeat(self, ring, repairSequence, at, nowMs, out)
  return true
}

/** Each packet is late once. One that is in time, and would not be another time, may go twice. */
const noteLateness = (self: SendLeg, repairSequence: number, at: number, roundTripMs: number, nowMs: number): void => {
  const { history, protection } = self
  const { playoutBudgetMs } = PlayoutBudget
  const ageMs = SentHistory.ageMs(history, at, nowMs)
  if (ageMs > playoutBudgetMs) {
    if (SentHistory.lastAgeMs(history, at) <= playoutBudgetMs) self.packetsResentLate++
  } else if (protection?.seconds !== undefined && ageMs + roundTripMs > playoutBudgetMs) {
    SecondResends.add(protection.seconds, repairSequence, nowMs)
  }
}

/** Sends a packet a second time that has just been sent again. */
export const resendTwice = (
  self: SendLeg,
  rings: PacketRings.PacketRings,
  repairSequence: number,
  nowMs: number,
  out: PacketBatch.SendBatch
): void => {
  const { history } = self
  const at = SentHistory.find(history, repairSequence)
  if (at < 0 || self.resendBudget === 0 || out.count >= out.capacity * resendBatchShare) return
  const ring = PacketRings.ringOf(rings, HopFrame.typeOf(history.types[at]!))
  if (!PacketRing.hasForBatch(ring, history.packets[at]!)) return
  self.resendBudget--
  self.copiesSent++
  repeat(self, ring, repairSequence, at, nowMs, out)
}

/** Puts the packet at place `at` of the history into the batch once more. Its bytes must still be there. */
export const repeat = (
  self: SendLeg,
  ring: PacketRing.PacketRing,
  repairSequence: number,
  at: number,
  nowMs: number,
  out: PacketBatch.SendBatch
): void => {
  const { descriptors, packets, tags, types } = self.history
  const packet = packets[at]!
  const tag = self.kind.isTrunk ? tags[at]! : self.legTag
  const offset = PacketRing.offsetOf(ring, packet)
  const length = PacketRing.lengthOf(ring, packet)
  writeFrame(self, tag, types[at]! | HopFrame.resendFlag, descriptors[at]!, repairSequence, offset, length, nowMs, out)
}

/** How long to wait for the next packet. */
const noteSpacing = (self: SendLeg, nowMs: number): number => {
  // Of a pause no more counts than padding goes by, and before the first packet there was none.
  const gapMs = Math.min(nowMs - self.lastMediaAtMs, paddingMsMax / paddingSpacings)
  if (self.lastMediaAtMs > -Infinity) self.spacingMs += (gapMs - self.spacingMs) * spacingGain
  return Math.min(paddingMsMax, Math.max(paddingMsMin, paddingSpacings * self.spacingMs))
}

/** Shows the receiver the last repair sequence, when it is due after the last packet. */
export const pollPadding = (self: SendLeg, nowMs: number, out: PacketBatch.SendBatch): void => {
  if (nowMs < self.paddingDueMs) return
  self.paddingDueMs += paddingAgainMs[self.paddings++] ?? Infinity
  const type = HopFrame.typeByte(HopFrame.FrameType.Padding, 0)
  writeFrame(self, self.legTag, type, 0, self.lastRepair, 0, 0, nowMs, out)
}

/** Padding of some length: shows the last repair sequence too, and how fast the path is. */
export const sendPadding = (
  self: SendLeg,
  rings: PacketRings.PacketRings,
  bodyBytes: number,
  nowMs: number,
  out: PacketBatch.SendBatch
): void => {
  const offset = PacketBatch.reserve(out, bodyBytes)
  if (offset < 0) return
  // What was there before is nobody's business.
  rings.memory.bytes.fill(0, offset, offset + bodyBytes)
  const type = HopFrame.typeByte(HopFrame.FrameType.Padding, 0)
  writeFrame(self, self.legTag, type, 0, self.lastRepair, offset, bodyBytes, nowMs, out)
}

/** Puts a frame into the batch; its body is `bodyLength` bytes at `bodyOffset` of the packet memory. */
export const writeFrame = (
  self: SendLeg,
  tag: number,
  type: number,
  descriptor: number,
  repairSequence: number,
  bodyOffset: number,
  bodyLength: number,
  nowMs: number,
  out: PacketBatch.SendBatch
): void => {
  const place = PacketBatch.add(out)
  if (place < 0) return
  const hopSequence = self.nextHop
  const { headerBytes, isTrunk, mask } = self.kind
  self.nextHop = SequenceNumber.next(hopSequence, mask)
  DepartureRecorder.handleFrame(self.departures, hopSequence, headerBytes + bodyLength, nowMs)
  if (self.rate !== undefined) SendRate.handleSent(self.rate, headerBytes + bodyLength, nowMs)
  const header = place * PacketBatch.headerBytesMax
  HopFrame.writeHeader(out.headerView, header, type, descriptor, hopSequence, repairSequence, self.epoch, tag)
  if (isTrunk) HopFrame.writeUpperHalves(out.headerView, header, hopSequence, repairSequence)
  out.headerLengths[place] = headerBytes
  out.bodyOffsets[place] = bodyOffset
  out.bodyLengths[place] = bodyLength
  out.dropPrecedence[place] = HopFrame.isDispensable(type) ? 1 : 0
  const words = place * PacketBatch.addressWords
  for (let i = 0; i < PacketBatch.addressWords; i++) out.addresses[words + i] = self.address[i]!
}
