import * as HopFrame from "../protocol/HopFrame.ts"
import type * as PacketBatch from "../sockets/PacketBatch.ts"
import * as BandwidthEstimator from "./bandwidth/BandwidthEstimator.ts"
import * as ProbeControl from "./bandwidth/ProbeControl.ts"
import * as AudioCopies from "./AudioCopies.ts"
import type { LegResources } from "./Leg.ts"
import * as Pacer from "./Pacer.ts"
import * as PacketQueue from "./PacketQueue.ts"
import type * as PacketRing from "./PacketRing.ts"
import type * as PacketRings from "./PacketRings.ts"
import * as Protection from "./Protection.ts"
import * as SendLeg from "./SendLeg.ts"
import * as SendRate from "./SendRate.ts"

/** A probe's padding: no longer than an Ethernet frame holds, and worth its header. Bytes of body. */
const paddingBytesMax = 1200
const paddingBytesMin = 200
/** Share of a batch that what has waited may fill: what has just come always finds room. */
const batchShare = 0.5

/**
 * Sends a packet of a ring for the first time, when its turn comes: audio at once (with a copy of the one before, where much
 * is lost), video when the path is believed to have room, in order. `tag` as for `SendLeg.sendPacketOn`.
 */
export const send = (
  self: SendLeg.SendLeg,
  tag: number,
  ring: PacketRing.PacketRing,
  packet: number,
  type: number,
  descriptor: number,
  nowMs: number,
  out: PacketBatch.SendBatch
): void => {
  const frameType = HopFrame.typeOf(type)
  if (frameType === HopFrame.FrameType.Video) {
    const rate = (self.rate ??= start(self))
    const mayLeave = rate.queue.count === 0 && rate.resendCount === 0 && Pacer.isOpen(rate.pacer, nowMs)
    if (!mayLeave) {
      self.lastMediaAtMs = nowMs
      PacketQueue.add(rate.queue, tag, ring, packet, type, descriptor, nowMs)
      SendRate.noteDeadline(rate)
      return
    }
  }
  leave(self, tag, ring, packet, type, descriptor, nowMs, out)
  if (HopFrame.isAudio(frameType)) AudioCopies.handleSent(self, ring, packet, nowMs, out)
}

/** Its turn has come: it gets its numbers, and its place in a block of repair packets. */
export const leave = (
  self: SendLeg.SendLeg,
  tag: number,
  ring: PacketRing.PacketRing,
  packet: number,
  type: number,
  descriptor: number,
  nowMs: number,
  out: PacketBatch.SendBatch
): void => {
  SendLeg.sendPacketOn(self, tag, ring, packet, type, descriptor, nowMs, out)
  Protection.handleSent(self, tag, ring, packet, type, descriptor, nowMs, out)
}

const start = ({ kind, nextHop, startBps }: SendLeg.SendLeg): SendRate.SendRate =>
  SendRate.make(kind, nextHop, { ...kind.bandwidth, startBps })

/** Sends what may be sent by now: repair packets, what was asked for, then what waits, then what a probe needs. */
export const poll = (
  self: SendLeg.SendLeg,
  { rings, withheld }: LegResources,
  roundTripMs: number,
  nowMs: number,
  out: PacketBatch.SendBatch
): void => {
  Protection.poll(self, rings, nowMs, out)
  const { rate } = self
  if (rate === undefined || nowMs < rate.deadlineMs) return
  const { pacer, queue } = rate
  const countMax = out.capacity * batchShare
  while (rate.resendCount > 0 && out.count < countMax && Pacer.isOpen(pacer, nowMs)) {
    SendLeg.resendNow(self, rings, SendRate.takeResend(rate), roundTripMs, nowMs, out)
  }
  if (SendRate.isTooLong(rate)) PacketQueue.shorten(queue, rings.video, nowMs)
  SendRate.setPace(rate, nowMs)
  while (queue.count > 0 && out.count < countMax && Pacer.isOpen(pacer, nowMs)) {
    const at = PacketQueue.peek(queue, rings.video, nowMs)
    if (at < 0) break
    const { descriptors, packets, tags, types } = queue
    leave(self, tags[at]!, rings.video, packets[at]!, types[at]!, descriptors[at]!, nowMs, out)
    PacketQueue.removeFirst(queue, rings.video)
  }
  self.packetsWithheld += queue.dropped
  queue.dropped = 0
  probe(self, rate, rings, withheld.fec, nowMs, out)
  SendRate.noteDeadline(rate)
}

/** Starts a probe that is due, and goes on with one that is under way: padding fills up what media leaves of its rate. */
const probe = (
  self: SendLeg.SendLeg,
  rate: SendRate.SendRate,
  rings: PacketRings.PacketRings,
  isBusy: boolean,
  nowMs: number,
  out: PacketBatch.SendBatch
): void => {
  const { estimator } = rate
  const { probes } = estimator
  if (estimator.probeId === 0) {
    // Nobody says any more that more is wanted; and padding alone would keep an idle leg awake for ever.
    if (nowMs - self.lastMediaAtMs >= SendLeg.quietAfterMs) ProbeControl.setPeriodic(probes, false, nowMs)
    if (!ProbeControl.poll(probes, nowMs, isBusy)) return
    BandwidthEstimator.startProbe(estimator, self.nextHop)
    rate.probeSinceMs = nowMs
    rate.probePackets = 0
    rate.probeBytes = 0
  }
  const { bytesMin, packetsMin, probeBps } = probes
  // As much as belongs into the time so far, and one packet to begin with.
  const dueBytes = (probeBps * (nowMs - rate.probeSinceMs)) / 8000
  const bodyBytes = Math.min(paddingBytesMax, Math.max(paddingBytesMin, Math.ceil(bytesMin / packetsMin)))
  // Whether enough has been sent is asked first: media alone may be faster than the probe, and then none of it is ever due.
  while (rate.probePackets < packetsMin || rate.probeBytes < bytesMin) {
    if (rate.probeBytes > dueBytes) return
    const before = rate.probePackets
    SendLeg.sendPadding(self, rings, bodyBytes, nowMs, out)
    // The batch is full.
    if (rate.probePackets === before) return
  }
  BandwidthEstimator.endProbe(estimator, self.nextHop)
}
