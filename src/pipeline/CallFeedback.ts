import * as ArrivalRecorder from "../media/ArrivalRecorder.ts"
import type { Leg } from "../media/Leg.ts"
import * as SendLeg from "../media/SendLeg.ts"
import * as Feedback from "../protocol/Feedback.ts"
import * as HopFrame from "../protocol/HopFrame.ts"
import * as PacketBatch from "../sockets/PacketBatch.ts"
import type { Forwarding } from "./Forwarding.ts"

/**
 * Reports of one call on a trunk: an SSRC says nothing there without its call, so what is said of streams goes out alone,
 * under the call's tag. The trunk's own reports tell of arrivals and of what is missing.
 */

/** An empty report: scratch, to be filled and sent at once. */
export const start = ({ callReport: report }: Forwarding): Feedback.Feedback => {
  report.requestCount = 0
  report.arrivalCount = 0
  report.referenceTicks = 0
  report.keyFrameCount = 0
  report.rateCount = 0
  return report
}

/** Sends it as `start` has given it out and the caller has filled it, under the call's tag. False when the batch has no room. */
export const send = (
  { callReport: report, resources }: Forwarding,
  hop: Leg,
  tag: number,
  nowMs: number,
  out: PacketBatch.SendBatch
): boolean => {
  const { rings } = resources
  const bytesMax = Feedback.frameBytesMax - hop.kind.headerBytes
  const offset = PacketBatch.reserve(out, bytesMax)
  if (offset < 0) return false
  const nowTicks = ArrivalRecorder.toTicks(nowMs)
  const length = Feedback.write(rings.memory.view, offset, bytesMax, report, nowTicks, hop.kind.isTrunk)
  out.scratchUsed -= bytesMax - length
  const type = HopFrame.typeByte(HopFrame.FrameType.Feedback, 0)
  SendLeg.writeFrame(hop.send, tag, type, 0, hop.send.lastRepair, offset, length, nowMs, out)
  return true
}
