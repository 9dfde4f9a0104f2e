import * as Leg from "../media/Leg.ts"
import * as NackGenerator from "../media/NackGenerator.ts"
import * as OrderedStream from "../media/OrderedStream.ts"
import * as ReceiveLeg from "../media/ReceiveLeg.ts"
import * as ReceiverRates from "../media/ReceiverRates.ts"
import * as Recovery from "../media/Recovery.ts"
import * as HopFrame from "../protocol/HopFrame.ts"
import * as RtpHeader from "../protocol/RtpHeader.ts"
import type { LabDevice } from "./LabDevice.ts"
import * as LayeredPicture from "./LayeredPicture.ts"
import * as ReceivedStream from "./ReceivedStream.ts"
import * as RepairRecorder from "./RepairRecorder.ts"
import * as SimulcastCamera from "./SimulcastCamera.ts"
import * as VideoSource from "./VideoSource.ts"

/** What comes to a device of the simulation: media goes to its stream or picture, feedback to leg and cameras. */

/** As client/session/MediaInbound. */
export const handleFrame = (self: LabDevice, offset: number, length: number, nowMs: number): void => {
  const { leg, node, receiving, repairs } = self
  const { rings } = node.resources
  const { bytes, view } = node.resources.rings.memory
  RepairRecorder.beforeFrame(repairs, leg, bytes, view, offset)
  const verdict = ReceiveLeg.handleFrame(leg.receive, bytes, view, offset, nowMs)
  RepairRecorder.afterFrame(repairs, leg.receive, nowMs)
  const bodyOffset = offset + HopFrame.headerBytes
  const bodyLength = length - HopFrame.headerBytes
  if (verdict === ReceiveLeg.Verdict.Control) {
    const type = HopFrame.typeAt(bytes, offset)
    if (type === HopFrame.FrameType.Feedback) handleFeedback(self, bodyOffset, bodyLength, nowMs)
    if (type !== HopFrame.FrameType.ForwardErrorCorrection) return
    takeRecovered(
      self,
      Recovery.handleRepair(leg.receive, node.resources, bodyOffset, bodyLength, nowMs, node.out),
      nowMs
    )
    return
  }
  if (verdict >= ReceiveLeg.Verdict.Duplicate) return
  if (verdict === ReceiveLeg.Verdict.Jumped) {
    for (const { ordered } of receiving) OrderedStream.requestKeyFrame(ordered)
    for (const { layers } of self.pictures) for (const ordered of layers) OrderedStream.requestKeyFrame(ordered)
  }
  const descriptor = HopFrame.descriptorAt(bytes, offset)
  const sequence = HopFrame.repairSequenceAt(view, offset)
  const { receive } = leg
  const typeByte = bytes[offset]!
  handlePacket(self, bodyOffset, bodyLength, descriptor, typeByte, sequence, nowMs)
  takeRecovered(
    self,
    Recovery.keepPacket(receive, rings, sequence, typeByte, descriptor, bodyOffset, bodyLength, nowMs, node.out),
    nowMs
  )
}

const takeRecovered = (self: LabDevice, count: number, nowMs: number): void => {
  const { leg, node } = self
  for (let i = 0; i < count; i++) {
    const { descriptors, lengths, offsets, sequences, types } = leg.receive.recovery!.decoder.recovered
    if (!Recovery.noteRecovered(leg, i, nowMs)) continue
    const [type, descriptor, at] = [types[i]!, descriptors[i]!, offsets[i]!]
    handlePacket(self, at, lengths[i]!, descriptor, type, sequences[i]!, nowMs)
    const { rings } = node.resources
    Recovery.keepPacket(leg.receive, rings, sequences[i]!, type, descriptor, at, lengths[i]!, nowMs, node.out)
  }
}

const handlePacket = (
  { layersBySsrc, leg: { receive }, node, receiving }: LabDevice,
  offset: number,
  length: number,
  descriptor: number,
  typeByte: number,
  sequence: number,
  nowMs: number
): void => {
  const { bytes, view } = node.resources.rings.memory
  const ssrc = RtpHeader.ssrcAt(view, offset)
  const isGap = (typeByte & HopFrame.gapFlag) !== 0
  const hole = isGap ? () => NackGenerator.isSettledBefore(receive.nacks, sequence) : undefined
  const layered = layersBySsrc.get(ssrc)
  if (layered !== undefined) {
    const packet = bytes.subarray(offset, offset + length)
    LayeredPicture.handlePacket(layered.picture, layered.layer, packet, descriptor, hole, nowMs)
    return
  }
  const stream = receiving.find(({ description }) => description.ssrc === ssrc)
  if (stream !== undefined) ReceivedStream.handlePacket(stream, view, offset, descriptor, hole, nowMs)
}

const handleFeedback = (self: LabDevice, offset: number, length: number, nowMs: number): void => {
  const { camera, leg, node, receiverRates, sending, video } = self
  if (!Leg.handleFeedback(leg, node.resources, offset, length, nowMs, node.out)) return
  const { report } = node.resources
  for (let i = 0; i < report.keyFrameCount; i++) {
    if (report.keyFrameSsrcs[i] === sending[1]!.description.ssrc) VideoSource.requestKeyFrame(video)
    else if (camera !== undefined) SimulcastCamera.requestKeyFrame(camera, report.keyFrameSsrcs[i]!)
  }
  for (let i = 0; i < report.rateCount; i++) {
    const ssrc = report.rateSsrcs[i]!
    if (ssrc === sending[1]!.description.ssrc || (camera !== undefined && SimulcastCamera.hasStream(camera, ssrc))) {
      ReceiverRates.handleRate(receiverRates, ssrc, report.rateBps[i]!, nowMs)
    }
  }
}
