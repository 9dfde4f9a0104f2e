import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Schema } from "effect"
import * as PendingAdmissions from "../../src/throttle/PendingAdmissions.ts"

const whole = (minimum: number, maximum: number) =>
  Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum, maximum })))
const { settleMs } = PendingAdmissions

/** Weights that are let in, each followed by a pause. */
const events = Arbitrary.array(Arbitrary.all([whole(1, 2), whole(0, 900)]), { maxLength: 20 })
const after = (done: ReadonlyArray<readonly [weight: number, pauseMs: number]>) =>
  done.reduce(
    (self, [weight, pauseMs]) => PendingAdmissions.later(PendingAdmissions.add(self, weight), pauseMs),
    PendingAdmissions.none
  )

describe("PendingAdmissions", () => {
  it("one counts evenly less, and not at all after a second and a half", () => {
    const one = PendingAdmissions.add(PendingAdmissions.none, 2)
    const countsAfter = (ms: number) => PendingAdmissions.total(PendingAdmissions.later(one, ms))
    assert.deepStrictEqual([0, 375, 750, 1125, 1500, 60_000].map(countsAfter), [2, 1.5, 1, 0.5, 0, 0])
  })

  it.prop("each counts by his own age, whoever else came", [events], ([done]) => {
    let ageMs = 0
    let expected = 0
    for (const [weight, pauseMs] of done.toReversed()) {
      ageMs += pauseMs
      expected += weight * Math.max(0, 1 - ageMs / settleMs)
    }
    assert.closeTo(PendingAdmissions.total(after(done)), expected, 1e-9)
  })

  it.prop("it is the same in many steps and in one", [events, whole(0, 800), whole(0, 800)], ([done, a, b]) => {
    const inTwo = PendingAdmissions.later(PendingAdmissions.later(after(done), a), b)
    assert.closeTo(
      PendingAdmissions.total(inTwo),
      PendingAdmissions.total(PendingAdmissions.later(after(done), a + b)),
      1e-9
    )
  })

  it.prop("nothing is kept of those who are seen", [events], ([done]) => {
    assert.deepStrictEqual(PendingAdmissions.later(after(done), settleMs), PendingAdmissions.none)
  })
})
