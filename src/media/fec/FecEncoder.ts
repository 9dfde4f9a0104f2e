import * as FecFrame from "../../protocol/FecFrame.ts"
import * as HopFrame from "../../protocol/HopFrame.ts"
import * as LegKind from "../LegKind.ts"
import * as PacketRing from "../PacketRing.ts"
import * as PacketRings from "../PacketRings.ts"
import * as ErasureCode from "./ErasureCode.ts"
import * as RepairWork from "./RepairWork.ts"

/**
 * The sender's side of forward error correction on one leg: gathers what is sent for the first time into blocks, and writes
 * the repair packets of a block that is closed. It keeps references into the packet rings and no bytes. Owned by one leg,
 * changed in place.
 */
export interface FecEncoder {
  readonly kind: LegKind.LegKind
  /** Of all packets of the leg. */
  readonly rings: PacketRings.PacketRings
  readonly work: RepairWork.RepairWork
  /**
   * Repair packets for each packet but audio, 0 to 0.5: the owner sets it, from ProtectionControl. At 0 nothing is gathered.
   * Audio is small, and where much is lost it has copies: repair packets as long as video's are not made for it.
   */
  ratio: number
  /** A block has one repair packet, the exclusive or: cheaper, and blocks are as short as `ratio` wants them then. */
  isParityOnly: boolean
  /** A video frame that ends this long after the block's first packet closes it. Milliseconds. */
  frameEndAfterMs: number
  /** A block is closed this long after its first packet. Milliseconds. */
  blockMs: number
  readonly packets: ErasureCode.BlockPackets
  /** Of the block's packets: numbers in their rings. */
  readonly numbers: Int32Array
  base: number
  count: number
  /** Those of them that are no audio: they earn repair packets. */
  videoCount: number
  firstAtMs: number
  /** When to call `close`; Infinity while there is no block. Milliseconds. */
  deadlineMs: number
  /** Repair packets that earlier blocks have earned and not got; below 0: got and not earned. */
  carry: number
  /** Length of each body that the last `close` has written. */
  bodyBytes: number
  /** Mean of the last blocks that had more than audio, which is not counted. */
  blockPackets: number
}

/** The shortest blocks and the longest beside resends. ProtectionControl says when they are longer. Milliseconds. */
export const frameEndAfterMsDefault = 20
export const blockMsDefault = 50
/** What a UDP datagram over IPv4 may hold on Ethernet: repair packets are longer than all that they protect. Bytes. */
const payloadBytesMax = 1472
/** Share of a new block in the mean, and the mean before the first. */
const blockPacketsGain = 0.1
export const blockPacketsInitial = 8
/** Earned repair packets beyond one are not saved up: they belong to a ratio, or to packets, that are gone. */
const carryMax = 1

export const make = (
  rings: PacketRings.PacketRings,
  work: RepairWork.RepairWork,
  kind = LegKind.device
): FecEncoder => ({
  kind,
  rings,
  work,
  ratio: 0,
  isParityOnly: false,
  frameEndAfterMs: frameEndAfterMsDefault,
  blockMs: blockMsDefault,
  packets: ErasureCode.makeBlockPackets(kind.isTrunk),
  numbers: new Int32Array(ErasureCode.dataPacketsMax),
  base: 0,
  count: 0,
  videoCount: 0,
  firstAtMs: 0,
  deadlineMs: Infinity,
  carry: 0,
  bodyBytes: 0,
  blockPackets: blockPacketsInitial
})

/** A longer packet is not protected: its repair packet would not fit into an Ethernet frame. Bytes. */
export const packetBytesMax = (kind: LegKind.LegKind): number =>
  kind.isTrunk
    ? payloadBytesMax - kind.headerBytes - FecFrame.wideHeadBytes - ErasureCode.wideHeadBytes
    : payloadBytesMax - kind.headerBytes - FecFrame.headBytes - ErasureCode.headBytes

/**
 * Call for every packet that is sent for the first time, with its number in the ring of its type. When `deadlineMs` has come
 * after it, call `close` before the next one. `tag`: on a trunk, as a signed number.
 */
export const handlePacket = (
  self: FecEncoder,
  repairSequence: number,
  packet: number,
  typeByte: number,
  descriptor: number,
  tag: number,
  nowMs: number
): void => {
  const { count, kind, packets } = self
  if (self.ratio <= 0) return abandon(self)
  const type = (typeByte >> 2) & 0x0f
  const follows = count > 0 && repairSequence === ((self.base + count) & kind.mask)
  if (!follows || count === ErasureCode.dataPacketsMax) abandon(self)
  const ring = PacketRings.ringOf(self.rings, type)
  if (PacketRing.lengthOf(ring, packet) > packetBytesMax(kind)) {
    // The block ends before it.
    if (self.count > 0) self.deadlineMs = nowMs
    return
  }
  if (self.count === 0) {
    self.base = repairSequence
    self.firstAtMs = nowMs
    self.deadlineMs = nowMs + self.blockMs
  }
  const at = self.count++
  self.numbers[at] = packet
  packets.types[at] = typeByte & ~HopFrame.resendFlag
  packets.descriptors[at] = descriptor
  packets.tags[at] = tag
  if (!HopFrame.isAudio(type)) self.videoCount++
  const endsFrame = type === HopFrame.FrameType.Video && (descriptor & HopFrame.endOfFrameFlag) !== 0
  const isOld = nowMs - self.firstAtMs >= self.frameEndAfterMs
  if ((endsFrame && isOld && earned(self) > 0) || isFull(self)) self.deadlineMs = nowMs
}

/**
 * Ends the block and writes the bodies of its repair frames, each `bodyBytes` long, behind one another at `offset` of the packet
 * memory. Returns how many: none if the block has earned none, or if there is no room in `bytesMax` or in the budget of all legs.
 */
export const close = (self: FecEncoder, offset: number, bytesMax: number): number => {
  const { base, count, kind, packets, rings } = self
  const { view } = rings.memory
  if (self.videoCount > 0) self.blockPackets += (self.videoCount - self.blockPackets) * blockPacketsGain
  if (!findPackets(self)) {
    abandon(self)
    return 0
  }
  const symbolBytes = ErasureCode.symbolBytesOf(packets, count)
  self.bodyBytes = (kind.isTrunk ? FecFrame.wideHeadBytes : FecFrame.headBytes) + symbolBytes
  const wanted = Math.min(earned(self), Math.max(0, Math.floor(bytesMax / self.bodyBytes)))
  const repairs = RepairWork.spend(self.work, wanted, count * symbolBytes)
  for (let row = 0, at = offset; row < repairs; row++, at += self.bodyBytes) {
    const head = FecFrame.writeHead(view, at, base, count, repairs, row, kind.isTrunk)
    ErasureCode.encode(packets, count, row, view, view, at + head, symbolBytes)
  }
  const left = self.carry + self.ratio * self.videoCount - repairs
  self.carry = Math.max(-carryMax, Math.min(carryMax, left))
  self.count = 0
  self.videoCount = 0
  self.deadlineMs = Infinity
  return repairs
}

/** Rounded, the rest being carried over: in the long run small blocks too get what `ratio` says. */
const earned = (self: FecEncoder): number => {
  const repairsMax = self.isParityOnly ? 1 : ErasureCode.repairPacketsMax
  return Math.max(0, Math.min(repairsMax, Math.round(self.carry + self.ratio * self.videoCount)))
}

/** With parity alone a block ends when it has earned its repair packet. Audio earns none, so it is not counted there. */
const isFull = (self: FecEncoder): boolean =>
  self.count === ErasureCode.dataPacketsMax || (self.isParityOnly && self.videoCount >= Math.round(1 / self.ratio))

/** Where the packets lie. False when there is none, or one of them is not in its ring any more. */
const findPackets = (self: FecEncoder): boolean => {
  const { count, numbers, packets, rings } = self
  for (let at = 0; at < count; at++) {
    const ring = PacketRings.ringOf(rings, (packets.types[at]! >> 2) & 0x0f)
    if (!PacketRing.has(ring, numbers[at]!)) return false
    packets.offsets[at] = PacketRing.offsetOf(ring, numbers[at]!)
    packets.lengths[at] = PacketRing.lengthOf(ring, numbers[at]!)
  }
  return count > 0
}

/** Gives the block up. */
const abandon = (self: FecEncoder): void => {
  self.count = 0
  self.videoCount = 0
  self.deadlineMs = Infinity
}
