import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as RecentPackets from "../../../src/client/streams/RecentPackets.ts"

const U16 = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0xffff }))
const U32 = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0xffffffff }))

describe("RecentPackets", () => {
  it.prop(
    "knows the newest 2,048 packets and no other, wherever the numbers wrap",
    [U16, U32],
    ([start, timestamp]) => {
      const recent = RecentPackets.make()
      const packet = (number: number) => [(start + number) & 0xffff, (timestamp + number * 960) >>> 0] as const
      const numbers = Array.from({ length: 3000 }, (_, number) => number)
      const early = numbers.filter((number) => {
        const isKnown = RecentPackets.has(recent, ...packet(number))
        RecentPackets.remember(recent, ...packet(number))
        return isKnown
      })
      assert.deepStrictEqual(early, [])
      assert.deepStrictEqual(
        numbers.filter((number) => RecentPackets.has(recent, ...packet(number))),
        numbers.slice(-2048)
      )
    }
  )

  it("takes the same number with another timestamp for another packet: its sender has started anew", () => {
    const recent = RecentPackets.make()
    RecentPackets.remember(recent, 7, 1000)
    assert.isTrue(RecentPackets.has(recent, 7, 1000))
    assert.isFalse(RecentPackets.has(recent, 7, 5000))
  })
})
