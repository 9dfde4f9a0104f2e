import type * as FecFrame from "../../protocol/FecFrame.ts"
import * as SequenceNumber from "../../protocol/SequenceNumber.ts"
import type * as LegKind from "../LegKind.ts"
import * as ErasureCode from "./ErasureCode.ts"

/**
 * Repair packets that wait: of blocks of which more is missing than they can give back. So many blocks and so many
 * repair packets, and no more; the oldest block goes first. Blocks never overlap. Owned by one decoder, changed in place.
 */
export interface RepairBlocks {
  readonly shift: number
  readonly blocks: ReadonlyArray<Block>
  /** How many blocks are in use. */
  count: number
  /** Repair packets, each in a place of `repairBytesMax` bytes. */
  readonly view: DataView
  /** Places that are free: the first `freeCount` of them. */
  readonly free: Uint8Array
  freeCount: number
}

export interface Block {
  isUsed: boolean
  base: number
  dataPackets: number
  repairPackets: number
  symbolBytes: number
  /** Repair packets that are here: their rows, and where they lie in `view`. */
  repairCount: number
  readonly rows: Uint8Array
  readonly offsets: Int32Array
}

/** Longest repair packet. No datagram is longer. Bytes. */
export const repairBytesMax = 1500

const makeBlock = (): Block => ({
  isUsed: false,
  base: 0,
  dataPackets: 0,
  repairPackets: 0,
  symbolBytes: 0,
  repairCount: 0,
  rows: new Uint8Array(ErasureCode.repairPacketsMax),
  offsets: new Int32Array(ErasureCode.repairPacketsMax)
})

/** At most 256 repair packets. */
export const make = (kind: LegKind.LegKind, blocksMax: number, repairsMax: number): RepairBlocks => ({
  shift: kind.shift,
  blocks: Array.from({ length: blocksMax }, makeBlock),
  count: 0,
  view: new DataView(new ArrayBuffer(repairsMax * repairBytesMax)),
  free: Uint8Array.from({ length: repairsMax }, (_, place) => place),
  freeCount: repairsMax
})

/** The first block that has a number in common with the `length` numbers from `base` on. */
export const findOverlapping = (self: RepairBlocks, base: number, length: number): Block | undefined => {
  if (self.count === 0) return undefined
  for (let i = 0; i < self.blocks.length; i++) {
    const block = self.blocks[i]!
    if (!block.isUsed) continue
    const ahead = SequenceNumber.distance(block.base, base, self.shift)
    if (ahead < block.dataPackets && -ahead < length) return block
  }
  return undefined
}

/** Begins a block, in the place of the oldest if all are in use. */
export const add = (
  self: RepairBlocks,
  base: number,
  dataPackets: number,
  repairPackets: number,
  symbolBytes: number
): Block => {
  if (self.count === self.blocks.length) dropOldest(self, undefined)
  const block = self.blocks.find(isUnused)!
  block.isUsed = true
  block.base = base
  block.dataPackets = dataPackets
  block.repairPackets = repairPackets
  block.symbolBytes = symbolBytes
  block.repairCount = 0
  self.count++
  return block
}

const isUnused = ({ isUsed }: Block): boolean => !isUsed

/** Whether a repair packet says of the block what the others have said. */
export const isOf = (block: Block, frame: FecFrame.FecFrame): boolean =>
  block.base === frame.base &&
  block.dataPackets === frame.dataPackets &&
  block.repairPackets === frame.repairPackets &&
  block.symbolBytes === frame.repairBytes

export const hasRow = (block: Block, row: number): boolean => {
  for (let i = 0; i < block.repairCount; i++) if (block.rows[i] === row) return true
  return false
}

/** Keeps a repair packet of the block, which has not got this row; the oldest of the other blocks makes room if there is none. */
export const keep = (self: RepairBlocks, block: Block, row: number, from: DataView, offset: number): void => {
  if (self.freeCount === 0) dropOldest(self, block)
  const at = self.free[--self.freeCount]! * repairBytesMax
  for (let byte = 0; byte < block.symbolBytes; byte++) self.view.setUint8(at + byte, from.getUint8(offset + byte))
  block.rows[block.repairCount] = row
  block.offsets[block.repairCount++] = at
}

export const drop = (self: RepairBlocks, block: Block): void => {
  for (let i = 0; i < block.repairCount; i++) self.free[self.freeCount++] = block.offsets[i]! / repairBytesMax
  block.isUsed = false
  block.repairCount = 0
  self.count--
}

/** Drops the blocks of which a number lies `window` numbers or more behind `highest`: they wait for what cannot come. */
export const dropOutside = (self: RepairBlocks, highest: number, window: number): void => {
  for (let i = 0; i < self.blocks.length && self.count > 0; i++) {
    const block = self.blocks[i]!
    if (!block.isUsed) continue
    const back = SequenceNumber.distance(block.base, highest, self.shift)
    if (back < 0 || back >= window) drop(self, block)
  }
}

const dropOldest = (self: RepairBlocks, but: Block | undefined): void => {
  let oldest: Block | undefined
  for (let i = 0; i < self.blocks.length; i++) {
    const block = self.blocks[i]!
    if (!block.isUsed || block === but) continue
    if (oldest === undefined || SequenceNumber.distance(block.base, oldest.base, self.shift) > 0) oldest = block
  }
  if (oldest !== undefined) drop(self, oldest)
}
