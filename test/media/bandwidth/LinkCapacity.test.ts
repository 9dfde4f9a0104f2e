import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as LinkCapacity from "../../../src/media/bandwidth/LinkCapacity.ts"

const Rate = Schema.Literals([0, 1, 5000, 300_000, 310_000, 330_000, 1_000_000, 1e12])
const Rates = Schema.Array(Schema.Tuple([Rate, Schema.Boolean]))

describe("LinkCapacity", () => {
  it("is the mean of the rates at overuse, as long as they are about the same", () => {
    const capacity = LinkCapacity.make()
    assert.isFalse(LinkCapacity.isKnown(capacity))
    LinkCapacity.handleOveruse(capacity, 500_000)
    assert.strictEqual(capacity.meanBps, 500_000)
    LinkCapacity.handleOveruse(capacity, 520_000)
    assert.strictEqual(capacity.meanBps, 501_000)
    // Three deviations are 3 * sqrt(0.4 * 500) kbps, about 42.
    LinkCapacity.handleOveruse(capacity, 470_000)
    assert.closeTo(capacity.meanBps, 499_450, 1)
  })

  it("is known anew when far less arrives at an overuse", () => {
    const capacity = LinkCapacity.make()
    LinkCapacity.handleOveruse(capacity, 500_000)
    LinkCapacity.handleOveruse(capacity, 400_000)
    assert.strictEqual(capacity.meanBps, 400_000)
  })

  it("is not known any more when far more arrives without one", () => {
    const capacity = LinkCapacity.make()
    LinkCapacity.handleOveruse(capacity, 500_000)
    LinkCapacity.handleRate(capacity, 530_000)
    assert.isTrue(LinkCapacity.isKnown(capacity))
    LinkCapacity.handleRate(capacity, 560_000)
    assert.isFalse(LinkCapacity.isKnown(capacity))
  })

  it.prop("lies between the rates, and its variance within bounds", [Rates], ([rates]) => {
    const capacity = LinkCapacity.make()
    const seen: Array<number> = []
    for (const [rateBps, isOveruse] of rates) {
      if (isOveruse) {
        LinkCapacity.handleOveruse(capacity, rateBps)
        seen.push(rateBps)
      } else LinkCapacity.handleRate(capacity, rateBps)
      if (!LinkCapacity.isKnown(capacity)) continue
      assert.isAtLeast(capacity.meanBps, Math.min(...seen))
      assert.isAtMost(capacity.meanBps, Math.max(...seen))
      assert.isTrue(capacity.variance >= 0.4 && capacity.variance <= 2.5)
    }
  })
})
