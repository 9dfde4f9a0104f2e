import * as HopFrame from "../protocol/HopFrame.ts"
import type * as PacketBatch from "../sockets/PacketBatch.ts"
import * as QueueDrain from "./bandwidth/QueueDrain.ts"
import * as AudioDuplication from "./fec/AudioDuplication.ts"
import type { LegResources } from "./Leg.ts"
import * as PacketRing from "./PacketRing.ts"
import type { ReportedLoss } from "./ReportedLoss.ts"
import * as SendLeg from "./SendLeg.ts"
import * as SentHistory from "./SentHistory.ts"

/**
 * Second copies of audio on a leg that loses much: with each packet the one before it of the same stream goes once more,
 * or the one before that. A copy is a resend that nobody has asked for: docs/algorithms/audio-duplication.md.
 */

/** How far back the packet before is looked for, among all streams of the leg. */
const lookBackMax = 64
const lookBackMaxOnTrunk = 512

/**
 * Call with every report of the leg's receiver. What it says of losses concerns its own leg alone. While copies are withheld
 * nothing is kept of it: when they are allowed again it begins as on a new leg.
 */
export const handleReport = (
  self: SendLeg.SendLeg,
  { withheld }: LegResources,
  loss: ReportedLoss,
  nowMs: number
): void => {
  const { meanBurst, packets, reportedLossRatio } = loss
  if (withheld.duplication) {
    self.duplication = undefined
    return
  }
  if (packets === 0 || (reportedLossRatio === 0 && self.duplication === undefined)) return
  self.duplication ??= AudioDuplication.make()
  AudioDuplication.handleReport(self.duplication, reportedLossRatio, meanBurst, nowMs)
}

/** Call when a packet of audio has been sent for the first time. */
export const handleSent = (
  self: SendLeg.SendLeg,
  ring: PacketRing.PacketRing,
  packet: number,
  nowMs: number,
  out: PacketBatch.SendBatch
): void => {
  const { duplication, history, kind, rate } = self
  if (duplication === undefined || duplication.copies === 0) return
  // What is lost behind a queue is lost because too much is sent: copies would be more of it.
  if (rate !== undefined && QueueDrain.isStanding(rate.estimator.queue)) return
  const clock = PacketRing.clockOf(ring, packet)
  let wanted = duplication.distance
  const backMax = Math.min(history.known - 1, kind.isTrunk ? lookBackMaxOnTrunk : lookBackMax)
  for (let back = 1; back <= backMax; back++) {
    const sequence = (history.highest - back) & kind.mask
    const at = SentHistory.find(history, sequence)
    const before = history.packets[at]!
    if (!HopFrame.isAudio(HopFrame.typeOf(history.types[at]!)) || !PacketRing.hasForBatch(ring, before)) continue
    if (PacketRing.clockOf(ring, before) !== clock || --wanted > 0) continue
    SendLeg.repeat(self, ring, sequence, at, nowMs, out)
    self.copiesSent++
    return
  }
}
