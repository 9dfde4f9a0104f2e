/**
 * The body of a frame of forward error correction, type 4: one repair packet of a block. The block is the packets with the
 * repair sequences `base` to `base + data packets - 1` of the leg, whatever their type and stream.
 *
 *      0                   1                   2                   3
 *      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *     |    base repair sequence       | data packets  | last  |  row  |
 *     | the repair packet ...
 *
 * `data packets` is 1 to 32, `row` says which of the block's repair packets this is, and `last` is the row of the last of
 * them, so there are 1 to 16. On a trunk, where sequences have 32 bits, the upper half of the base follows, and the head has
 * 6 bytes:
 *
 *     |      base, upper half         | the repair packet ...
 *
 * A repair packet is a sum over symbols, one for each packet of the block, and as long as the longest of them. A symbol is
 * what of a packet's frame is the same in a resend, behind the packet's length, then the packet, then zeros:
 *
 *     |        packet's length        |  type, no R   |  descriptor   |
 *     |                     leg tag, on a trunk alone                 |
 *     |  the packet ...
 *
 * The sum is taken in the field of 256 elements modulo x^8 + x^4 + x^3 + x^2 + 1: added by exclusive or. The symbol of packet
 * `c` is multiplied with (32 ^ c) / ((32 + row) ^ c), `^` being exclusive or. In row 0 this is 1 for all.
 */
export const headBytes = 4
export const wideHeadBytes = 6

/** Most packets of one block. */
export const dataPacketsMax = 32
/** Most repair packets of one block. */
export const repairPacketsMax = 16

/** The shortest symbol is its own head and a byte. Bytes. */
const repairBytesMin = 5
const wideRepairBytesMin = 9

/** A body as it was read. One is made per reader and filled again for every frame. */
export interface FecFrame {
  /** As all sequences: 16 bits, or 32 and signed. See SequenceNumber. */
  base: number
  dataPackets: number
  repairPackets: number
  row: number
  /** Where the repair packet lies. */
  repairOffset: number
  repairBytes: number
}

export const make = (): FecFrame => ({
  base: 0,
  dataPackets: 0,
  repairPackets: 0,
  row: 0,
  repairOffset: 0,
  repairBytes: 0
})

/** Reads a body into `into`. `isWide`: a trunk's. False when it is malformed; `into` is then meaningless. */
export const read = (view: DataView, offset: number, lengthBytes: number, into: FecFrame, isWide = false): boolean => {
  const head = isWide ? wideHeadBytes : headBytes
  into.repairOffset = offset + head
  into.repairBytes = lengthBytes - head
  if (into.repairBytes < (isWide ? wideRepairBytesMin : repairBytesMin)) return false
  into.base = view.getUint16(offset) | (isWide ? view.getInt16(offset + headBytes) << 16 : 0)
  into.dataPackets = view.getUint8(offset + 2)
  const rows = view.getUint8(offset + 3)
  into.repairPackets = (rows >> 4) + 1
  into.row = rows & 0x0f
  return into.dataPackets > 0 && into.dataPackets <= dataPacketsMax && into.row < into.repairPackets
}

/** Writes the head of a body and returns its length; the repair packet belongs behind it. `isWide`: for a trunk. */
export const writeHead = (
  view: DataView,
  offset: number,
  base: number,
  dataPackets: number,
  repairPackets: number,
  row: number,
  isWide = false
): number => {
  view.setUint16(offset, base)
  view.setUint8(offset + 2, dataPackets)
  view.setUint8(offset + 3, ((repairPackets - 1) << 4) | row)
  if (!isWide) return headBytes
  view.setUint16(offset + headBytes, base >> 16)
  return wideHeadBytes
}
