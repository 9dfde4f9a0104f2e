import { assert, describe, it } from "@effect/vitest"
import { Arbitrary } from "effect"
import * as AudibleSpeakers from "../../src/call/AudibleSpeakers.ts"
import * as DominantSpeaker from "../../src/call/DominantSpeaker.ts"
import { ParticipantId } from "../../src/protocol/Ids.ts"
import { integer, sized } from "../client/Samples.ts"

const idOf = (index: number): ParticipantId => ParticipantId.make(`participant ${index}`)
const room = 65

const scene = () => {
  const speaker = DominantSpeaker.make()
  const audible = AudibleSpeakers.make()
  let nowMs = 0
  /** Reports of 200 ms, one level for each participant; who is audible at the end. */
  const report = (levels: ReadonlyArray<number>, reports = 1): ReadonlyArray<ParticipantId> => {
    for (let i = 0; i < reports; i++) {
      nowMs += 200
      levels.forEach((level, index) => {
        DominantSpeaker.handleLevels(speaker, idOf(index), new Uint8Array(10).fill(level), nowMs)
      })
      DominantSpeaker.poll(speaker, nowMs)
      AudibleSpeakers.poll(audible, speaker)
    }
    return audible.audible
  }
  const quiet = new Array<number>(8).fill(room)
  report(quiet, 5)
  return { speaker, audible, report, quiet }
}

describe("AudibleSpeakers", () => {
  it.prop(
    "never more than four, nobody twice, the dominant one among them, and the same array if nothing has changed",
    [Arbitrary.array(Arbitrary.array(integer(0, 127), { minLength: 8, maxLength: 8 }), { maxLength: 60 })],
    ([reports]) => {
      const { audible, report, speaker } = scene()
      for (const levels of reports) {
        const before = audible.audible
        const after = report(levels)
        assert.isAtMost(after.length, AudibleSpeakers.audibleMax)
        assert.strictEqual(new Set(after).size, after.length)
        if (speaker.dominant !== undefined) assert.include(after, speaker.dominant)
        if (after !== before) assert.notDeepEqual(after, before)
        // Who keeps his place keeps it where it is.
        before.forEach((id, place) => {
          if (after.includes(id)) assert.strictEqual(after.indexOf(id), place)
        })
      }
    },
    sized(60)
  )

  it("nobody is audible before somebody talks, and silence takes no place away", () => {
    const { quiet, report } = scene()
    assert.deepStrictEqual(report(quiet), [])
    const one = report(quiet.with(3, 25), 2)
    assert.deepStrictEqual(one, [idOf(3)])
    assert.strictEqual(report(quiet, 100), one)
    assert.deepStrictEqual(report(quiet.with(5, 25), 2), [idOf(3), idOf(5)])
  })

  it("who is not needed any more goes when somebody needs his place, the dominant one stays", () => {
    const { quiet, report, speaker } = scene()
    for (const who of [0, 1, 2, 3]) report(quiet.with(who, 25), 5)
    assert.strictEqual(speaker.dominant, idOf(3))
    const five = report(quiet.with(4, 25), 1)
    assert.strictEqual(five.length, 4)
    assert.include(five, idOf(3))
    assert.include(five, idOf(4))
  })

  it("of six who are equally loud nobody is replaced, and a clearly louder one gets a place", () => {
    const { quiet, report } = scene()
    const six = quiet.map((level, index) => (index < 6 ? 30 : level))
    const first = report(six, 3)
    for (let i = 0; i < 20; i++) assert.strictEqual(report(six.map((level, at) => level - ((i + at) % 3))), first)
    const loudest = report(six.with(5, 20), 4)
    assert.include(loudest, idOf(5))
  })

  it("who leaves is not audible any more", () => {
    const { audible, quiet, report, speaker } = scene()
    report(quiet.with(0, 25), 3)
    report(quiet.with(1, 25), 3)
    DominantSpeaker.forget(speaker, idOf(0))
    AudibleSpeakers.forget(audible, idOf(0))
    assert.deepStrictEqual(AudibleSpeakers.poll(audible, speaker), [idOf(1)])
  })
})
