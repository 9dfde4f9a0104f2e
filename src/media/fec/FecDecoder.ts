import type * as FecFrame from "../../protocol/FecFrame.ts"
import * as HopFrame from "../../protocol/HopFrame.ts"
import * as LegKind from "../LegKind.ts"
import type * as PacketRings from "../PacketRings.ts"
import * as ErasureCode from "./ErasureCode.ts"
import * as PacketWindow from "./PacketWindow.ts"
import * as RepairBlocks from "./RepairBlocks.ts"
import * as RepairWork from "./RepairWork.ts"

/**
 * The receiver's side of forward error correction on one leg: remembers where the last packets lie, keeps repair packets, and
 * computes what is missing of a block as soon as that can be done. It remembers nothing before the first repair packet: a
 * leg whose sender does not protect it costs nothing. Owned by one leg, changed in place.
 */
export interface FecDecoder {
  readonly kind: LegKind.LegKind
  /** None before the first repair packet. */
  memory: Memory | undefined
  readonly packets: ErasureCode.BlockPackets
  readonly workspace: ErasureCode.Workspace
  /** What the last call has recovered, as many as it returned, in the order of their numbers. */
  readonly recovered: Recovered
  readonly work: RepairWork.RepairWork
}

export interface Recovered {
  /** As the leg's numbers are: 16 bits, or 32 and signed. */
  readonly sequences: Int32Array
  /** First byte of the frame that the packet came in, without R. */
  readonly types: Uint8Array
  readonly descriptors: Uint8Array
  /** On a trunk, as a signed number. */
  readonly tags: Int32Array
  /** Packet `i` is `lengths[i]` bytes at `offsets[i]` of the packet memory. */
  readonly offsets: Int32Array
  readonly lengths: Uint16Array
}

interface Memory {
  readonly window: PacketWindow.PacketWindow
  readonly waiting: RepairBlocks.RepairBlocks
}

/** Numbers: two seconds of video with its sound. */
const deviceLimits = { window: 512, blocksMax: 16, repairsMax: 32 }
/** Numbers: 80 ms of 100,000 packets a second. */
const trunkLimits = { window: 8192, blocksMax: 128, repairsMax: 256 }

export const make = (work: RepairWork.RepairWork, kind = LegKind.device): FecDecoder => ({
  kind,
  memory: undefined,
  packets: ErasureCode.makeBlockPackets(kind.isTrunk),
  workspace: ErasureCode.makeWorkspace(),
  recovered: {
    sequences: new Int32Array(ErasureCode.repairPacketsMax),
    types: new Uint8Array(ErasureCode.repairPacketsMax),
    descriptors: new Uint8Array(ErasureCode.repairPacketsMax),
    tags: new Int32Array(ErasureCode.repairPacketsMax),
    offsets: new Int32Array(ErasureCode.repairPacketsMax),
    lengths: new Uint16Array(ErasureCode.repairPacketsMax)
  },
  work
})

/**
 * Call for every packet that has not been here before, recovered ones too, with its number in the ring of its type. Returns
 * how many others of its block it has helped to recover: `recovered` tells where they lie in the packet memory, in the
 * `scratchBytes` from `scratchOffset` on. The owner takes them in as if they had arrived, as resends. `tag`: on a trunk, as a
 * signed number.
 */
export const handlePacket = (
  self: FecDecoder,
  rings: PacketRings.PacketRings,
  sequence: number,
  packet: number,
  typeByte: number,
  descriptor: number,
  tag: number,
  scratchOffset: number,
  scratchBytes: number
): number => {
  const { memory } = self
  if (memory === undefined) return 0
  if (PacketWindow.ahead(memory.window, sequence) <= -memory.window.states.length) return 0
  advanceTo(memory, sequence)
  PacketWindow.add(memory.window, sequence, packet, typeByte, descriptor, tag)
  const block = RepairBlocks.findOverlapping(memory.waiting, sequence, 1)
  return block === undefined ? 0 : recover(self, rings, memory, block, scratchOffset, scratchBytes)
}

/** Takes in a repair packet, which lies in the packet memory where `frame` says. Returns what `handlePacket` does. */
export const handleRepair = (
  self: FecDecoder,
  rings: PacketRings.PacketRings,
  frame: FecFrame.FecFrame,
  scratchOffset: number,
  scratchBytes: number
): number => {
  const { base, dataPackets, repairBytes, repairPackets, row } = frame
  const last = (base + dataPackets - 1) & self.kind.mask
  const memory = (self.memory ??= makeMemory(self.kind, last))
  const { waiting, window } = memory
  const ahead = PacketWindow.ahead(window, last)
  const windowLength = window.states.length
  // One that lies far ahead would push out what is needed; packets before it will be here first.
  if (ahead > windowLength / 2 || dataPackets - ahead > windowLength) return refuse(self)
  if (repairBytes > RepairBlocks.repairBytesMax) return refuse(self)
  advanceTo(memory, last)
  let block = RepairBlocks.findOverlapping(waiting, base, dataPackets)
  const missing = PacketWindow.countMissing(window, base, dataPackets)
  if (missing < 0 || (block !== undefined && !RepairBlocks.isOf(block, frame))) return refuse(self)
  if (missing === 0 || (block !== undefined && RepairBlocks.hasRow(block, row))) return 0
  block ??= RepairBlocks.add(waiting, base, dataPackets, repairPackets, repairBytes)
  RepairBlocks.keep(waiting, block, row, rings.memory.view, frame.repairOffset)
  return recover(self, rings, memory, block, scratchOffset, scratchBytes)
}

const makeMemory = (kind: LegKind.LegKind, highest: number): Memory => {
  const { blocksMax, repairsMax, window } = kind.isTrunk ? trunkLimits : deviceLimits
  return {
    window: PacketWindow.make(kind, window, highest),
    waiting: RepairBlocks.make(kind, blocksMax, repairsMax)
  }
}

const refuse = (self: FecDecoder): number => {
  self.work.undone.contradictory++
  return 0
}

const advanceTo = ({ waiting, window }: Memory, sequence: number): void => {
  if (PacketWindow.ahead(window, sequence) <= 0) return
  PacketWindow.advanceTo(window, sequence)
  if (waiting.count > 0) RepairBlocks.dropOutside(waiting, sequence, window.states.length)
}

/**
 * Decodes the block if it has enough repair packets. Whatever comes of that, the block is done with; but where there is no
 * room, or no budget, it waits for the next of its packets.
 */
const recover = (
  self: FecDecoder,
  rings: PacketRings.PacketRings,
  { waiting, window }: Memory,
  block: RepairBlocks.Block,
  scratchOffset: number,
  scratchBytes: number
): number => {
  const { base, dataPackets, offsets, rows, symbolBytes } = block
  const missing = PacketWindow.countMissing(window, base, dataPackets)
  if (missing > block.repairCount) return 0
  if (missing * symbolBytes > scratchBytes) {
    self.work.undone.batchFull++
    return 0
  }
  if (missing > 0 && RepairWork.spend(self.work, 1, missing * dataPackets * symbolBytes) === 0) return 0
  // What it had lies where it was until another repair packet is kept.
  RepairBlocks.drop(waiting, block)
  const { packets, workspace } = self
  if (missing <= 0 || !PacketWindow.findPackets(window, rings, base, dataPackets, packets)) return 0
  const { view } = rings.memory
  const count = ErasureCode.decode(
    workspace,
    packets,
    dataPackets,
    rows,
    waiting.view,
    offsets,
    missing,
    symbolBytes,
    view,
    view,
    scratchOffset
  )
  let isSound = count === missing
  for (let i = 0; i < missing && isSound; i++) {
    self.recovered.sequences[i] = (base + workspace.missing[i]!) & self.kind.mask
    isSound = readSymbol(self, i, rings, scratchOffset + i * symbolBytes, symbolBytes)
  }
  // Of a block that gives something else than packets, nothing more is expected.
  const { Recovered, Unknown } = PacketWindow.State
  PacketWindow.markMissing(window, base, dataPackets, isSound ? Recovered : Unknown)
  if (!isSound) {
    self.work.undone.notPackets++
    return 0
  }
  return count
}

/** Reads the packet out of a symbol. False when it holds none. */
const readSymbol = (
  self: FecDecoder,
  place: number,
  rings: PacketRings.PacketRings,
  offset: number,
  symbolBytes: number
): boolean => {
  const { packets, recovered } = self
  const { bytes, view } = rings.memory
  const head = ErasureCode.headBytesOf(packets)
  const length = view.getUint16(offset)
  const typeByte = bytes[offset + 2]!
  if (length === 0 || length > symbolBytes - head || typeByte < HopFrame.firstByteMin) return false
  if (!HopFrame.isMedia((typeByte >> 2) & 0x0f) || (typeByte & HopFrame.resendFlag) !== 0) return false
  for (let at = offset + head + length; at < offset + symbolBytes; at++) if (bytes[at] !== 0) return false
  recovered.types[place] = typeByte
  recovered.descriptors[place] = bytes[offset + 3]!
  recovered.tags[place] = packets.isWide ? view.getInt32(offset + ErasureCode.headBytes) : 0
  recovered.offsets[place] = offset + head
  recovered.lengths[place] = length
  return true
}
