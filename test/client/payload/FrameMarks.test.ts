import { assert, describe, it } from "@effect/vitest"
import * as FrameMarks from "../../../src/client/payload/FrameMarks.ts"
import { startsKeyFrame } from "../../../src/protocol/HopFrame.ts"

const middle: FrameMarks.FrameMarks = {
  startOfFrame: false,
  endOfFrame: false,
  independent: false,
  discardable: false,
  baseLayerSync: false,
  temporalLayer: 0
}

describe("FrameMarks", () => {
  it("every byte has one meaning", () => {
    for (let descriptor = 0; descriptor < 256; descriptor++) {
      assert.strictEqual(FrameMarks.toDescriptor(FrameMarks.fromDescriptor(descriptor)), descriptor)
    }
  })

  it("has the bits of RFC 9626 section 3.1", () => {
    const bytes = [
      middle,
      { ...middle, startOfFrame: true },
      { ...middle, endOfFrame: true },
      { ...middle, independent: true },
      { ...middle, discardable: true },
      { ...middle, baseLayerSync: true, temporalLayer: 2 }
    ].map(FrameMarks.toDescriptor)
    assert.deepStrictEqual(bytes, [0x00, 0x80, 0x40, 0x20, 0x10, 0x0a])
  })

  it("a relay sees a key frame start only where one does", () => {
    assert.isTrue(startsKeyFrame(FrameMarks.toDescriptor({ ...middle, startOfFrame: true, independent: true })))
    assert.isFalse(startsKeyFrame(FrameMarks.toDescriptor({ ...middle, independent: true, endOfFrame: true })))
  })
})
