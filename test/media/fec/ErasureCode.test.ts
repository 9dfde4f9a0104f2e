import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as ErasureCode from "../../../src/media/fec/ErasureCode.ts"
import * as SeededNumbers from "./SeededNumbers.ts"

const slot = 1600
const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
const Seed = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0x7fffffff }))

/** A block of packets of different lengths with its repair packets. */
const makeBlock = (seed: number, k: number, r: number, isWide: boolean, lengthMax = 60) => {
  const next = SeededNumbers.from(seed)
  const packets = ErasureCode.makeBlockPackets(isWide)
  const from = new Uint8Array(k * slot)
  for (let i = 0; i < from.length; i++) from[i] = next() * 256
  for (let column = 0; column < k; column++) {
    packets.offsets[column] = column * slot
    packets.lengths[column] = 1 + Math.floor(next() * lengthMax)
    packets.types[column] = 0xc0 | (next() * 64)
    packets.descriptors[column] = next() * 256
    packets.tags[column] = next() * 2 ** 32
  }
  const symbolBytes = ErasureCode.symbolBytesOf(packets, k)
  const repairs = new Uint8Array(r * slot)
  for (let row = 0; row < r; row++)
    ErasureCode.encode(packets, k, row, viewOf(from), viewOf(repairs), row * slot, symbolBytes)
  return { packets, from, symbolBytes, repairs, k, r, next }
}
type Block = ReturnType<typeof makeBlock>

/** The symbol of a packet, as its layout says. */
const symbolOf = ({ from, packets, symbolBytes }: Block, column: number): Uint8Array => {
  const length = packets.lengths[column]!
  const tag = packets.tags[column]!
  const symbol = new Uint8Array(symbolBytes)
  const head = [length >> 8, length & 0xff, packets.types[column]!, packets.descriptors[column]!]
  if (packets.isWide) head.push(tag >>> 24, (tag >>> 16) & 0xff, (tag >>> 8) & 0xff, tag & 0xff)
  symbol.set(head)
  symbol.set(from.subarray(packets.offsets[column]!, packets.offsets[column]! + length), head.length)
  return symbol
}

const workspace = ErasureCode.makeWorkspace()
const into = new Uint8Array(16 * slot)

/** Loses the packets of `lost` and decodes with the repair packets of `rows`. */
const decode = (block: Block, lost: ReadonlyArray<number>, rows: ReadonlyArray<number>, room = into): number => {
  const packets = { ...block.packets, lengths: Uint16Array.from(block.packets.lengths) }
  for (const column of lost) packets.lengths[column] = 0
  return ErasureCode.decode(
    workspace,
    packets,
    block.k,
    Uint8Array.from(rows),
    viewOf(block.repairs),
    Int32Array.from(rows, (row) => row * slot),
    rows.length,
    block.symbolBytes,
    viewOf(block.from),
    viewOf(room),
    3
  )
}

const checkRecovered = (block: Block, lost: ReadonlyArray<number>, rows: ReadonlyArray<number>): void => {
  const { symbolBytes } = block
  assert.strictEqual(decode(block, lost, rows), lost.length)
  const columns = lost.toSorted((a, b) => a - b)
  assert.deepStrictEqual(Array.from(workspace.missing.subarray(0, lost.length)), columns)
  columns.forEach((column, i) => {
    const at = 3 + i * symbolBytes
    assert.deepStrictEqual(into.slice(at, at + symbolBytes), symbolOf(block, column))
  })
}

const membersOf = (set: number, size: number): ReadonlyArray<number> =>
  Array.from({ length: size }, (_, i) => i).filter((i) => set & (1 << i))

/** `count` different numbers below `size`. */
const draw = (next: () => number, size: number, count: number): ReadonlyArray<number> =>
  Array.from({ length: size }, (_, number) => ({ number, rank: next() }))
    .toSorted((a, b) => a.rank - b.rank)
    .slice(0, count)
    .map(({ number }) => number)

describe.each([{ isWide: false }, { isWide: true }])("ErasureCode, wide: $isWide", ({ isWide }) => {
  it("recovers from every loss of packets and repair packets that leaves k, for small blocks", () => {
    for (let k = 1; k <= 6; k++) {
      for (let r = 1; r <= 4; r++) {
        const block = makeBlock(100 * k + r, k, r, isWide)
        for (let arrived = 0; arrived < 1 << (k + r); arrived++) {
          const lost = membersOf(~arrived, k)
          const rows = membersOf(arrived >> k, r)
          if (lost.length <= rows.length) checkRecovered(block, lost, rows)
          else assert.strictEqual(decode(block, lost, rows), -1)
        }
      }
    }
  })

  it.prop("recovers as many random losses of a large block as it has repair packets", [Seed], ([seed]) => {
    const next = SeededNumbers.from(seed)
    const k = 1 + Math.floor(next() * ErasureCode.dataPacketsMax)
    const r = 1 + Math.floor(next() * ErasureCode.repairPacketsMax)
    const block = makeBlock(seed, k, r, isWide, 1480)
    const lost = draw(next, k, Math.min(k, Math.floor(next() * (r + 1))))
    checkRecovered(block, lost, draw(next, r, lost.length))
  })

  it("the largest block recovers from sixteen losses", () => {
    const { dataPacketsMax, repairPacketsMax } = ErasureCode
    const block = makeBlock(7, dataPacketsMax, repairPacketsMax, isWide, 1480)
    const lost = draw(block.next, dataPacketsMax, repairPacketsMax)
    checkRecovered(block, lost, membersOf(0xffff, repairPacketsMax))
  })

  it("a single repair packet is the exclusive or of the symbols", () => {
    const block = makeBlock(11, 7, 1, isWide)
    const sum = new Uint8Array(block.symbolBytes)
    for (let column = 0; column < block.k; column++) {
      symbolOf(block, column).forEach((byte, i) => (sum[i] = sum[i]! ^ byte))
    }
    assert.deepStrictEqual(block.repairs.slice(0, block.symbolBytes), sum)
  })

  it("more losses than repair packets: says so, and changes nothing", () => {
    const block = makeBlock(13, 8, 3, isWide)
    const room = new Uint8Array(into.length).fill(0x5a)
    assert.strictEqual(decode(block, [0, 1, 2, 3], [0, 1, 2], room), -1)
    assert.strictEqual(decode(block, [0, 1, 2], [0, 2], room), -1)
    assert.isTrue(room.every((byte) => byte === 0x5a))
  })

  it("a packet that is longer than the symbols cannot be of this block", () => {
    const block = makeBlock(17, 4, 1, isWide)
    const longest = Array.from({ length: 4 }, (_, i) => i).toSorted(
      (a, b) => block.packets.lengths[b]! - block.packets.lengths[a]!
    )
    assert.strictEqual(decode({ ...block, symbolBytes: block.symbolBytes - 1 }, [longest[3]!], [0]), -1)
  })

  it("writes nothing beyond the symbols", () => {
    const block = makeBlock(19, 5, 2, isWide)
    into.fill(0x5a)
    checkRecovered(block, [1, 4], [0, 1])
    assert.deepStrictEqual(Array.from(into.subarray(0, 3)), [0x5a, 0x5a, 0x5a])
    assert.isTrue(into.subarray(3 + 2 * block.symbolBytes).every((byte) => byte === 0x5a))
  })
})
