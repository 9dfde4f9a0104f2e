import { assert, describe, it } from "@effect/vitest"
import * as Talk from "../../src/simulation/talk/Talk.ts"

const options: Talk.Options = { talkers: 3, noisy: 1, quiet: 1, durationMs: 120_000 }
const seeds = Array.from({ length: 10 }, (_, i) => `talk ${i}`)
const talks = seeds.map((seed) => Talk.make(options, seed))

describe("Talk", () => {
  it("is the same for the same seed, and another one for another", () => {
    assert.deepStrictEqual(Talk.make(options, seeds[0]!), talks[0])
    assert.notDeepEqual(talks[0], talks[1])
  })

  it("has turns of a second and more, one after another, each of somebody else, that begin and end with his voice", () => {
    talks.forEach(({ turns, voiced }, seed) => {
      turns.forEach(({ fromMs, holder, untilMs }, i) => {
        assert.isBelow(holder, options.talkers, `${seed}`)
        assert.isAtLeast(untilMs - fromMs, 999.9, `${seed}`)
        assert.isAtMost(untilMs, options.durationMs)
        if (i > 0) assert.isAbove(fromMs, turns[i - 1]!.fromMs, `${seed}`)
        if (i > 0) assert.notStrictEqual(holder, turns[i - 1]!.holder, `${seed}`)
        assert.strictEqual(voiced[holder]![Math.floor(fromMs / Talk.frameMs)], 1)
        assert.strictEqual(voiced[holder]![Math.floor((untilMs - 0.1) / Talk.frameMs)], 1)
      })
    })
  })

  it("nobody is silent for more than half a second in his turn, and about two in five turns begin before the last one ends", () => {
    let overlaps = 0
    let count = 0
    for (const { turns, voiced } of talks) {
      turns.forEach(({ fromMs, holder, untilMs }, i) => {
        const own = voiced[holder]!.subarray(Math.floor(fromMs / Talk.frameMs), Math.floor(untilMs / Talk.frameMs))
        const pauses = own.join("").split("1")
        assert.isAtMost(Math.max(...pauses.map(({ length }) => length)) * Talk.frameMs, 400)
        if (i === 0) return
        count++
        if (fromMs < turns[i - 1]!.untilMs) overlaps++
      })
    }
    assert.closeTo(overlaps / count, 0.36, 0.1)
  })

  it("levels are RFC 6464's, speech is above the room, and who is quiet is quieter than any speech", () => {
    talks.forEach(({ levels, voiced }, seed) => {
      levels.forEach((own, who) => {
        assert.isTrue(own.every((level) => level <= 126))
        const mean = (isVoiced: number): number => {
          const those = own.filter((_, frame) => voiced[who]![frame] === isVoiced)
          return those.reduce((sum, level) => sum + level, 0) / those.length
        }
        if (who < options.talkers) assert.isAtMost(mean(1) + 5, mean(0), `seed ${seed}, ${who}`)
        else assert.isFalse(voiced[who]!.includes(1))
      })
      assert.isAtLeast(Math.min(...levels[4]!), 43)
      assert.isAtMost(Math.min(...levels[3]!), 25)
    })
  })
})
