import * as FecFrame from "../protocol/FecFrame.ts"
import * as Feedback from "../protocol/Feedback.ts"
import * as HopFrame from "../protocol/HopFrame.ts"
import type * as PacketBatch from "../sockets/PacketBatch.ts"
import * as FecDecoder from "./fec/FecDecoder.ts"
import type { RepairWork } from "./fec/RepairWork.ts"
import type * as Leg from "./Leg.ts"
import type * as LegKind from "./LegKind.ts"
import * as PacketRing from "./PacketRing.ts"
import * as PacketRings from "./PacketRings.ts"
import * as PlayoutBudget from "./PlayoutBudget.ts"
import * as ReceiveLeg from "./ReceiveLeg.ts"
import * as RoundTripEstimator from "./RoundTripEstimator.ts"
import * as StreamClock from "./StreamClock.ts"

/**
 * What the receiver of a leg does with repair packets: docs/algorithms/repair-interplay.md. There is none before the first of
 * them. Recovered packets lie in the scratch of the batch until it is sent; the owner takes each of them in as if it
 * had arrived. Owned by one leg's receiver, changed in place.
 */
export interface Recovery {
  readonly decoder: FecDecoder.FecDecoder
  /** Scratch. */
  readonly frame: FecFrame.FecFrame
  /** Of the packets that are kept for recovery alone, and never sent again. */
  readonly clock: StreamClock.StreamClock
  /** When the last repair frame came, a well-formed one. Milliseconds. */
  repairedAtMs: number
}

/** A sender that has protected nothing for so long has ended it: there is nothing to remember for. Milliseconds. */
export const releaseAfterMs = 10_000

const make = (kind: LegKind.LegKind, work: RepairWork, frame: FecFrame.FecFrame): Recovery => ({
  decoder: FecDecoder.make(work, kind),
  frame,
  clock: StreamClock.make("video", 90_000),
  repairedAtMs: 0
})

/** Takes in the body of a repair frame. How many packets can be recovered now, or -1 when it is malformed. */
export const handleRepair = (
  self: ReceiveLeg.ReceiveLeg,
  { repairWork, rings }: Leg.LegResources,
  offset: number,
  lengthBytes: number,
  nowMs: number,
  out: PacketBatch.SendBatch
): number => {
  const frame = self.recovery === undefined ? FecFrame.make() : self.recovery.frame
  if (!FecFrame.read(rings.memory.view, offset, lengthBytes, frame, self.kind.isTrunk)) return -1
  const recovery = (self.recovery ??= make(self.kind, repairWork, frame))
  recovery.repairedAtMs = nowMs
  const count = FecDecoder.handleRepair(recovery.decoder, rings, frame, scratchOffsetOf(out), scratchBytesOf(out))
  return hold(self, count, out)
}

/**
 * Call for a packet that has not been here before, with its number in the ring of its type, and for a recovered one when it has
 * been kept. How many others of its block can be recovered now. `tag`: on a trunk.
 */
export const handlePacket = (
  self: ReceiveLeg.ReceiveLeg,
  rings: PacketRings.PacketRings,
  sequence: number,
  packet: number,
  typeByte: number,
  descriptor: number,
  tag: number,
  out: PacketBatch.SendBatch
): number => {
  if (self.recovery === undefined) return 0
  const { decoder } = self.recovery
  const offset = scratchOffsetOf(out)
  const bytes = scratchBytesOf(out)
  const count = FecDecoder.handlePacket(decoder, rings, sequence, packet, typeByte, descriptor, tag | 0, offset, bytes)
  return hold(self, count, out)
}

/** The same for who does not keep what it receives: a device. */
export const keepPacket = (
  self: ReceiveLeg.ReceiveLeg,
  rings: PacketRings.PacketRings,
  sequence: number,
  typeByte: number,
  descriptor: number,
  offset: number,
  lengthBytes: number,
  nowMs: number,
  out: PacketBatch.SendBatch
): number => {
  if (self.recovery === undefined) return 0
  const ring = PacketRings.ringOf(rings, HopFrame.typeOf(typeByte))
  const packet = PacketRing.store(ring, offset, lengthBytes, 0, self.recovery.clock, nowMs)
  return handlePacket(self, rings, sequence, packet, typeByte, descriptor, 0, out)
}

/**
 * Notes that recovered packet `i` is here now. False if it is not new after all. As long as packets come back so, what is
 * missing is asked for so much later: to ask for what comes by itself would be a resend in vain.
 */
export const noteRecovered = ({ receive, roundTrip }: Leg.Leg, i: number, nowMs: number): boolean => {
  const sequence = receive.recovery!.decoder.recovered.sequences[i]!
  const waitMsMax = PlayoutBudget.recoveryWaitMs(RoundTripEstimator.roundTripMs(roundTrip))
  return ReceiveLeg.handleRecovered(receive, sequence, waitMsMax, nowMs)
}

/** Gives the memory back when repair packets have ended. */
export const poll = (self: ReceiveLeg.ReceiveLeg, nowMs: number): void => {
  const { recovery } = self
  if (recovery !== undefined && nowMs - recovery.repairedAtMs >= releaseAfterMs) self.recovery = undefined
}

const scratchOffsetOf = (out: PacketBatch.SendBatch): number => out.scratchOffset + out.scratchUsed

/** There has to be room for a report. */
const scratchBytesOf = (out: PacketBatch.SendBatch): number =>
  Math.max(0, out.scratchBytes - out.scratchUsed - Feedback.frameBytesMax)

/** What has been recovered stays where it is while the batch is filled further. */
const hold = (self: ReceiveLeg.ReceiveLeg, count: number, out: PacketBatch.SendBatch): number => {
  if (count === 0) return 0
  const { lengths, offsets } = self.recovery!.decoder.recovered
  out.scratchUsed = offsets[count - 1]! + lengths[count - 1]! - out.scratchOffset
  return count
}
