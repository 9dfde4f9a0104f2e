import { assert, describe, it } from "@effect/vitest"
import { Arbitrary } from "effect"
import { participantsMax } from "../../src/call/CallState.ts"
import * as DominantSpeaker from "../../src/call/DominantSpeaker.ts"
import { ParticipantId } from "../../src/protocol/Ids.ts"
import * as Talk from "../../src/simulation/talk/Talk.ts"
import { integer, sized } from "../client/Samples.ts"

const idOf = (index: number): ParticipantId => ParticipantId.make(`participant ${index}`)
const room = 65

/** Each report of 200 ms: one level throughout for everybody. Who is dominant after each of them. */
const afterReports = (
  self: DominantSpeaker.DominantSpeaker,
  levels: ReadonlyArray<number>,
  reports: number,
  fromMs: number
): ReadonlyArray<number> => {
  const dominants: Array<number> = []
  for (let i = 0; i < reports; i++) {
    const nowMs = fromMs + i * 200
    levels.forEach((level, index) => {
      DominantSpeaker.handleLevels(self, idOf(index), new Uint8Array(10).fill(level), nowMs)
    })
    const dominant = DominantSpeaker.poll(self, nowMs)
    dominants.push(levels.findIndex((_, index) => idOf(index) === dominant))
  }
  return dominants
}

const Event = Arbitrary.all({
  kind: integer(0, 9),
  who: integer(0, 4),
  levels: Arbitrary.array(integer(0, 255), { maxLength: 30 }),
  afterMs: integer(-300, 600)
})

describe("DominantSpeaker", () => {
  it.prop(
    "whatever is reported, the same follows from it, and it is somebody who is there",
    [Arbitrary.array(Event, { maxLength: 100 })],
    ([events]) => {
      const run = () => {
        const self = DominantSpeaker.make()
        const dominants: Array<ParticipantId | undefined> = []
        let nowMs = 1_000_000
        for (const { afterMs, kind, levels, who } of events) {
          nowMs += afterMs
          if (kind === 0) DominantSpeaker.forget(self, idOf(who))
          else DominantSpeaker.handleLevels(self, idOf(who), Uint8Array.from(levels), nowMs)
          const dominant = DominantSpeaker.poll(self, nowMs)
          assert.isTrue(dominant === undefined || self.participants.has(dominant))
          assert.isAtMost(self.participants.size, 5)
          dominants.push(dominant)
        }
        return dominants
      }
      assert.deepStrictEqual(run(), run())
    },
    sized(100)
  )

  it("nobody is dominant before somebody talks, and then he stays it in silence", () => {
    const self = DominantSpeaker.make()
    assert.deepStrictEqual(afterReports(self, [room, room], 3, 0), [-1, -1, -1])
    assert.deepStrictEqual(afterReports(self, [room, 25], 3, 600), [1, 1, 1])
    assert.deepStrictEqual(afterReports(self, [room, room], 100, 1200), new Array(100).fill(1))
    assert.deepStrictEqual(afterReports(self, [25, room], 2, 21_200), [0, 0])
  })

  it("who talks while the dominant one talks has to wait until he stops", () => {
    const self = DominantSpeaker.make()
    afterReports(self, [room, room], 5, 0)
    afterReports(self, [25, room], 5, 1000)
    assert.deepStrictEqual(afterReports(self, [35, 15], 10, 2000), new Array(10).fill(0))
    assert.deepStrictEqual(afterReports(self, [room, 15], 3, 4000), [0, 1, 1])
  })

  it("who leaves is forgotten, and somebody who talks takes his place", () => {
    const self = DominantSpeaker.make()
    afterReports(self, [room, room], 5, 0)
    afterReports(self, [20, 30], 5, 1000)
    const left = DominantSpeaker.poll(self, 1900)!
    DominantSpeaker.forget(self, left)
    assert.strictEqual(self.dominant, undefined)
    assert.strictEqual(self.participants.size, 1)
    assert.notStrictEqual(DominantSpeaker.poll(self, 2000), left)
    assert.isDefined(self.dominant)
  })

  it("levels that are always the loudest win for 15 s at most, be there 10 or 10,000 of them", () => {
    for (const count of [10, 10_000]) {
      const self = DominantSpeaker.make()
      const talk = Talk.make({ talkers: 2, noisy: 0, quiet: 0, durationMs: 60_000 }, "beside a device that lies")
      let liarDominant = 0
      for (let nowMs = 200; nowMs <= 60_000; nowMs += 200) {
        DominantSpeaker.handleLevels(self, idOf(2), new Uint8Array(count), nowMs)
        for (const who of [0, 1]) {
          const levels = talk.levels[who]!.subarray(nowMs / Talk.frameMs - 10, nowMs / Talk.frameMs)
          DominantSpeaker.handleLevels(self, idOf(who), levels, nowMs)
        }
        if (DominantSpeaker.poll(self, nowMs) === idOf(2)) liarDominant = nowMs
      }
      assert.isAtMost(liarDominant, 17_000, `${count} levels`)
    }
  })

  it("a clock that jumps ends nothing", () => {
    for (const jumpMs of [-1e9, -500, 1e9]) {
      const self = DominantSpeaker.make()
      afterReports(self, [room, room], 5, 1000)
      afterReports(self, [25, room], 5, 2000)
      afterReports(self, [room, room], 5, 3000 + jumpMs)
      assert.strictEqual(self.dominant, idOf(0), `${jumpMs}`)
      const after = afterReports(self, [room, 25], 5, 4000 + jumpMs)
      assert.strictEqual(after.at(-1), 1, `${jumpMs}`)
    }
  })

  it("finds the one who talks among fifty", () => {
    const self = DominantSpeaker.make()
    const silent = new Array<number>(participantsMax).fill(room)
    afterReports(self, silent, 5, 0)
    let nowMs = 1000
    for (let who = 0; who < participantsMax; who++) {
      const dominants = afterReports(self, silent.with(who, 30), 5, nowMs)
      assert.strictEqual(dominants.at(-1), who)
      nowMs += 1000
    }
  })

  it("decides no more often than every 20 ms", () => {
    const self = DominantSpeaker.make()
    afterReports(self, [room], 5, 0)
    DominantSpeaker.poll(self, 1000)
    DominantSpeaker.handleLevels(self, idOf(0), new Uint8Array(10).fill(25), 1001)
    assert.strictEqual(DominantSpeaker.poll(self, 1019), undefined)
    assert.strictEqual(DominantSpeaker.poll(self, 1020), idOf(0))
  })
})
