import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as CallerSlot from "../../src/throttle/CallerSlot.ts"
import * as GiveUpOrder from "../../src/throttle/GiveUpOrder.ts"
import * as OfferedCalls from "../../src/throttle/OfferedCalls.ts"
import { Priority } from "../../src/throttle/Priority.ts"

const between = (minimum: number, maximum: number) => Schema.Finite.check(Schema.isBetween({ minimum, maximum }))
const slot = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 255 }))
const askers = Schema.Array(Schema.Tuple([Priority, slot]))
const level = between(0, GiveUpOrder.levelMax)

const of = (asked: ReadonlyArray<readonly [Priority, number]>) => {
  const offered = OfferedCalls.make()
  for (const [priority, slot] of asked) OfferedCalls.add(offered, priority, slot)
  return offered
}

describe("OfferedCalls", () => {
  it.prop(
    "a higher level lets no more in, and the level for a number lets that many in and no fewer",
    [askers, level, level, between(0, 1)],
    ([asked, one, other, share]) => {
      const offered = of(asked)
      const [low, high] = one < other ? [one, other] : [other, one]
      assert.isAtLeast(OfferedCalls.admittedAt(offered, low), OfferedCalls.admittedAt(offered, high) - 1e-9)
      const wanted = share * OfferedCalls.admittedAt(offered, 0)
      assert.approximately(OfferedCalls.admittedAt(offered, OfferedCalls.levelFor(offered, wanted)), wanted, 1e-6)
    },
    { arbitrary: { size: 200 } }
  )

  it("forgets", () => {
    const offered = of([["new-one-to-one-audio", 3]])
    OfferedCalls.fade(offered, 1000)
    assert.approximately(OfferedCalls.admittedAt(offered, 0), 0.5, 1e-9)
    OfferedCalls.fade(offered, NaN)
    assert.approximately(OfferedCalls.admittedAt(offered, 0), 0.5, 1e-9)
  })
})

describe("CallerSlot", () => {
  const hour = 3_600_000

  it("is the same all through an hour, at every try", () => {
    assert.strictEqual(CallerSlot.slotOf("ada", 5 * hour), CallerSlot.slotOf("ada", 6 * hour - 1))
  })

  it("spreads callers evenly, and differently each hour", () => {
    const callers = Array.from({ length: 25_600 }, (_, n) => `caller-${n}`)
    const counts = new Uint32Array(CallerSlot.slots)
    for (const caller of callers) counts[CallerSlot.slotOf(caller, 0)]!++
    // One hundred each; six times the square root of that to both sides.
    assert.isTrue(
      counts.every((count) => count > 40 && count < 160),
      counts.join(" ")
    )
    const low = (unixMs: number) => new Set(callers.filter((caller) => CallerSlot.slotOf(caller, unixMs) < 64))
    const [first, second] = [low(0), low(hour)]
    const both = [...first].filter((caller) => second.has(caller)).length
    assert.approximately(both / first.size, 0.25, 0.03)
  })
})
