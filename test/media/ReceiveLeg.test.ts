import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as ReceiveLeg from "../../src/media/ReceiveLeg.ts"
import * as HopFrame from "../../src/protocol/HopFrame.ts"
import * as LegKinds from "./LegKinds.ts"

const { Verdict } = ReceiveLeg
const { FrameType } = HopFrame
const Byte = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 255 }))
const Ahead = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: ReceiveLeg.epochAheadMax }))

describe.each(LegKinds.all)("ReceiveLeg of a $name's leg", ({ Near, at, kind, wrap }) => {
  const view = new DataView(new ArrayBuffer(16))
  const bytes = new Uint8Array(view.buffer)
  const receive = (
    leg: ReceiveLeg.ReceiveLeg,
    frame: {
      readonly type?: HopFrame.FrameType
      readonly flags?: number
      readonly number: number
      readonly epoch: number
    },
    nowMs = 0
  ) => {
    const { epoch, flags = 0, number, type = FrameType.Video } = frame
    HopFrame.writeHeader(view, 0, HopFrame.typeByte(type, flags), 0, number, number, epoch & 0xff, 1)
    HopFrame.writeUpperHalves(view, 0, number, number)
    return ReceiveLeg.handleFrame(leg, bytes, view, 0, nowMs)
  }
  /** One that has taken in ten packets. */
  const started = (epoch: number, first: number) => {
    const leg = ReceiveLeg.make(1, epoch, kind)
    leg.nacks.highest = wrap(first - 1)
    for (let n = 0; n < 10; n++) assert.strictEqual(receive(leg, { number: wrap(first + n), epoch }), Verdict.Fresh)
    return leg
  }

  it.prop(
    "takes the numbers of the next epochs from the beginning, asks for a key frame, and drops what is older",
    [Byte, Ahead, Near],
    ([epoch, ahead, near]) => {
      // Relays tell each other before a trunk starts anew.
      if (kind.isTrunk) return
      const leg = started(epoch, at(near))
      const next = (epoch + ahead) & 0xff
      assert.strictEqual(receive(leg, { number: 2, epoch: next }, 5), Verdict.Jumped)
      assert.deepStrictEqual([leg.epoch, leg.restarts], [next, 1])
      assert.strictEqual(receive(leg, { number: 3, epoch: next }, 5), Verdict.Fresh)
      assert.strictEqual(leg.nacks.missing, 2, "the first two of the new numbers")
      assert.strictEqual(receive(leg, { number: 1, flags: HopFrame.resendFlag, epoch: next }, 6), Verdict.Repaired)
      assert.strictEqual(receive(leg, { number: 3, epoch: next }, 6), Verdict.Duplicate)
      for (let n = 0; n < 12; n++) {
        assert.strictEqual(receive(leg, { number: wrap(at(near) + n), epoch }, 7), Verdict.WrongEpoch)
      }
      assert.strictEqual(receive(leg, { number: 4, epoch: next }, 8), Verdict.Fresh)
      assert.deepStrictEqual([leg.epoch, leg.restarts], [next, 1])
    }
  )

  it.prop("no other epoch changes anything", [Byte, Byte, Near], ([epoch, other, near]) => {
    const leg = started(epoch, at(near))
    const ahead = (other - epoch) & 0xff
    const before = structuredClone(leg)
    const verdict = receive(leg, { number: 0, epoch: other }, 5)
    if (ahead === 0) assert.notStrictEqual(verdict, Verdict.WrongEpoch)
    else if (ahead <= ReceiveLeg.epochAheadMax && !kind.isTrunk) assert.strictEqual(verdict, Verdict.Jumped)
    else {
      assert.strictEqual(verdict, Verdict.WrongEpoch)
      assert.deepStrictEqual(structuredClone(leg), before)
    }
  })

  it("the first packet is the one that asks for key frames, whatever frames came before it", () => {
    if (kind.isTrunk) return
    const leg = started(255, 0)
    assert.strictEqual(receive(leg, { type: FrameType.Feedback, number: 0, epoch: 0 }), Verdict.Control)
    assert.strictEqual(leg.restarts, 1)
    assert.strictEqual(receive(leg, { number: 1, flags: HopFrame.resendFlag, epoch: 0 }), Verdict.Jumped)
    assert.strictEqual(receive(leg, { number: 2, epoch: 0 }), Verdict.Fresh)
  })
})

describe("ReceiveLeg of a trunk", () => {
  it("reads both halves of the numbers", () => {
    const [, { kind }] = LegKinds.all
    const leg = ReceiveLeg.make(1, 0, kind)
    const view = new DataView(new ArrayBuffer(16))
    leg.nacks.highest = 0x0001_0005
    HopFrame.writeHeader(view, 0, HopFrame.typeByte(FrameType.Audio, 0), 0, 0x0020_0007, 0x0001_0006, 0, 1)
    HopFrame.writeUpperHalves(view, 0, 0x0020_0007, 0x0001_0006)
    assert.strictEqual(ReceiveLeg.handleFrame(leg, new Uint8Array(view.buffer), view, 0, 0), Verdict.Fresh)
    assert.deepStrictEqual([leg.arrivals.highest, leg.nacks.highest, leg.nacks.missing], [0x0020_0007, 0x0001_0006, 0])
  })
})
