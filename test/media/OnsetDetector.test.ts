import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Schema } from "effect"
import * as Onsets from "../../src/media/OnsetDetector.ts"
import { audioLevelUnknown } from "../../src/protocol/HopFrame.ts"

const integer = (minimum: number, maximum: number) =>
  Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum, maximum })))

const frameMs = 20
const voiceFlag = 0x80

/** Which of the frames, 20 ms each, belong to an onset. */
const onsetsOf = (levels: ReadonlyArray<number>, self = Onsets.make(), startMs = 0): ReadonlyArray<number> =>
  levels.flatMap((level, n) => (Onsets.handleFrame(self, level, startMs + n * frameMs) ? [n] : []))

const times = (count: number, level: number) => Array.from({ length: count }, () => level)

describe("an onset of audio", () => {
  it("begins with the second loud frame, and is over 800 ms after the first", () => {
    const onsets = onsetsOf([...times(50, 70), ...times(100, 30)])
    assert.strictEqual(onsets[0], 51)
    assert.strictEqual(onsets.at(-1), 50 + 800 / frameMs - 1)
    assert.strictEqual(onsets.length, 800 / frameMs - 1)
  })

  it("is over when it has been quiet for 200 ms, and lasts over shorter pauses", () => {
    const onsets = onsetsOf([...times(50, 70), ...times(5, 30), ...times(8, 70), ...times(5, 30), ...times(50, 70)])
    assert.deepStrictEqual([onsets[0], onsets.at(-1)], [51, 67 + 200 / frameMs - 1])
  })

  it("is no click of one frame, nor what is less than 15 dB louder", () => {
    assert.deepStrictEqual(onsetsOf([...times(50, 70), 20, ...times(50, 70), 20, ...times(50, 70)]), [])
    assert.deepStrictEqual(onsetsOf([...times(50, 70), ...times(50, 56)]), [])
    assert.strictEqual(onsetsOf([...times(50, 70), ...times(50, 55)])[0], 51)
  })

  it("comes every two seconds at most: one that begins sooner is none", () => {
    const word = [...times(10, 30), ...times(20, 70)]
    const onsets = onsetsOf([...times(50, 70), ...word, ...word, ...word, ...word, ...word])
    // A word every 600 ms: the first and the fifth.
    const starts = onsets.filter((n) => !onsets.includes(n - 1))
    assert.deepStrictEqual(starts, [51, 51 + 4 * word.length])
  })

  it("comes after a pause without frames as after quiet ones", () => {
    const self = Onsets.make()
    assert.isAbove(onsetsOf([...times(50, 70), ...times(10, 30)], self).length, 0)
    assert.strictEqual(onsetsOf(times(10, 30), self, 60_000)[0], 1)
  })

  it("is none where a fan goes on, once that is the floor, and is one above it", () => {
    const self = Onsets.make()
    const withFan = onsetsOf([...times(50, 70), ...times(500, 45)], self)
    assert.isAtMost(withFan.length, 800 / frameMs)
    assert.deepStrictEqual(onsetsOf([...times(10, 58), ...times(200, 45)], self, 11_000), [])
    assert.strictEqual(onsetsOf(times(10, 29), self, 16_000)[0], 1)
  })

  it.prop(
    "is never what is no louder than 14 dB above the quietest",
    [integer(0, 112), Arbitrary.array(integer(0, 14), { minLength: 1, maxLength: 200 })],
    ([loudest, noise]) => {
      assert.deepStrictEqual(onsetsOf(noise.map((softer) => voiceFlag | (loudest + softer))), [])
    }
  )

  it.prop(
    "is known within two frames of a step of 15 dB or more",
    [integer(15, 126), integer(1, 100), integer(15, 126)],
    ([floor, frames, step]) => {
      const loud = Math.max(0, floor - step)
      assert.strictEqual(onsetsOf([...times(frames, floor), loud, loud])[0], frames + 1)
    }
  )

  const sequence = Arbitrary.array(Arbitrary.all([integer(0, 255), integer(0, 400)]), { maxLength: 400 })
  it.prop("keeps its limits whatever the levels are and whenever they come", [sequence], ([sequence]) => {
    const self = Onsets.make()
    const known: Array<number> = []
    let atMs = 0
    let previousAtMs = -Infinity
    for (const [descriptor, afterMs] of sequence) {
      atMs += afterMs
      const isOnset = Onsets.handleFrame(self, descriptor, atMs)
      if (self.onsetAtMs !== previousAtMs && self.onsetAtMs > -Infinity) known.push(self.onsetAtMs)
      previousAtMs = self.onsetAtMs
      if (!isOnset) continue
      assert.notStrictEqual(descriptor & 0x7f, audioLevelUnknown)
      assert.isBelow(atMs - known.at(-1)!, Onsets.onsetMsMax)
      assert.isBelow(atMs - self.lastLoudAtMs, Onsets.quietMs)
    }
    for (let n = 1; n < known.length; n++) assert.isAtLeast(known[n]! - known[n - 1]!, Onsets.onsetEveryMs)
  })

  it("is never of unknown levels, and they are forgotten", () => {
    assert.deepStrictEqual(onsetsOf([...times(50, 127), ...times(50, 20)]), [])
    assert.deepStrictEqual(onsetsOf([...times(50, 70), 20, 127, 20, 127, 20, 127]), [])
    assert.strictEqual(onsetsOf([...times(50, 70), ...times(50, 127), 30, 30])[0], 101)
  })
})
