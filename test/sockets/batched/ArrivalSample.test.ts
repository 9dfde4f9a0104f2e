import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as ArrivalSample from "../../../src/sockets/batched/ArrivalSample.ts"

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

/** A batch is pulled: so long after the last, its oldest datagram having waited, and the wall clock set before it by this much. */
const Pull = Schema.Struct({
  afterMs: between(0, 1000),
  waitMs: between(0, 1000),
  setByMs: Schema.Literals([0, 0, 0, 3_600_000, 40, -40, -3_600_000])
})

/** What is told of each pull, and what was so. `isSetBetween`: the wall clock is set between stamp and pull. */
const run = (pulls: ReadonlyArray<typeof Pull.Type>, isSetBetween: boolean) => {
  const sample = ArrivalSample.make(0)
  let nowMs = 0
  let leadMs = 1_800_000_000_000
  let arrivedMs = 0
  return pulls.map(({ afterMs, setByMs, waitMs }) => {
    const earlierMs = sample.earliestMs
    nowMs += afterMs
    arrivedMs = Math.max(arrivedMs, nowMs - waitMs)
    if (!isSetBetween) leadMs += setByMs
    const stampMs = arrivedMs + leadMs
    if (isSetBetween) leadMs += setByMs
    const told = ArrivalSample.arrivedAtMs(sample, stampMs, nowMs + leadMs, nowMs)
    return { told, arrivedMs, earlierMs, nowMs, setByMs }
  })
}

describe("ArrivalSample", () => {
  it.prop("tells when datagrams arrived while nobody sets the wall clock", [Schema.Array(Pull)], ([pulls]) => {
    const calm = pulls.map((pull) => ({ ...pull, setByMs: 0 as const }))
    for (const { arrivedMs, told } of run(calm, true)) assert.strictEqual(told, arrivedMs)
  })

  it.prop(
    "a wall clock that is set makes no wait longer than it can be",
    [Schema.Array(Pull), Schema.Boolean],
    ([pulls, isSetBetween]) => {
      run(pulls, isSetBetween).forEach(({ earlierMs, nowMs, setByMs, told }, pull) => {
        // Of the first nobody knows how it was before.
        assert.strictEqual(Number.isNaN(told), pull > 0 && setByMs !== 0)
        if (Number.isNaN(told)) return
        assert.isAtLeast(told, earlierMs)
        assert.isAtMost(told, nowMs)
      })
    }
  )

  it("stamps from before the wall clock was set are taken for no wait, or for one since then", () => {
    for (const setByMs of [3_600_000, -3_600_000]) {
      const sample = ArrivalSample.make(0)
      assert.strictEqual(ArrivalSample.arrivedAtMs(sample, 1000, 1010, 10), 0)
      assert.isNaN(ArrivalSample.arrivedAtMs(sample, 11_000, 11_100 + setByMs, 10_100))
      const told = ArrivalSample.arrivedAtMs(sample, 11_010, 11_110 + setByMs, 10_110)
      assert.strictEqual(told, setByMs > 0 ? 10_100 : 10_110)
    }
  })

  it("is due at once, and then every few milliseconds", () => {
    const sample = ArrivalSample.make(7)
    assert.isTrue(ArrivalSample.isDue(sample, 7))
    ArrivalSample.arrivedAtMs(sample, 1000, 1000, 8)
    assert.isFalse(ArrivalSample.isDue(sample, 8 + ArrivalSample.everyMs - 0.01))
    assert.isTrue(ArrivalSample.isDue(sample, 8 + ArrivalSample.everyMs))
  })
})
