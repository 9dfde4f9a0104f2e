import * as KeyFrameRequest from "../media/KeyFrameRequest.ts"
import * as Leg from "../media/Leg.ts"
import * as PacketRing from "../media/PacketRing.ts"
import * as PacketRings from "../media/PacketRings.ts"
import * as ReceiveLeg from "../media/ReceiveLeg.ts"
import * as SendLeg from "../media/SendLeg.ts"
import * as StreamClock from "../media/StreamClock.ts"
import * as HopFrame from "../protocol/HopFrame.ts"
import * as RtpHeader from "../protocol/RtpHeader.ts"
import * as Stun from "../protocol/Stun.ts"
import * as PacketBatch from "../sockets/PacketBatch.ts"
import * as LegTable from "./LegTable.ts"
import * as LegTimers from "./LegTimers.ts"
import * as PacketCounters from "./PacketCounters.ts"
import * as RelayLeg from "./RelayLeg.ts"
import type { RelayStream } from "./RelayStream.ts"

/** Everything the packet path reads and changes. Owned by one relay; all access is synchronous. */
export interface Forwarding {
  readonly legs: LegTable.LegTable
  readonly timers: LegTimers.LegTimers
  readonly resources: Leg.LegResources
  readonly counters: PacketCounters.PacketCounters
  /** Indexes of the control datagrams of the batch, for the caller to take out. */
  readonly control: Int32Array
  controlCount: number
}

export const make = (resources: Leg.LegResources, receiveSlots: number, nowMs: number): Forwarding => ({
  legs: LegTable.make(),
  timers: LegTimers.make(nowMs),
  resources,
  counters: PacketCounters.make(),
  control: new Int32Array(receiveSlots),
  controlCount: 0
})

/**
 * Of the room for what arrives. Beyond, the relay is too slow for its load, and soon the system would drop whatever comes,
 * audio too. 0 to 1.
 */
const backlogMax = 0.5

/**
 * Stations 3 to 7 of a packet's path (docs/architecture.md), for a whole batch, as one plain function: hop frames become
 * frames on the legs that want them, feedback is answered, control datagrams are set aside. Reads no clock, allocates
 * nothing per packet.
 */
export const forwardBatch = (
  self: Forwarding,
  batch: PacketBatch.PacketBatch,
  nowMs: number,
  out: PacketBatch.SendBatch
): void => {
  const { bytes, view } = self.resources.rings.memory
  const { counters } = self
  const { dropped } = counters
  const isOverloaded = batch.backlog > backlogMax
  self.controlCount = 0
  for (let i = 0; i < batch.count; i++) {
    const offset = batch.offsets[i]!
    const length = batch.lengths[i]!
    const first = length === 0 ? HopFrame.firstByteMin - 1 : bytes[offset]!
    if (first < HopFrame.firstByteMin) {
      if (Stun.isControl(first)) self.control[self.controlCount++] = i
      else dropped.notOurs++
      continue
    }
    if (length < HopFrame.headerBytes) {
      dropped.tooShort++
      continue
    }
    // Its numbers are not noted, so that what is still worth it is asked for when there is time again.
    if (isOverloaded && HopFrame.isDispensable(first)) {
      dropped.overload++
      continue
    }
    const leg = LegTable.get(self.legs, HopFrame.legTagAt(view, offset))
    if (leg === undefined) dropped.unknownLegTag++
    else if (!isFrom(leg.hop.send.address, batch.addresses, i)) dropped.wrongAddress++
    else handleFrame(self, leg, offset, length, nowMs, out)
  }
  counters.controlIn += self.controlCount
}

const isFrom = (address: Uint32Array, addresses: Uint32Array, index: number): boolean => {
  const at = index * PacketBatch.addressWords
  return (
    addresses[at] === address[0] &&
    addresses[at + 4] === address[4] &&
    addresses[at + 3] === address[3] &&
    addresses[at + 2] === address[2] &&
    addresses[at + 1] === address[1]
  )
}

const handleFrame = (
  self: Forwarding,
  leg: RelayLeg.RelayLeg,
  offset: number,
  length: number,
  nowMs: number,
  out: PacketBatch.SendBatch
): void => {
  const { bytes, view } = self.resources.rings.memory
  const { counters } = self
  const type = HopFrame.typeAt(bytes, offset)
  const rtpOffset = offset + HopFrame.headerBytes
  const rtpBytes = length - HopFrame.headerBytes
  // Judged before its numbers are noted: a packet that cannot be forwarded may be asked for again.
  let stream: RelayStream | undefined
  if (HopFrame.isMedia(type)) {
    const isRtcp = type === HopFrame.FrameType.EndToEndRtcp
    if (isRtcp ? rtpBytes < 8 || bytes[rtpOffset]! >> 6 !== 2 : !RtpHeader.isRtp(bytes, rtpOffset, rtpBytes)) {
      counters.dropped.malformedRtp++
      return
    }
    // RTCP has its sender's SSRC at byte 4, RFC 3550 section 6.4.
    stream = RelayLeg.findStream(leg, isRtcp ? view.getUint32(rtpOffset + 4) : RtpHeader.ssrcAt(view, rtpOffset))
    if (stream === undefined) {
      counters.dropped.undeclaredStream++
      return
    }
  } else if (type !== HopFrame.FrameType.Feedback && type !== HopFrame.FrameType.Padding) {
    counters.dropped.unsupportedType++
    return
  }
  const verdict = ReceiveLeg.handleFrame(leg.hop.receive, bytes, view, offset, nowMs)
  if (verdict === ReceiveLeg.Verdict.Control) {
    if (type === HopFrame.FrameType.Padding) counters.paddingIn++
    else {
      counters.feedbackIn++
      handleFeedback(self, leg, rtpOffset, rtpBytes, nowMs, out)
    }
  } else if (verdict >= ReceiveLeg.Verdict.Duplicate) {
    if (verdict === ReceiveLeg.Verdict.Duplicate) counters.dropped.duplicate++
    else if (verdict === ReceiveLeg.Verdict.TooOld) counters.dropped.tooOld++
    else counters.dropped.wrongEpoch++
    return
  } else {
    if (verdict === ReceiveLeg.Verdict.Jumped) askAfterJump(leg)
    if (verdict === ReceiveLeg.Verdict.Repaired) {
      stream!.packetsRepaired++
      counters.repairedIn++
    }
    forward(self, stream!, type, offset, rtpBytes, nowMs, out)
  }
  Leg.noteDeadline(leg.hop)
  LegTimers.schedule(self.timers, leg)
}

/** Keeps the packet once, and sends it on every leg that wants it, under that leg's own numbers. */
const forward = (
  self: Forwarding,
  stream: RelayStream,
  type: number,
  offset: number,
  rtpBytes: number,
  nowMs: number,
  out: PacketBatch.SendBatch
): void => {
  const { counters, resources } = self
  const { bytes, view } = resources.rings.memory
  const descriptor = HopFrame.descriptorAt(bytes, offset)
  const rtpOffset = offset + HopFrame.headerBytes
  // RTCP has no RTP timestamp; it is as old as the stream is. Signed: only numbers below 2^31 are never objects.
  const timestamp =
    type === HopFrame.FrameType.EndToEndRtcp ? stream.clock.newestTimestamp : RtpHeader.timestampAt(view, rtpOffset) | 0
  if (type !== HopFrame.FrameType.EndToEndRtcp) StreamClock.handlePacket(stream.clock, timestamp, nowMs)
  if (stream.keyFrames !== undefined && HopFrame.startsKeyFrame(descriptor)) {
    KeyFrameRequest.handleKeyFrame(stream.keyFrames)
  }
  stream.packets++
  stream.bytes += rtpBytes
  counters.mediaIn++
  counters.mediaInBytes += rtpBytes
  const ring = PacketRings.ringOf(resources.rings, type)
  const packet = PacketRing.store(ring, rtpOffset, rtpBytes, timestamp, stream.clock, nowMs)
  const typeByte = bytes[offset]! & ~HopFrame.resendFlag
  const { targets } = stream
  for (let i = 0; i < targets.length; i++) {
    const target = targets[i]!
    SendLeg.sendPacket(target.hop.send, ring, packet, typeByte, descriptor, nowMs, out)
    Leg.noteSent(target.hop)
    LegTimers.schedule(self.timers, target)
  }
  counters.mediaOut += targets.length
}

/** Answers what the receiver asks for from the rings; requests end here, the next hop never sees them. */
const handleFeedback = (
  self: Forwarding,
  leg: RelayLeg.RelayLeg,
  offset: number,
  length: number,
  nowMs: number,
  out: PacketBatch.SendBatch
): void => {
  const { counters } = self
  const { send } = leg.hop
  const resent = send.packetsResent
  const refused = send.requestsRefused
  if (!Leg.handleFeedback(leg.hop, self.resources, offset, length, nowMs, out)) {
    counters.dropped.malformedFeedback++
    return
  }
  counters.resent += send.packetsResent - resent
  counters.resendsRefused += send.requestsRefused - refused
  askForKeyFrames(self, leg)
}

/** The receiver's wishes for key frames, gathered per stream, go to the leg that the stream comes from. */
const askForKeyFrames = (self: Forwarding, receiver: RelayLeg.RelayLeg): void => {
  const { report } = self.resources
  for (let i = 0; i < report.keyFrameCount; i++) {
    const source = findSource(receiver, report.keyFrameSsrcs[i]!)
    if (source === undefined) continue
    KeyFrameRequest.handleRequest(source.keyFrames)
    Leg.noteDeadline(source.leg.hop)
    LegTimers.schedule(self.timers, source.leg)
  }
}

/** Only a stream that the receiver gets: nobody may ask in a call he is not in. */
const findSource = (receiver: RelayLeg.RelayLeg, ssrc: number) => {
  for (const leg of receiver.sources) {
    const stream = RelayLeg.findStream(leg, ssrc)
    if (stream?.keyFrames !== undefined && stream.targets.includes(receiver))
      return { leg, keyFrames: stream.keyFrames }
  }
  return undefined
}

const askAfterJump = (leg: RelayLeg.RelayLeg): void => {
  for (const request of leg.hop.keyFrames) KeyFrameRequest.handleRequest(request)
}

/** Does what is due on the legs: requests, feedback, padding. */
export const pollLegs = (self: Forwarding, nowMs: number, out: PacketBatch.SendBatch): void => {
  LegTimers.poll(self.timers, nowMs, (leg) => Leg.poll(leg.hop, self.resources, nowMs, out))
}
