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

  it.prop("of timestamps too", [integer(0xffffffff), integer(0xffffffff)], ([from, step]) => {
    const signed = step - 0x80000000
    assert.strictEqual(SequenceNumber.timestampDistance(from, (from + signed) >>> 0), signed)
  })
})
