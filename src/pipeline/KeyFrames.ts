import * as KeyFrameAsks from "../media/KeyFrameAsks.ts"
import * as KeyFrameRequest from "../media/KeyFrameRequest.ts"
import * as Leg from "../media/Leg.ts"
import type * as PacketBatch from "../sockets/PacketBatch.ts"
import * as CallFeedback from "./CallFeedback.ts"
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
    for (const source of receiver.sources) {
      const keyFrames = RelayLeg.findStreamFor(source, receiver, report.keyFrameSsrcs[i]!)?.keyFrames
      if (keyFrames !== undefined) request(self, source, keyFrames, nowMs, out)
    }
  }
}

/** What a trunk's report tells to be lost of the calls on it is asked again. A device's leg does so by itself. */
export const repeatLost = (
  self: Forwarding,
  { hop }: RelayLeg.RelayLeg,
  nowMs: number,
  out: PacketBatch.SendBatch
): void => {
  if (!hop.kind.isTrunk) return
  for (const { request, tag } of self.resources.lostAsks) askOnTrunk(self, hop, tag, request, nowMs, out)
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
export const request = (
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
  askOnTrunk(self, leg.hop, leg.sendTag, keyFrames, nowMs, out)
}

const askOnTrunk = (
  self: Forwarding,
  hop: Leg.Leg,
  tag: number,
  request: KeyFrameRequest.KeyFrameRequest,
  nowMs: number,
  out: PacketBatch.SendBatch
): void => {
  if (!KeyFrameRequest.poll(request, nowMs)) return
  const report = CallFeedback.start(self)
  report.keyFrameSsrcs[report.keyFrameCount++] = request.ssrc
  const hopSequence = hop.send.nextHop
  const isSent = CallFeedback.send(self, hop, tag, nowMs, out)
  if (isSent) KeyFrameAsks.handleSent(hop.keyFrameAsks, { request, tag, hopSequence, askedAtMs: nowMs })
  // Whoever wishes next need not wait.
  else KeyFrameRequest.handleLost(request, nowMs, true)
}
