import { assert, describe, it } from "@effect/vitest"
import { Arbitrary } from "effect"
import * as SpeechActivity from "../../src/call/SpeechActivity.ts"
import { integer, sized } from "../client/Samples.ts"

const { framesKept } = SpeechActivity
const loud = 20
const silent = 127
const voice = 0x80

const levelsOf = (frames: number, level: number): Uint8Array => new Uint8Array(frames).fill(level)

/** Reports of 200 ms, all the same; when the last of them came. */
const report = (activity: SpeechActivity.SpeechActivity, level: number, reports: number, fromMs: number): number => {
  for (let i = 0; i < reports; i++) SpeechActivity.handleLevels(activity, levelsOf(10, level), fromMs + i * 200)
  return fromMs + (reports - 1) * 200
}

const spoken = (activity: SpeechActivity.SpeechActivity): number => SpeechActivity.speechFrames(activity, framesKept)

const Report = Arbitrary.all({
  levels: Arbitrary.array(integer(0, 255), { maxLength: 80 }),
  afterMs: integer(-2000, 2000),
  isPoll: integer(0, 3)
})

describe("SpeechActivity", () => {
  it.prop(
    "whatever comes whenever, it stays within its bounds",
    [Arbitrary.array(Report, { maxLength: 60 })],
    ([reports]) => {
      let nowMs = 1_000_000
      const activity = SpeechActivity.make(nowMs)
      for (const { afterMs, isPoll, levels } of reports) {
        nowMs += afterMs
        if (isPoll === 0) SpeechActivity.handleTime(activity, nowMs)
        else SpeechActivity.handleLevels(activity, Uint8Array.from(levels), nowMs)
        assert.isTrue(activity.speech.every((bit) => bit === 0 || bit === 1))
        assert.isAtMost(activity.subUnits, SpeechActivity.subUnitsMax)
        assert.isAtLeast(activity.energy, 0)
        assert.isAtMost(activity.energy, 127 << SpeechActivity.energyFractionBits)
        // What is known ends neither far in the past nor in the future, so no report brings more than that.
        assert.isAtMost(activity.untilMs, nowMs + 100)
        assert.isAtLeast(activity.untilMs, nowMs - 420)
      }
    },
    sized(80)
  )

  it.prop(
    "no more frames are taken than time has passed for",
    [integer(0, 1000), integer(0, 10_000)],
    ([ms, frames]) => {
      const activity = SpeechActivity.make(0)
      report(activity, silent, 5, 0)
      const beforeMs = activity.untilMs
      SpeechActivity.handleLevels(activity, levelsOf(frames, loud), 800 + ms)
      const passed = (800 + ms + 100 - beforeMs) / SpeechActivity.frameMs
      assert.isAtMost(spoken(activity), Math.min(passed, frames, framesKept))
    }
  )

  it("the newest of too many levels count", () => {
    const activity = SpeechActivity.make(0)
    report(activity, silent, 5, 0)
    const levels = levelsOf(10_000, loud)
    levels.fill(silent, -10)
    SpeechActivity.handleLevels(activity, levels, 1000)
    assert.strictEqual(SpeechActivity.speechFrames(activity, 10), 0)
  })

  it("a lost report was silence, and a late one is not missed", () => {
    const activity = SpeechActivity.make(0)
    const lastMs = report(activity, loud, 10, 0)
    assert.strictEqual(spoken(activity), framesKept)
    SpeechActivity.handleLevels(activity, levelsOf(10, loud), lastMs + 290)
    SpeechActivity.handleLevels(activity, levelsOf(10, loud), lastMs + 400)
    assert.strictEqual(spoken(activity), framesKept)
    SpeechActivity.handleLevels(activity, levelsOf(10, loud), lastMs + 800)
    const missed = framesKept - spoken(activity)
    assert.isAtLeast(missed, 5)
    assert.isAtMost(missed, 10)
  })

  it("who is not reported any more is silent", () => {
    const activity = SpeechActivity.make(0)
    const lastMs = report(activity, loud, 10, 0)
    SpeechActivity.handleTime(activity, lastMs + 400)
    assert.strictEqual(spoken(activity), framesKept)
    SpeechActivity.handleTime(activity, lastMs + 600)
    assert.strictEqual(spoken(activity), framesKept - 10)
    SpeechActivity.handleTime(activity, lastMs + 1e9)
    assert.deepStrictEqual([spoken(activity), activity.energy, activity.subUnits], [0, 0, 0])
  })

  it("a clock that is set back or forward does no harm for long", () => {
    for (const jumpMs of [-1e9, 1e9]) {
      const activity = SpeechActivity.make(0)
      const lastMs = report(activity, loud, 10, 0)
      report(activity, loud, 5, lastMs + jumpMs)
      assert.isAtLeast(spoken(activity), framesKept - 5, `${jumpMs}`)
    }
  })

  it("keys are no speech, be there ever so many, and syllables are", () => {
    const activity = SpeechActivity.make(0)
    const frames = (length: number) => Uint8Array.from({ length: 10 }, (_, i) => (i % 5 < length ? loud : 70))
    for (let i = 0; i < 20; i++) SpeechActivity.handleLevels(activity, frames(4), i * 200)
    assert.deepStrictEqual([spoken(activity), activity.energy], [0, 0])
    SpeechActivity.handleLevels(activity, frames(5), 4000)
    assert.strictEqual(spoken(activity), 10)
  })

  it("where the voice bit is set, what is loud without it is no voice", () => {
    const activity = SpeechActivity.make(0)
    report(activity, loud, 5, 0)
    assert.strictEqual(spoken(activity), framesKept)
    report(activity, voice | loud, 5, 1000)
    assert.strictEqual(spoken(activity), framesKept)
    report(activity, loud, 5, 2000)
    assert.strictEqual(spoken(activity), 0)
  })

  it("who is always equally loud has spoken for 15 s, and then never again", () => {
    for (const level of [0, 20, voice | 0]) {
      const activity = SpeechActivity.make(0)
      const lastMs = report(activity, level, 75, 0)
      report(activity, level, 20, lastMs + 200)
      assert.deepStrictEqual([spoken(activity), activity.energy], [0, 0])
    }
  })
})
