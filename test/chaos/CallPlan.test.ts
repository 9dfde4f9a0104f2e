import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Dice from "../fuzz/Dice.ts"
import * as CallPlan from "./CallPlan.ts"

const Seed = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1000 }))

describe("CallPlan", () => {
  it("60 calls are 50 of two and 10 of four, who are numbered through", () => {
    const calls = CallPlan.make(Dice.ofCase(1, "plan", 0), 60, 5)
    const sizes = calls.map(({ members }) => members.length)
    assert.strictEqual(sizes.filter((size) => size === 2).length, 50)
    assert.strictEqual(sizes.filter((size) => size === CallPlan.groupSize).length, 10)
    assert.deepStrictEqual(
      CallPlan.membersOf(calls).map(({ member }) => member),
      Array.from({ length: 140 }, (_, member) => member)
    )
    assert.strictEqual(calls.flatMap(CallPlan.flowsOf).length, 50 * 2 + 10 * 12)
  })

  it.prop("the members of a call are on different relays", [Seed], ([seed]) => {
    for (const { call, members } of CallPlan.make(Dice.ofCase(seed, "plan", 0), 12, 5)) {
      assert.strictEqual(new Set(members.map(({ relay }) => relay)).size, members.length)
      assert.isTrue(members.every((member) => member.call === call && member.relay >= 0 && member.relay < 5))
    }
  })

  it("where there is one relay, all are there", () => {
    const members = CallPlan.membersOf(CallPlan.make(Dice.ofCase(1, "plan", 0), 12, 1))
    assert.isTrue(members.every(({ relay }) => relay === 0))
  })

  it.prop("the same seed makes the same calls", [Seed], ([seed]) => {
    const make = () => CallPlan.make(Dice.ofCase(seed, "plan", 0), 12, 5)
    assert.deepStrictEqual(make(), make())
  })
})
