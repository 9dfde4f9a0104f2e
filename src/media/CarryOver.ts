import * as HopFrame from "../protocol/HopFrame.ts"
import * as SequenceNumber from "../protocol/SequenceNumber.ts"
import type * as PacketBatch from "../sockets/PacketBatch.ts"
import * as PacketQueue from "./PacketQueue.ts"
import * as PacketRing from "./PacketRing.ts"
import * as PacketRings from "./PacketRings.ts"
import * as Pacing from "./Pacing.ts"
import type * as SendLeg from "./SendLeg.ts"
import * as SendRate from "./SendRate.ts"
import * as SentHistory from "./SentHistory.ts"

/**
 * Goes on with another leg's media on this one: what that has sent since then, which nobody may have got, and then the video
 * that waits there for its turn, which nobody has. Whoever has got it gets it twice, and takes it once. In the order in which
 * it was to be sent first; what waits leaves the other leg, and has its turn here when this path has room.
 */
export const carryOver = (
  self: SendLeg.SendLeg,
  from: SendLeg.SendLeg,
  rings: PacketRings.PacketRings,
  sinceMs: number,
  nowMs: number,
  out: PacketBatch.SendBatch
): void => {
  repeatSent(self, from, rings, sinceMs, nowMs, out)
  if (from.rate !== undefined) takeWaiting(self, from, from.rate, rings, nowMs, out)
}

const repeatSent = (
  self: SendLeg.SendLeg,
  { history, kind: { mask } }: SendLeg.SendLeg,
  rings: PacketRings.PacketRings,
  sinceMs: number,
  nowMs: number,
  out: PacketBatch.SendBatch
): void => {
  let first = history.highest
  let count = 0
  while (count < history.known && history.sentAtMs[SentHistory.find(history, first)]! >= sinceMs) {
    first = (first - 1) & mask
    count++
  }
  for (let sequence = SequenceNumber.next(first, mask); count > 0; count--) {
    const at = SentHistory.find(history, sequence)
    sequence = SequenceNumber.next(sequence, mask)
    const ring = PacketRings.ringOf(rings, HopFrame.typeOf(history.types[at]!))
    const packet = history.packets[at]!
    if (!PacketRing.hasForBatch(ring, packet)) continue
    Pacing.leave(self, self.legTag, ring, packet, history.types[at]!, history.descriptors[at]!, nowMs, out)
  }
}

const takeWaiting = (
  self: SendLeg.SendLeg,
  from: SendLeg.SendLeg,
  rate: SendRate.SendRate,
  { video }: PacketRings.PacketRings,
  nowMs: number,
  out: PacketBatch.SendBatch
): void => {
  const { queue } = rate
  for (let at = PacketQueue.peek(queue, video, nowMs); at >= 0; at = PacketQueue.peek(queue, video, nowMs)) {
    const { descriptors, packets, queuedAtMs, types } = queue
    // Nothing waits longer: this was forgotten.
    if (nowMs - queuedAtMs[at]! > SendRate.waitMsMax) {
      PacketQueue.dropFirst(queue, video)
      continue
    }
    Pacing.send(self, self.legTag, video, packets[at]!, types[at]!, descriptors[at]!, nowMs, out)
    PacketQueue.removeFirst(queue, video)
  }
  from.packetsWithheld += queue.dropped
  queue.dropped = 0
  SendRate.noteDeadline(rate)
}
