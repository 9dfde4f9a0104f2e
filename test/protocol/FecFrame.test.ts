import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as ErasureCode from "../../src/media/fec/ErasureCode.ts"
import * as FecFrame from "../../src/protocol/FecFrame.ts"

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))
const widths = [
  { name: "a device's leg", isWide: false, headBytes: FecFrame.headBytes, wrap: (number: number) => number & 0xffff },
  { name: "a trunk", isWide: true, headBytes: FecFrame.wideHeadBytes, wrap: (number: number) => number | 0 }
] as const

const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex")

const read = (bytes: Uint8Array, isWide: boolean) => {
  const into = FecFrame.make()
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return { isRead: FecFrame.read(view, 0, bytes.length, into, isWide), into }
}

describe.each(widths)("FecFrame on $name", ({ headBytes, isWide, wrap }) => {
  it.prop(
    "what was written is read",
    [between(0, 0xffffffff), between(1, 32), between(1, 16), between(0, 15), between(9, 1480)],
    ([number, dataPackets, repairPackets, any, repairBytes]) => {
      const base = wrap(number)
      const row = any % repairPackets
      const view = new DataView(new ArrayBuffer(2000))
      assert.strictEqual(FecFrame.writeHead(view, 7, base, dataPackets, repairPackets, row, isWide), headBytes)
      const into = FecFrame.make()
      assert.isTrue(FecFrame.read(view, 7, headBytes + repairBytes, into, isWide))
      const repairOffset = 7 + headBytes
      assert.deepStrictEqual(into, { base, dataPackets, repairPackets, row, repairOffset, repairBytes })
    }
  )

  it.prop("arbitrary bytes are read or refused, and what is read is possible", [Schema.Uint8Array], ([bytes]) => {
    const { into, isRead } = read(Uint8Array.from(bytes), isWide)
    if (!isRead) return
    assert.isTrue(into.dataPackets >= 1 && into.dataPackets <= FecFrame.dataPacketsMax)
    assert.isTrue(into.row < into.repairPackets && into.repairPackets <= FecFrame.repairPacketsMax)
    assert.strictEqual(into.base, wrap(into.base))
    assert.strictEqual(into.repairOffset + into.repairBytes, bytes.length)
  })

  it("impossible values are malformed", () => {
    const body = (dataPackets: number, rows: number, length = headBytes + 20): Uint8Array => {
      const bytes = new Uint8Array(length)
      bytes[2] = dataPackets
      bytes[3] = rows
      return bytes
    }
    assert.isTrue(read(body(1, 0x00), isWide).isRead)
    assert.isTrue(read(body(32, 0xff), isWide).isRead)
    assert.isFalse(read(body(0, 0x00), isWide).isRead)
    assert.isFalse(read(body(33, 0x00), isWide).isRead)
    assert.isFalse(read(body(255, 0x00), isWide).isRead)
    assert.isFalse(read(body(8, 0x23), isWide).isRead)
    assert.isFalse(read(body(8, 0x01), isWide).isRead)
    const shortest = headBytes + (isWide ? 9 : 5)
    assert.isTrue(read(body(1, 0x00, shortest), isWide).isRead)
    for (let length = 4; length < shortest; length++) assert.isFalse(read(body(1, 0x00, length), isWide).isRead)
    for (let length = 0; length < 4; length++) assert.isFalse(read(new Uint8Array(length), isWide).isRead)
  })
})

describe("vectors", () => {
  /** Two packets, of 3 and of 2 bytes: video, the start of a frame and its end. */
  const makeBlock = (isWide: boolean) => {
    const packets = ErasureCode.makeBlockPackets(isWide)
    packets.offsets.set([0, 3])
    packets.lengths.set([3, 2])
    packets.types.set([0xc8, 0xc8])
    packets.descriptors.set([0x80, 0x40])
    packets.tags.set([0x01020304, 0x0a0b0c0d])
    return { packets, memory: new DataView(Uint8Array.of(0x11, 0x22, 0x33, 0x44, 0x55).buffer) }
  }

  const bodyOf = (isWide: boolean, base: number, row: number): Uint8Array => {
    const { memory, packets } = makeBlock(isWide)
    const bytes = new Uint8Array(100)
    const head = FecFrame.writeHead(new DataView(bytes.buffer), 0, base, 2, 2, row, isWide)
    const symbolBytes = ErasureCode.symbolBytesOf(packets, 2)
    ErasureCode.encode(packets, 2, row, memory, new DataView(bytes.buffer), head, symbolBytes)
    return bytes.subarray(0, head + symbolBytes)
  }

  it("repair packets of two packets", () => {
    assert.strictEqual(hexOf(bodyOf(false, 0xfffe, 0)), "fffe0210000100c0557733")
    assert.strictEqual(hexOf(bodyOf(false, 0xfffe, 1)), "fffe021100f32855611183")
    assert.strictEqual(hexOf(bodyOf(true, 0x0a0bfffe, 0)), "fffe02100a0b000100c00b090f09557733")
    assert.strictEqual(hexOf(bodyOf(true, 0x0a0bfffe, 1)), "fffe02110a0b00f32855793dcf1c611183")
  })
})
