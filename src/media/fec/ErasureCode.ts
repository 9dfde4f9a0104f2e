import * as FecFrame from "../../protocol/FecFrame.ts"
import * as GaloisField from "./GaloisField.ts"

/**
 * A systematic erasure code over the packets of a block: any k of its k data and r repair packets give back all k. A data
 * packet is taken as a symbol: what of its frame is the same in a resend, behind its length, in network order.
 *
 *     |        packet's length        |  type, no R   |  descriptor   |
 *     |                     leg tag, on a trunk alone                 |
 *     |  the packet, and zeros up to the longest symbol of the block ...
 *
 * A repair packet is a sum of symbols, each times a factor that its row and its column say. The factors are a Cauchy matrix,
 * 1 / (x + y) with another x for each row and another y for each column: every square part of it can be inverted. Each of its
 * columns is divided by what stands in row 0, which changes nothing of that (Plank and Xu 2006). So row 0 is all
 * ones: a single repair packet is the exclusive or of the symbols, and the factors depend on neither k nor r.
 */
export const { dataPacketsMax, repairPacketsMax } = FecFrame

/** In front of a packet in its symbol. Bytes. */
export const headBytes = 4
export const wideHeadBytes = 8

/** The packets of one block. One is made per encoder or decoder and filled again for every block. */
export interface BlockPackets {
  /** A trunk's, where each packet has a leg tag of its own. */
  readonly isWide: boolean
  /** Where they lie; of missing ones it means nothing. */
  readonly offsets: Int32Array
  /** 0: missing. */
  readonly lengths: Uint16Array
  /** First byte of its frame, without R. */
  readonly types: Uint8Array
  readonly descriptors: Uint8Array
  readonly tags: Int32Array
}

export const makeBlockPackets = (isWide: boolean): BlockPackets => ({
  isWide,
  offsets: new Int32Array(dataPacketsMax),
  lengths: new Uint16Array(dataPacketsMax),
  types: new Uint8Array(dataPacketsMax),
  descriptors: new Uint8Array(dataPacketsMax),
  tags: new Int32Array(dataPacketsMax)
})

/** Working memory of `decode`. */
export interface Workspace {
  /** Columns that were missing, in their order. */
  readonly missing: Uint8Array
  /** Square, of as many rows as packets are missing. */
  readonly matrix: DataView
}

export const makeWorkspace = (): Workspace => ({
  missing: new Uint8Array(dataPacketsMax),
  matrix: new DataView(new ArrayBuffer(repairPacketsMax * repairPacketsMax))
})

/** Rows stand for x = 32 … 47, columns for y = 0 … 31: never the same number. */
const factors = new Uint8Array(repairPacketsMax * dataPacketsMax)
for (let row = 0; row < repairPacketsMax; row++) {
  for (let column = 0; column < dataPacketsMax; column++) {
    const cauchy = GaloisField.inverse((dataPacketsMax + row) ^ column)
    factors[row * dataPacketsMax + column] = GaloisField.multiply(cauchy, dataPacketsMax ^ column)
  }
}

/** What the packet of this column is multiplied with in the repair packet of this row. */
export const factorOf = (row: number, column: number): number => factors[row * dataPacketsMax + column]!

export const headBytesOf = (packets: BlockPackets): number => (packets.isWide ? wideHeadBytes : headBytes)

/** Length of all symbols of a block, and so of its repair packets. Bytes. */
export const symbolBytesOf = (packets: BlockPackets, count: number): number => {
  let longest = 0
  for (let column = 0; column < count; column++) longest = Math.max(longest, packets.lengths[column]!)
  return headBytesOf(packets) + longest
}

/** Writes one repair packet, `symbolBytes` long, at `offset` of `into`. The packets lie in `from`. */
export const encode = (
  packets: BlockPackets,
  count: number,
  row: number,
  from: DataView,
  into: DataView,
  offset: number,
  symbolBytes: number
): void => {
  for (let byte = 0; byte < symbolBytes; byte++) into.setUint8(offset + byte, 0)
  for (let column = 0; column < count; column++) addPacket(packets, column, factorOf(row, column), from, into, offset)
}

/**
 * Computes the symbols of the missing packets from the others, which lie in `from`, and from repair packets: number `i` is
 * of row `rows[i]` and is `symbolBytes` long at `repairOffsets[i]` of `repairs`. They come to lie behind one another at
 * `offset` of `into`, in the order of `workspace.missing`. Returns how many they are, or -1 when it cannot: more are
 * missing than repair packets are there, or a packet is longer than the symbols. It has then written nothing.
 */
export const decode = (
  workspace: Workspace,
  packets: BlockPackets,
  count: number,
  rows: Uint8Array,
  repairs: DataView,
  repairOffsets: Int32Array,
  repairCount: number,
  symbolBytes: number,
  from: DataView,
  into: DataView,
  offset: number
): number => {
  const { matrix, missing } = workspace
  if (symbolBytesOf(packets, count) > symbolBytes) return -1
  let missed = 0
  for (let column = 0; column < count; column++) if (packets.lengths[column] === 0) missing[missed++] = column
  if (missed > repairCount || missed > repairPacketsMax) return -1
  for (let i = 0; i < missed; i++) {
    const at = offset + i * symbolBytes
    const repairAt = repairOffsets[i]!
    for (let byte = 0; byte < symbolBytes; byte++) into.setUint8(at + byte, repairs.getUint8(repairAt + byte))
    for (let column = 0; column < count; column++) {
      if (packets.lengths[column] !== 0) addPacket(packets, column, factorOf(rows[i]!, column), from, into, at)
    }
    for (let j = 0; j < missed; j++) matrix.setUint8(i * missed + j, factorOf(rows[i]!, missing[j]!))
  }
  solve(matrix, missed, into, offset, symbolBytes)
  return missed
}

/**
 * Gauss and Jordan's elimination on the matrix and on the symbols at once. Nothing on the diagonal is ever 0: each is a
 * quotient of two determinants of square parts of a Cauchy matrix.
 */
const solve = (matrix: DataView, size: number, symbols: DataView, offset: number, symbolBytes: number): void => {
  for (let pivot = 0; pivot < size; pivot++) {
    const factor = GaloisField.inverse(matrix.getUint8(pivot * size + pivot))
    GaloisField.scale(matrix, pivot * size, size, factor)
    GaloisField.scale(symbols, offset + pivot * symbolBytes, symbolBytes, factor)
    for (let row = 0; row < size; row++) {
      if (row === pivot) continue
      const share = matrix.getUint8(row * size + pivot)
      GaloisField.multiplyAdd(matrix, row * size, matrix, pivot * size, size, share)
      const to = offset + row * symbolBytes
      GaloisField.multiplyAdd(symbols, to, symbols, offset + pivot * symbolBytes, symbolBytes, share)
    }
  }
}

/** Adds `factor` times the symbol of a packet. The zeros at its end change nothing. */
const addPacket = (
  packets: BlockPackets,
  column: number,
  factor: number,
  from: DataView,
  into: DataView,
  offset: number
): void => {
  const length = packets.lengths[column]!
  addByte(into, offset, length >> 8, factor)
  addByte(into, offset + 1, length & 0xff, factor)
  addByte(into, offset + 2, packets.types[column]!, factor)
  addByte(into, offset + 3, packets.descriptors[column]!, factor)
  if (packets.isWide) {
    const tag = packets.tags[column]!
    for (let byte = 0; byte < 4; byte++) addByte(into, offset + 4 + byte, (tag >>> (24 - 8 * byte)) & 0xff, factor)
  }
  GaloisField.multiplyAdd(into, offset + headBytesOf(packets), from, packets.offsets[column]!, length, factor)
}

const addByte = (into: DataView, at: number, value: number, factor: number): void => {
  into.setUint8(at, into.getUint8(at) ^ GaloisField.multiply(factor, value))
}
