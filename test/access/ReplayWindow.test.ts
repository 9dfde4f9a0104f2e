import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Schema } from "effect"
import * as ReplayWindow from "../../src/access/ReplayWindow.ts"

// Steps that stay within the window, step over its edge, or leave it far behind.
const steps = Arbitrary.array(Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: -70, maximum: 70 }))))
const Start = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER - 100_000 }))

describe("ReplayWindow", () => {
  it.prop(
    "accepts what a list of everything seen would accept",
    [Start, steps],
    ([start, steps]) => {
      const window = ReplayWindow.make()
      const seen = new Set<number>()
      let highest = -1
      let counter = start
      for (const step of steps) {
        counter = Math.max(0, counter + step)
        const isNew = !seen.has(counter) && counter > highest - ReplayWindow.windowSize
        assert.strictEqual(ReplayWindow.accept(window, counter), isNew)
        seen.add(counter)
        highest = Math.max(highest, counter)
      }
    },
    { arbitrary: { size: 200 } }
  )

  it("accepts late ones up to the edge of the window, each once", () => {
    const window = ReplayWindow.make()
    assert.isTrue(ReplayWindow.accept(window, 100))
    assert.isTrue(ReplayWindow.accept(window, 37))
    assert.isFalse(ReplayWindow.accept(window, 37))
    assert.isFalse(ReplayWindow.accept(window, 36))
    assert.isTrue(ReplayWindow.accept(window, Number.MAX_SAFE_INTEGER))
    assert.isFalse(ReplayWindow.accept(window, 100))
  })

  it("accepts nothing earlier once it is closed, and what is later as ever", () => {
    const window = ReplayWindow.make()
    assert.isTrue(ReplayWindow.accept(window, 100))
    ReplayWindow.close(window)
    for (let counter = 0; counter <= 100; counter++) assert.isFalse(ReplayWindow.accept(window, counter), `${counter}`)
    for (const counter of [102, 101, 200]) assert.isTrue(ReplayWindow.accept(window, counter), `${counter}`)
    assert.isFalse(ReplayWindow.accept(window, 99))
  })

  it("the first counter may be zero", () => {
    const window = ReplayWindow.make()
    assert.isTrue(ReplayWindow.accept(window, 0))
    assert.isFalse(ReplayWindow.accept(window, 0))
  })
})
