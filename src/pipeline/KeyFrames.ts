import * as ArrivalRecorder from "../media/ArrivalRecorder.ts"
import * as KeyFrameRequest from "../media/KeyFrameRequest.ts"
import * as Leg from "../media/Leg.ts"
import * as SendLeg from "../media/SendLeg.ts"
import * as Feedback from "../protocol/Feedback.ts"
import * as HopFrame from "../protocol/HopFrame.ts"
import * as PacketBatch from "../sockets/PacketBatch.ts"
import type { Forwarding } from "./Forwarding.ts"
import * as LegTimers from "./LegTimers.ts"
import * as RelayLeg from "./RelayLeg.ts"

/** The receiver's wishes for key frames, gathered per stream, go to the leg that the stream comes from. */
export const handleReport = (
  self: Forwarding,
  receiver: RelayLeg.RelayLeg,
  nowMs: number,
  out: PacketBatch.SendBatch
): void => {
  const { report } = self.resources
  for (let i = 0; i < report.keyFrameCount; i++) {
    const source = findSource(receiver, report.keyFrameSsrcs[i]!)
    if (source !== undefined) request(self, source.leg, source.keyFrames, nowMs, out)
  }
}

/** After a hole that is too large to repair. */
export const requestAll = (
  self: Forwarding,
  leg: RelayLeg.RelayLeg,
  nowMs: number,
  out: PacketBatch.SendBatch
): void => {
  for (const { keyFrames } of leg.streams) if (keyFrames !== undefined) request(self, leg, keyFrames, nowMs, out)
}

/**
 * A device's leg gathers what is asked for, and repeats it. On a trunk an SSRC says nothing without its call: each request
 * goes out alone, in a report with the call's tag, and whoever needs the key frame repeats it.
 */
const request = (
  self: Forwarding,
  leg: RelayLeg.RelayLeg,
  keyFrames: KeyFrameRequest.KeyFrameRequest,
  nowMs: number,
  out: PacketBatch.SendBatch
): void => {
  if (leg.carrier === undefined) {
    Leg.requestKeyFrame(leg.hop, keyFrames)
    Leg.noteDeadline(leg.hop)
    LegTimers.schedule(self.timers, leg)
    return
  }
  KeyFrameRequest.handleRequest(keyFrames)
  if (KeyFrameRequest.poll(keyFrames, nowMs)) send(self, leg, keyFrames.ssrc, nowMs, out)
}

const send = (
  { keyFrameReport: report, resources }: Forwarding,
  { hop, sendTag }: RelayLeg.RelayLeg,
  ssrc: number,
  nowMs: number,
  out: PacketBatch.SendBatch
): void => {
  const { rings } = resources
  report.requestCount = 0
  report.arrivalCount = 0
  report.referenceTicks = 0
  report.keyFrameCount = 1
  report.keyFrameSsrcs[0] = ssrc
  const bytesMax = Feedback.frameBytesMax - hop.kind.headerBytes
  const offset = PacketBatch.reserve(out, bytesMax)
  if (offset < 0) return
  const nowTicks = ArrivalRecorder.toTicks(nowMs)
  const length = Feedback.write(rings.memory.view, offset, bytesMax, report, nowTicks, hop.kind.isTrunk)
  out.scratchUsed -= bytesMax - length
  const type = HopFrame.typeByte(HopFrame.FrameType.Feedback, 0)
  SendLeg.writeFrame(hop.send, sendTag, type, 0, hop.send.lastRepair, offset, length, nowMs, out)
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
