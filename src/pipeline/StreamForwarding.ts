import * as KeyFrameRequest from "../media/KeyFrameRequest.ts"
import * as Leg from "../media/Leg.ts"
import * as PacketRing from "../media/PacketRing.ts"
import * as PacketRings from "../media/PacketRings.ts"
import * as Pacing from "../media/Pacing.ts"
import * as Recovery from "../media/Recovery.ts"
import * as StreamClock from "../media/StreamClock.ts"
import * as VolumeMeter from "../media/VolumeMeter.ts"
import * as HopFrame from "../protocol/HopFrame.ts"
import * as RtpHeader from "../protocol/RtpHeader.ts"
import * as SequenceNumber from "../protocol/SequenceNumber.ts"
import type * as PacketBatch from "../sockets/PacketBatch.ts"
import type { Forwarding } from "./Forwarding.ts"
import * as LayerChoice from "./LayerChoice.ts"
import * as LayerForwarding from "./LayerForwarding.ts"
import * as LegTable from "./LegTable.ts"
import * as LegTimers from "./LegTimers.ts"
import * as RelayLeg from "./RelayLeg.ts"
import * as RelayStream from "./RelayStream.ts"
import * as VoiceGate from "./VoiceGate.ts"

/** Stations 6 and 7 of a packet's path: whose it is, and to whom it goes, whether it has arrived or been recovered. */

/** Whether an RTP packet lies at `offset`; or, by the frame's type, an RTCP packet. */
export const isPacket = (bytes: Uint8Array, type: number, offset: number, lengthBytes: number): boolean =>
  type === HopFrame.FrameType.EndToEndRtcp
    ? lengthBytes >= 8 && bytes[offset]! >> 6 === 2
    : RtpHeader.isRtp(bytes, offset, lengthBytes)

/** The stream of the packet at `offset`; `undefined` when its sender has not declared it. */
export const findStream = (
  leg: RelayLeg.RelayLeg,
  view: DataView,
  type: number,
  offset: number
): RelayStream.RelayStream | undefined =>
  // RTCP has its sender's SSRC at byte 4, RFC 3550 section 6.4.
  RelayLeg.findStream(
    leg,
    type === HopFrame.FrameType.EndToEndRtcp ? view.getUint32(offset + 4) : RtpHeader.ssrcAt(view, offset)
  )

/** Forwards a packet that has come in the frame at `offset`, and what it helps to recover. */
export const handleArrived = (
  self: Forwarding,
  leg: RelayLeg.RelayLeg,
  stream: RelayStream.RelayStream,
  offset: number,
  rtpOffset: number,
  rtpBytes: number,
  nowMs: number,
  out: PacketBatch.SendBatch
): void => {
  const { rings } = self.resources
  const { bytes, view } = rings.memory
  const typeByte = bytes[offset]! & ~HopFrame.resendFlag
  const descriptor = HopFrame.descriptorAt(bytes, offset)
  const packet = forward(self, stream, typeByte, descriptor, rtpOffset, rtpBytes, nowMs, out)
  const { kind, receive } = leg.hop
  if (receive.recovery === undefined) return
  const sequence = kind.isTrunk ? HopFrame.wideRepairSequenceAt(view, offset) : HopFrame.repairSequenceAt(view, offset)
  const tag = HopFrame.legTagAt(view, offset)
  const count = Recovery.handlePacket(receive, rings, sequence, packet, typeByte, descriptor, tag, out)
  if (count > 0) takeRecovered(self, leg, count, nowMs, out)
}

/** Takes in the body of a repair frame. */
export const handleRepair = (
  self: Forwarding,
  leg: RelayLeg.RelayLeg,
  offset: number,
  lengthBytes: number,
  nowMs: number,
  out: PacketBatch.SendBatch
): void => {
  const { counters, resources } = self
  const count = Recovery.handleRepair(leg.hop.receive, resources, offset, lengthBytes, nowMs, out)
  if (count < 0) counters.dropped.malformedRepair++
  else {
    counters.repairsIn++
    takeRecovered(self, leg, count, nowMs, out)
  }
}

/** As if they had arrived. */
const takeRecovered = (
  self: Forwarding,
  leg: RelayLeg.RelayLeg,
  count: number,
  nowMs: number,
  out: PacketBatch.SendBatch
): void => {
  const { counters, resources } = self
  const { receive } = leg.hop
  const { descriptors, lengths, offsets, sequences, tags, types } = receive.recovery!.decoder.recovered
  for (let i = 0; i < count; i++) {
    const stream = streamOfRecovered(self, leg, i)
    if (stream === undefined || !Recovery.noteRecovered(leg.hop, i, nowMs)) {
      counters.recoveredUseless++
      continue
    }
    stream.packetsRepaired++
    counters.recoveredIn++
    const packet = forward(self, stream, types[i]!, descriptors[i]!, offsets[i]!, lengths[i]!, nowMs, out)
    // Nothing more comes of it: no other block has this packet.
    Recovery.handlePacket(receive, resources.rings, sequences[i]!, packet, types[i]!, descriptors[i]!, tags[i]!, out)
  }
}

/** On a trunk the packets of a block may be of several calls: their tags say of which. */
const streamOfRecovered = (
  self: Forwarding,
  leg: RelayLeg.RelayLeg,
  i: number
): RelayStream.RelayStream | undefined => {
  const { bytes, view } = self.resources.rings.memory
  const { lengths, offsets, tags, types } = leg.hop.receive.recovery!.decoder.recovered
  const type = HopFrame.typeOf(types[i]!)
  if (!isPacket(bytes, type, offsets[i]!, lengths[i]!)) return undefined
  const ofCall = leg.hop.kind.isTrunk ? findOnTrunk(self, leg, tags[i]! >>> 0) : leg
  return ofCall === undefined ? undefined : findStream(ofCall, view, type, offsets[i]!)
}

/** The leg of a call on the trunk that `leg` is of. */
const findOnTrunk = (self: Forwarding, { hop }: RelayLeg.RelayLeg, tag: number): RelayLeg.RelayLeg | undefined => {
  let found = LegTable.get(self.legs, tag)
  while (found !== undefined && found.hop !== hop) found = LegTable.getNext(self.legs, found)
  return found
}

/** Keeps the packet once, and sends it on every leg that wants it, under that leg's own numbers. Its number in its ring. */
const forward = (
  self: Forwarding,
  stream: RelayStream.RelayStream,
  typeByte: number,
  descriptor: number,
  rtpOffset: number,
  rtpBytes: number,
  nowMs: number,
  out: PacketBatch.SendBatch
): number => {
  const { counters, resources } = self
  const { view } = resources.rings.memory
  const type = HopFrame.typeOf(typeByte)
  // RTCP has no RTP timestamp; it is as old as the stream is. Signed: only numbers below 2^31 are never objects.
  const timestamp =
    type === HopFrame.FrameType.EndToEndRtcp ? stream.clock.newestTimestamp : RtpHeader.timestampAt(view, rtpOffset) | 0
  const isVideo = type === HopFrame.FrameType.Video
  const isDiscardable = isVideo && HopFrame.isDiscardable(descriptor)
  // Whichever packet of a frame comes first: those of a key frame all say so. What has been overtaken begins nothing.
  if (isVideo && stream.pending.length > 0 && StreamClock.isNewest(stream.clock, timestamp)) {
    LayerChoice.handleFrameStart(self, stream, HopFrame.isIndependent(descriptor), nowMs, out)
  }
  if (type !== HopFrame.FrameType.EndToEndRtcp) StreamClock.handlePacket(stream.clock, timestamp, nowMs)
  if (stream.keyFrames !== undefined && HopFrame.startsKeyFrame(descriptor)) {
    KeyFrameRequest.handleKeyFrame(stream.keyFrames)
  }
  stream.packets++
  stream.bytes += rtpBytes
  if (isDiscardable) stream.discardableBytes += rtpBytes
  counters.mediaIn++
  counters.mediaInBytes += rtpBytes
  const ring = PacketRings.ringOf(resources.rings, type)
  const packet = PacketRing.store(ring, rtpOffset, rtpBytes, timestamp, stream.clock, nowMs)
  const { gate } = stream
  if (gate === undefined || !HopFrame.isAudio(type))
    sendOn(self, stream, ring, packet, typeByte, descriptor, nowMs, out)
  else passGate(self, stream, gate, ring, packet, typeByte, descriptor, timestamp, nowMs, out)
  return packet
}

/** Sends a packet of its ring on every leg that gets the stream. */
const sendOn = (
  self: Forwarding,
  stream: RelayStream.RelayStream,
  ring: PacketRing.PacketRing,
  packet: number,
  typeByte: number,
  descriptor: number,
  nowMs: number,
  out: PacketBatch.SendBatch
): void => {
  const { counters } = self
  const { sparing, targets } = stream
  // Of streams of video alone.
  const isSpared = sparing.length > 0 && HopFrame.isDiscardable(descriptor)
  for (let i = 0; i < targets.length; i++) {
    const target = targets[i]!
    if (isSpared && LayerForwarding.spares(stream, target)) {
      counters.layerDropped++
      counters.mediaOut--
      continue
    }
    const firstByte = target.holes === 0 ? typeByte : LayerForwarding.takeHole(target, stream, typeByte, descriptor)
    const { send } = target.hop
    const repairsBefore = send.repairsSent
    Pacing.send(send, target.sendTag, ring, packet, firstByte, descriptor, nowMs, out)
    counters.repairsOut += send.repairsSent - repairsBefore
    Leg.noteSent(target.hop)
    LegTimers.schedule(self.timers, target.carrier ?? target)
  }
  counters.mediaOut += targets.length
}

/** Audio goes on when the plan, or for a moment its sender, or among many its level, lets it. */
const passGate = (
  self: Forwarding,
  stream: RelayStream.RelayStream,
  gate: VoiceGate.VoiceGate,
  ring: PacketRing.PacketRing,
  packet: number,
  typeByte: number,
  descriptor: number,
  timestamp: number,
  nowMs: number,
  out: PacketBatch.SendBatch
): void => {
  VolumeMeter.handlePacket(gate.volume, descriptor, timestamp, stream.description.clockRate)
  VoiceGate.poll(gate, nowMs)
  VoiceGate.handleLevel(gate, descriptor, nowMs)
  const isOnset = HopFrame.typeOf(typeByte) === HopFrame.FrameType.AudioOnset
  if (isOnset) VoiceGate.handleOnset(gate, nowMs)
  if (gate.audience.length === 0 || !VoiceGate.isOpen(gate, nowMs)) {
    RelayStream.close(stream)
    VoiceGate.holdBack(gate, packet, descriptor)
    return
  }
  if (stream.targets.length === 0) {
    RelayStream.open(stream)
    sendHeldBack(self, stream, gate, ring, timestamp, nowMs, out)
  }
  const flags = VoiceGate.letThrough(gate) ? HopFrame.gapFlag : 0
  sendOn(self, stream, ring, packet, typeByte | flags, descriptor, nowMs, out)
}

/** The packets that were held back just before, as if they came now. */
const sendHeldBack = (
  self: Forwarding,
  stream: RelayStream.RelayStream,
  gate: VoiceGate.VoiceGate,
  ring: PacketRing.PacketRing,
  timestamp: number,
  nowMs: number,
  out: PacketBatch.SendBatch
): void => {
  const ticksMax = VoiceGate.heldBackSeconds * stream.description.clockRate
  const last = gate.heldBack
  for (let i = last - VoiceGate.countHeldBack(gate); i < last; i++) {
    const at = i % gate.packets.length
    const packet = gate.packets[at]!
    if (!PacketRing.hasForBatch(ring, packet)) continue
    if (SequenceNumber.timestampDistance(PacketRing.timestampOf(ring, packet), timestamp) > ticksMax) continue
    const typeByte = HopFrame.typeByte(HopFrame.FrameType.Audio, VoiceGate.letThrough(gate) ? HopFrame.gapFlag : 0)
    sendOn(self, stream, ring, packet, typeByte, gate.descriptors[at]!, nowMs, out)
  }
}
