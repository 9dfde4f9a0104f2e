import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as HopFrame from "../../src/protocol/HopFrame.ts"
import * as SequenceNumber from "../../src/protocol/SequenceNumber.ts"

const integer = (maximum: number) => Schema.Int.check(Schema.isBetween({ minimum: 0, maximum }))
const Header = Schema.Struct({
  type: Schema.Literals(Object.values(HopFrame.FrameType)),
  flags: integer(3),
  descriptor: integer(255),
  hop: integer(0xffff),
  repair: integer(0xffff),
  epoch: integer(255),
  tag: integer(0xffffffff)
})

describe("HopFrame", () => {
  it.prop("what was written is read", [Header], ([header]) => {
    const bytes = new Uint8Array(20).fill(0xaa)
    const view = new DataView(bytes.buffer)
    const first = HopFrame.typeByte(header.type, header.flags)
    HopFrame.writeHeader(view, 4, first, header.descriptor, header.hop, header.repair, header.epoch, header.tag)
    assert.isAtLeast(bytes[4]!, HopFrame.firstByteMin)
    assert.strictEqual(HopFrame.typeAt(bytes, 4), header.type)
    assert.strictEqual(HopFrame.isResend(bytes, 4), (header.flags & HopFrame.resendFlag) !== 0)
    assert.strictEqual(HopFrame.descriptorAt(bytes, 4), header.descriptor)
    assert.strictEqual(HopFrame.hopSequenceAt(view, 4), header.hop)
    assert.strictEqual(HopFrame.repairSequenceAt(view, 4), header.repair)
    assert.strictEqual(HopFrame.epochAt(bytes, 4), header.epoch)
    assert.strictEqual(HopFrame.legTagAt(view, 4), header.tag)
    assert.deepStrictEqual([bytes[3], bytes[16]], [0xaa, 0xaa])
  })

  it.prop(
    "a trunk's sequences are read in full, signed, and all else is where a device's leg has it",
    [Header, integer(0xffffffff), integer(0xffffffff)],
    ([header, hop, repair]) => {
      const narrow = new Uint8Array(HopFrame.headerBytes)
      const first = HopFrame.typeByte(header.type, header.flags)
      HopFrame.writeHeader(
        new DataView(narrow.buffer),
        0,
        first,
        header.descriptor,
        hop & 0xffff,
        repair & 0xffff,
        header.epoch,
        header.tag
      )
      const bytes = new Uint8Array(24).fill(0xaa)
      const view = new DataView(bytes.buffer)
      HopFrame.writeHeader(view, 4, first, header.descriptor, hop | 0, repair | 0, header.epoch, header.tag)
      HopFrame.writeUpperHalves(view, 4, hop | 0, repair | 0)
      assert.deepStrictEqual(bytes.slice(4, 4 + HopFrame.headerBytes), narrow)
      assert.strictEqual(HopFrame.wideHopSequenceAt(view, 4), hop | 0)
      assert.strictEqual(HopFrame.wideRepairSequenceAt(view, 4), repair | 0)
      assert.deepStrictEqual([bytes[3], bytes[4 + HopFrame.trunkHeaderBytes]], [0xaa, 0xaa])
    }
  )

  it("has the layout of docs/protocol.md", () => {
    const bytes = new Uint8Array(HopFrame.headerBytes)
    const type = HopFrame.typeByte(HopFrame.FrameType.Video, HopFrame.resendFlag)
    HopFrame.writeHeader(new DataView(bytes.buffer), 0, type, 0xe0, 0x0102, 0x0304, 0x05, 0x06070809)
    assert.strictEqual(Buffer.from(bytes).toString("hex"), "cae001020304050006070809")
    HopFrame.writeHeader(
      new DataView(bytes.buffer),
      0,
      HopFrame.typeByte(HopFrame.FrameType.Feedback, 0),
      0,
      9,
      7,
      1,
      42
    )
    assert.strictEqual(Buffer.from(bytes).toString("hex"), "d800000900070100" + "0000002a")
  })

  it("has the layout of docs/protocol.md on a trunk", () => {
    const bytes = new Uint8Array(HopFrame.trunkHeaderBytes)
    const view = new DataView(bytes.buffer)
    const type = HopFrame.typeByte(HopFrame.FrameType.Video, HopFrame.resendFlag)
    HopFrame.writeHeader(view, 0, type, 0xe0, 0x0a0b_0102, 0xffff_fffe | 0, 0x05, 0x06070809)
    HopFrame.writeUpperHalves(view, 0, 0x0a0b_0102, 0xffff_fffe | 0)
    assert.strictEqual(Buffer.from(bytes).toString("hex"), "cae00102fffe0500" + "06070809" + "0a0bffff")
  })

  it("only S and I together start a key frame", () => {
    assert.deepStrictEqual([0xe0, 0xa0, 0x80, 0x20, 0xc0].map(HopFrame.startsKeyFrame), [
      true,
      true,
      false,
      false,
      false
    ])
  })
})

describe("SequenceNumber", () => {
  it.prop("distance undoes addition, wherever the wrap falls", [integer(0xffff), integer(0xffff)], ([from, step]) => {
    const signed = step - 0x8000
    assert.strictEqual(SequenceNumber.distance(from, (from + signed) & 0xffff), signed)
  })

  it.prop("in 32 bits too", [integer(0xffffffff), integer(0xffffffff)], ([from, step]) => {
    const { distance, wideMask, wideShift } = SequenceNumber
    const signed = step | 0
    assert.strictEqual(distance(from | 0, (from + signed) & wideMask, wideShift), signed)
    assert.strictEqual(distance(from | 0, SequenceNumber.next(from | 0, wideMask), wideShift), 1)
  })

  it("the number behind the largest is the smallest", () => {
    assert.strictEqual(SequenceNumber.next(0xffff), 0)
    assert.strictEqual(SequenceNumber.next(0x7fff_ffff, SequenceNumber.wideMask), -0x8000_0000)
    assert.strictEqual(SequenceNumber.next(-1, SequenceNumber.wideMask), 0)
  })

  it.prop("of timestamps too", [integer(0xffffffff), integer(0xffffffff)], ([from, step]) => {
    const signed = step - 0x80000000
    assert.strictEqual(SequenceNumber.timestampDistance(from, (from + signed) >>> 0), signed)
  })
})
