import * as Leg from "../../media/Leg.ts"
import * as NackGenerator from "../../media/NackGenerator.ts"
import type { IntendedHole } from "../../media/OrderedStream.ts"
import * as ReceiverRates from "../../media/ReceiverRates.ts"
import * as ReceiveLeg from "../../media/ReceiveLeg.ts"
import * as Recovery from "../../media/Recovery.ts"
import * as HopFrame from "../../protocol/HopFrame.ts"
import * as RtcpHeader from "../../protocol/RtcpHeader.ts"
import * as RtpHeader from "../../protocol/RtpHeader.ts"
import * as PackedAddress from "../../sockets/PackedAddress.ts"
import type { PacketBatch, SendBatch } from "../../sockets/PacketBatch.ts"
import * as ReceivingStreams from "../streams/ReceivingStreams.ts"
import * as CallCore from "./CallCore.ts"
import * as Session from "./Session.ts"

/**
 * Takes in the hop frame at `place` of what was received: media goes to its stream, feedback is answered, repair packets give
 * back what they can. What has to be sent at once goes into the batch.
 */
export const handle = (
  core: CallCore.CallCore,
  resources: Leg.LegResources,
  received: PacketBatch,
  place: number,
  nowMs: number,
  out: SendBatch
): void => {
  const offset = received.offsets[place]!
  const length = received.lengths[place]!
  const { bytes, view } = resources.rings.memory
  if (length < HopFrame.headerBytes) {
    core.drops.notOurs++
    return
  }
  const tag = HopFrame.legTagAt(view, offset)
  const session = core.sessions.find(({ hop }) => hop.receive.legTag === tag)
  // Tags are in clear: whoever has seen one can write frames, but not easily from the relay's address.
  if (session === undefined || !PackedAddress.equals(session.relay, 0, received.addresses, place)) {
    core.drops.unknownLegTag++
    return
  }
  const type = HopFrame.typeAt(bytes, offset)
  const bodyOffset = offset + HopFrame.headerBytes
  const bodyLength = length - HopFrame.headerBytes
  // Judged before its numbers are noted: a packet that cannot be read may be asked for again.
  const isMedia = HopFrame.isMedia(type)
  if (isMedia && !isPacket(bytes, type, bodyOffset, bodyLength)) {
    core.drops.malformed++
    return
  }
  if (!isMedia && !HopFrame.isOfEveryLeg(type)) {
    core.drops.unsupportedType++
    return
  }
  const { receive } = session.hop
  const highestBefore = receive.nacks.highest
  const verdict = ReceiveLeg.handleFrame(receive, bytes, view, offset, nowMs)
  Session.countExpected(session, highestBefore)
  if (verdict === ReceiveLeg.Verdict.Control) {
    if (type === HopFrame.FrameType.Feedback)
      handleFeedback(core, session, resources, bodyOffset, bodyLength, nowMs, out)
    else if (type === HopFrame.FrameType.ForwardErrorCorrection) {
      const count = Recovery.handleRepair(receive, resources, bodyOffset, bodyLength, nowMs, out)
      if (count < 0) core.drops.malformed++
      else takeRecovered(core, session, resources, count, nowMs, out)
    }
    return
  }
  if (verdict >= ReceiveLeg.Verdict.Duplicate) return
  if (verdict === ReceiveLeg.Verdict.Jumped) ReceivingStreams.requestKeyFrames(core.receiving)
  const typeByte = bytes[offset]!
  const descriptor = HopFrame.descriptorAt(bytes, offset)
  const isRepaired = verdict === ReceiveLeg.Verdict.Repaired
  const sequence = HopFrame.repairSequenceAt(view, offset)
  const hole = holeBefore(session, typeByte, sequence)
  handlePacket(core, resources, type, descriptor, bodyOffset, bodyLength, isRepaired, hole, nowMs)
  const { rings } = resources
  const count = Recovery.keepPacket(receive, rings, sequence, typeByte, descriptor, bodyOffset, bodyLength, nowMs, out)
  if (count > 0) takeRecovered(core, session, resources, count, nowMs, out)
}

const isPacket = (bytes: Uint8Array, type: number, offset: number, length: number): boolean =>
  type === HopFrame.FrameType.EndToEndRtcp
    ? RtcpHeader.hasSender(bytes, offset, length)
    : RtpHeader.isRtp(bytes, offset, length)

/** As if they had arrived: what repair packets have given back. */
const takeRecovered = (
  core: CallCore.CallCore,
  session: Session.Session,
  resources: Leg.LegResources,
  count: number,
  nowMs: number,
  out: SendBatch
): void => {
  const { receive } = session.hop
  const { rings } = resources
  for (let i = 0; i < count; i++) {
    const { descriptors, lengths, offsets, sequences, types } = receive.recovery!.decoder.recovered
    const offset = offsets[i]!
    const length = lengths[i]!
    const type = HopFrame.typeOf(types[i]!)
    if (!isPacket(rings.memory.bytes, type, offset, length)) {
      core.drops.malformed++
      continue
    }
    const highestBefore = receive.nacks.highest
    if (!Recovery.noteRecovered(session.hop, i, nowMs)) continue
    Session.countExpected(session, highestBefore)
    const hole = holeBefore(session, types[i]!, sequences[i]!)
    handlePacket(core, resources, type, descriptors[i]!, offset, length, true, hole, nowMs)
    // Nothing more comes of it: no other block has this packet.
    Recovery.keepPacket(receive, rings, sequences[i]!, types[i]!, descriptors[i]!, offset, length, nowMs, out)
  }
}

/** Once all that the relay has sent before is there, what is still missing was never sent. */
const holeBefore = (
  { hop: { receive } }: Session.Session,
  typeByte: number,
  sequence: number
): IntendedHole | undefined =>
  (typeByte & HopFrame.gapFlag) === 0 ? undefined : () => NackGenerator.isSettledBefore(receive.nacks, sequence)

/** Hands a packet that has not been here before to its stream. */
const handlePacket = (
  core: CallCore.CallCore,
  { rings: { memory } }: Leg.LegResources,
  type: number,
  descriptor: number,
  offset: number,
  length: number,
  isRepaired: boolean,
  hole: IntendedHole | undefined,
  nowMs: number
): void => {
  const body = memory.bytes.subarray(offset, offset + length)
  if (type === HopFrame.FrameType.EndToEndRtcp) {
    handleRtcp(core, RtcpHeader.senderSsrcAt(memory.view, offset), body, nowMs)
    return
  }
  ReceivingStreams.handlePacket(core.receiving, RtpHeader.ssrcAt(memory.view, offset), {
    bytes: body,
    descriptor,
    repaired: isRepaired,
    arrivedAtMs: nowMs,
    hole
  })
}

/** The next comes soon: what overtakes the roster is not kept. */
const handleRtcp = (core: CallCore.CallCore, ssrc: number, body: Uint8Array, nowMs: number): void => {
  const stream = core.receiving.bySsrc.get(ssrc)
  if (core.settings.handOut !== "whole") core.drops.unsupportedType++
  else if (stream === undefined) core.receiving.packetsUnknown++
  else {
    const { description, participant } = stream
    CallCore.deliverRtcp(core, { participant, stream: description, bytes: body.slice(), arrivedAtMs: nowMs })
  }
}

/** The relay says what has arrived, asks for what has not, and passes on who needs a key frame and what receivers can take. */
const handleFeedback = (
  core: CallCore.CallCore,
  session: Session.Session,
  resources: Leg.LegResources,
  offset: number,
  length: number,
  nowMs: number,
  out: SendBatch
): void => {
  const { report } = resources
  const firstResend = out.count
  if (!Leg.handleFeedback(session.hop, resources, offset, length, nowMs, out)) {
    core.drops.malformed++
    return
  }
  for (let place = firstResend; place < out.count; place++) {
    const ssrc = RtpHeader.ssrcAt(resources.rings.memory.view, out.bodyOffsets[place]!)
    const resent = core.sending.find(({ stream }) => stream.ssrc === ssrc)
    if (resent !== undefined) resent.packetsResent++
  }
  for (let i = 0; i < report.keyFrameCount; i++) {
    const ssrc = report.keyFrameSsrcs[i]!
    const asked = core.sending.find(({ stream }) => stream.ssrc === ssrc && stream.kind === "video")
    if (asked === undefined) continue
    asked.keyFrameRequests++
    core.keyFrameRequests.publish(ssrc)
  }
  for (let i = 0; i < report.rateCount; i++) {
    const ssrc = report.rateSsrcs[i]!
    const isOurs = core.sending.some(({ stream }) => stream.ssrc === ssrc && stream.kind === "video")
    if (isOurs) ReceiverRates.handleRate(core.receiverRates, ssrc, report.rateBps[i]!, nowMs)
  }
}
