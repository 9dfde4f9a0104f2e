import * as RateNotice from "../media/RateNotice.ts"
import * as ReceiverRates from "../media/ReceiverRates.ts"
import * as Feedback from "../protocol/Feedback.ts"
import type * as PacketBatch from "../sockets/PacketBatch.ts"
import * as CallFeedback from "./CallFeedback.ts"
import * as Downlink from "./Downlink.ts"
import * as LayerChoice from "./LayerChoice.ts"
import * as LayerForwarding from "./LayerForwarding.ts"
import type { Forwarding } from "./Forwarding.ts"
import * as RelayLeg from "./RelayLeg.ts"
import type { RelayStream } from "./RelayStream.ts"

/**
 * For whom one slow receiver of several is no reason to be slower: a picture of 320 by 180, libwebrtc video/config/simulcast.cc
 * target_bitrate. Bits a second.
 */
export const groupBps = 150_000

/**
 * At which rate a stream is of use to two receivers: the slowest's if all have more than `groupBps`, the fastest's if all have
 * less, else `groupBps`. The median of three; in whatever order and groups many are put together, at one relay or several, it
 * is the same.
 */
export const together = (aBps: number, bBps: number): number =>
  Math.max(Math.min(aBps, bBps), Math.min(groupBps, Math.max(aBps, bBps)))

/** A receiver has reported: what its path has for video is told to where the video comes from. */
export const handleReport = (
  self: Forwarding,
  receiver: RelayLeg.RelayLeg,
  nowMs: number,
  out: PacketBatch.SendBatch
): void => {
  const { participant, receiverRates } = receiver
  if (receiverRates !== undefined) {
    if (takeRates(self, receiver, receiverRates, nowMs)) tellSources(self, receiver, nowMs, out)
  } else if (participant !== undefined) {
    takeUplink(self, receiver)
    if (Downlink.isDue(receiver, nowMs)) {
      Downlink.update(receiver, nowMs)
      tellSources(self, receiver, nowMs, out)
    }
    LayerChoice.poll(self, receiver, nowMs, out)
  }
}

const tellSources = (
  self: Forwarding,
  receiver: RelayLeg.RelayLeg,
  nowMs: number,
  out: PacketBatch.SendBatch
): void => {
  const { sources } = receiver
  for (let i = 0; i < sources.length; i++) {
    const source = sources[i]!
    for (let j = 0; j < source.streams.length; j++) {
      const stream = source.streams[j]!
      const { notice, pending, targets } = stream
      if (notice === undefined) continue
      const isWaiting = pending.some((one) => one.receiver === receiver && LayerForwarding.isWaitingFor(one, stream))
      if (!isWaiting && !targets.includes(receiver)) continue
      const bps = usefulBps(stream, nowMs)
      if (!Number.isNaN(bps)) RateNotice.handleRate(notice, bps, nowMs)
    }
    // A device's leg has reports of its own.
    if (source.carrier !== undefined) sendOnTrunk(self, source, nowMs, out)
  }
}

/** What a device says of its own path. It harms itself alone if that is not so: it is told to send less, or more than it can. */
const takeUplink = ({ resources: { report } }: Forwarding, receiver: RelayLeg.RelayLeg): void => {
  for (let i = 0; i < report.rateCount; i++) {
    if (report.rateSsrcs[i] === Feedback.uplinkSsrc) receiver.uplinkBps = report.rateBps[i]!
  }
}

/** What the relay at the other end says of those it sends a call's streams to. What a device says of its own path we know. */
const takeRates = (
  { resources: { report } }: Forwarding,
  receiver: RelayLeg.RelayLeg,
  rates: ReceiverRates.ReceiverRates,
  nowMs: number
): boolean => {
  let isNews = false
  for (let i = 0; i < report.rateCount; i++) {
    const ssrc = report.rateSsrcs[i]!
    if (!receiver.sources.some((source) => RelayLeg.findStreamFor(source, receiver, ssrc) !== undefined)) continue
    ReceiverRates.handleRate(rates, ssrc, report.rateBps[i]!, nowMs)
    isNews = true
  }
  return isNews
}

/**
 * Of those of whom something is known, and who get it or would if there were room. NaN: of nobody, for the other relay may have
 * told of other streams alone.
 */
const usefulBps = (stream: RelayStream, nowMs: number): number => {
  const { description, pending, targets } = stream
  let bps = NaN
  for (let i = 0; i < targets.length; i++) {
    const target = targets[i]!
    const targetBps =
      target.receiverRates === undefined
        ? Downlink.shareBps(target.downlink, nowMs)
        : ReceiverRates.rateBps(target.receiverRates, description.ssrc, nowMs)
    if (Number.isNaN(targetBps)) continue
    bps = Number.isNaN(bps) ? targetBps : together(bps, targetBps)
  }
  for (let i = 0; i < pending.length; i++) {
    const one = pending[i]!
    const waitingBps = Downlink.shareBps(one.receiver.downlink, nowMs)
    if (Number.isNaN(waitingBps) || !LayerForwarding.isWaitingFor(one, stream)) continue
    bps = Number.isNaN(bps) ? waitingBps : together(bps, waitingBps)
  }
  return bps
}

const sendOnTrunk = (self: Forwarding, source: RelayLeg.RelayLeg, nowMs: number, out: PacketBatch.SendBatch): void => {
  const report = CallFeedback.start(self)
  for (const { notice } of source.streams) {
    if (notice === undefined || !RateNotice.poll(notice, nowMs)) continue
    Feedback.addRate(report, notice.ssrc, notice.bps)
    if (report.rateCount < Feedback.ratesMax) continue
    CallFeedback.send(self, source.hop, source.sendTag, nowMs, out)
    CallFeedback.start(self)
  }
  if (report.rateCount > 0) CallFeedback.send(self, source.hop, source.sendTag, nowMs, out)
}
