import { assert, describe, it } from "@effect/vitest"
import { Arbitrary } from "effect"
import * as CounterWindow from "../../src/media/CounterWindow.ts"
import { integer, sized } from "../client/Samples.ts"

/** Mostly small steps forward and back, now and then a jump as far as the window and further. */
const Step = Arbitrary.all({ isJump: integer(0, 9), small: integer(-40, 42), large: integer(-2_500, 5_000) }).pipe(
  Arbitrary.map(({ isJump, large, small }) => (isJump === 0 ? large : small))
)

describe("CounterWindow", () => {
  it.prop(
    "takes every counter once, unless it is too old",
    [integer(0, 2 ** 40), Arbitrary.array(Step, { maxLength: 300 })],
    ([start, steps]) => {
      const window = CounterWindow.make()
      const taken = new Set<number>()
      let counter = start
      for (const step of steps) {
        counter = Math.max(0, counter + step)
        const tooOld = counter <= Math.max(-1, ...taken) - CounterWindow.windowPackets
        assert.strictEqual(CounterWindow.isNew(window, counter), !tooOld && !taken.has(counter), `${counter}`)
        if (!CounterWindow.isNew(window, counter)) continue
        CounterWindow.remember(window, counter)
        taken.add(counter)
      }
    },
    sized(300)
  )

  it("holds a whole window, and asking changes nothing", () => {
    const window = CounterWindow.make()
    const last = 10_000
    CounterWindow.remember(window, last)
    for (let counter = last + 1 - CounterWindow.windowPackets; counter < last; counter++) {
      assert.isTrue(CounterWindow.isNew(window, counter))
      CounterWindow.remember(window, counter)
      assert.isFalse(CounterWindow.isNew(window, counter))
    }
    assert.isFalse(CounterWindow.isNew(window, last - CounterWindow.windowPackets))
    assert.isFalse(CounterWindow.isNew(window, last))
    assert.isTrue(CounterWindow.isNew(window, last + 1))
    assert.isTrue(CounterWindow.isNew(window, last + 1))
  })
})
