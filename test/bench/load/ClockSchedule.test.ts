import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as ClockSchedule from "./ClockSchedule.ts"

const Rate = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 500_000 }))
const Ticks = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1000 }))
const Passed = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 10_000 }))

/** What the sums of binary fractions may be off by. */
const roundingMs = 1e-6

describe("ClockSchedule", () => {
  it("gives each frame its own time, at equal distances", () => {
    const schedule = ClockSchedule.make({ packetsPerSecond: 1000 }, 8, 500)
    assert.deepStrictEqual(
      [499, 500, 507.9, 508, 523.9, 524].map((nowMs) => ClockSchedule.framesBy(schedule, nowMs)),
      [0, 1, 1, 2, 3, 4]
    )
    assert.strictEqual(ClockSchedule.timeOf(schedule, 3), 524)
  })

  it("sends at a tick what has become due since the last", () => {
    const schedule = ClockSchedule.make({ packetsPerSecond: 1000, ticksPerSecond: 100 }, 4, 0)
    assert.deepStrictEqual(
      [0, 9.9, 10, 19.9, 20].map((nowMs) => ClockSchedule.framesBy(schedule, nowMs)),
      [1, 1, 3, 3, 6]
    )
    assert.deepStrictEqual(
      [0, 1, 2, 3].map((frame) => ClockSchedule.timeOf(schedule, frame)),
      [0, 10, 10, 20]
    )
  })

  it.prop(
    "no frame is sent before its time, none that is due is kept back",
    [Rate, Schema.UndefinedOr(Ticks), Passed],
    ([packetsPerSecond, ticksPerSecond, passedMs]) => {
      const pace = { packetsPerSecond, ...(ticksPerSecond === undefined ? {} : { ticksPerSecond }) }
      const schedule = ClockSchedule.make(pace, 1, 1000)
      const nowMs = 1000 + passedMs
      const frames = ClockSchedule.framesBy(schedule, nowMs)
      assert.isAtMost(ClockSchedule.timeOf(schedule, frames - 1), nowMs + roundingMs)
      assert.isAbove(ClockSchedule.timeOf(schedule, frames), nowMs - roundingMs)
    }
  )

  it.prop("offers the rate that was asked for", [Rate, Ticks], ([packetsPerSecond, ticksPerSecond]) => {
    const schedule = ClockSchedule.make({ packetsPerSecond, ticksPerSecond }, 1, 0)
    assert.closeTo(
      ClockSchedule.framesBy(schedule, 10_000),
      10 * packetsPerSecond,
      1 + packetsPerSecond / ticksPerSecond
    )
  })
})
