import { assert, describe, it } from "@effect/vitest"
import { Arbitrary } from "effect"
import * as NoiseFloor from "../../src/call/NoiseFloor.ts"
import { integer, sized } from "../client/Samples.ts"

const framesPerSecond = 50
const windowFrames = NoiseFloor.windowSeconds * framesPerSecond

/** Rooms that change: a level, and for how many frames it is at least so loud. */
const Spell = Arbitrary.all({ loudnessDb: integer(1, 127), frames: integer(1, 400) })

describe("NoiseFloor", () => {
  it.prop(
    "is the quietest frame of the last 15 to 16 s",
    [Arbitrary.array(Spell, { maxLength: 12 })],
    ([spells]) => {
      const floor = NoiseFloor.make()
      const heard: Array<number> = Array.from({ length: windowFrames }, () => NoiseFloor.loudnessInitialDb)
      for (const { frames, loudnessDb } of spells) {
        for (let i = 0; i < frames; i++) {
          NoiseFloor.handleFrame(floor, loudnessDb)
          heard.push(Math.max(NoiseFloor.loudnessMinDb, loudnessDb))
        }
        const atLeast = Math.min(...heard.slice(-windowFrames - framesPerSecond))
        const atMost = Math.min(...heard.slice(-windowFrames))
        assert.isAtLeast(floor.loudnessDb, atLeast)
        assert.isAtMost(floor.loudnessDb, atMost)
      }
    },
    sized(12)
  )

  it("somebody who is always equally loud has reached his floor after 15 s", () => {
    const floor = NoiseFloor.make()
    for (let i = 0; i < windowFrames; i++) {
      assert.strictEqual(floor.loudnessDb, NoiseFloor.loudnessInitialDb)
      NoiseFloor.handleFrame(floor, 127)
    }
    assert.strictEqual(floor.loudnessDb, 127)
    NoiseFloor.handleFrame(floor, 70)
    assert.strictEqual(floor.loudnessDb, 70)
  })
})
