import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Schema } from "effect"
import * as CallVersion from "../../src/call/CallVersion.ts"

const few = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 3 }))
const version = Arbitrary.schema(Schema.Struct({ ownerEpoch: few, number: few })).pipe(
  Arbitrary.map((fields) => new CallVersion.CallVersion(fields))
)

describe("CallVersion", () => {
  it.prop("of two versions one is newer, or they are equal", [version, version], ([left, right]) => {
    const holds = [CallVersion.isNewer(left, right), CallVersion.isNewer(right, left), CallVersion.equals(left, right)]
    assert.strictEqual(holds.filter((is) => is).length, 1)
  })

  it.prop("newer than the newer is newer", [version, version, version], ([first, second, third]) => {
    if (CallVersion.isNewer(first, second) && CallVersion.isNewer(second, third)) {
      assert.isTrue(CallVersion.isNewer(first, third))
    }
  })

  it.prop("a new owner is ahead of whatever the old one still does", [version, few, few], ([version, more, nowMs]) => {
    let old = version
    for (let i = 0; i < more; i++) old = CallVersion.next(old)
    assert.isTrue(more === 0 || CallVersion.isNewer(old, version))
    assert.isTrue(CallVersion.isNewer(CallVersion.takenOver(version, nowMs), old))
  })

  it("a call that begins again after its end is ahead of its former life", () => {
    const formerLife = CallVersion.next(CallVersion.takenOver(CallVersion.none, 1_000))
    assert.isTrue(CallVersion.isNewer(CallVersion.takenOver(CallVersion.none, 2_000), formerLife))
  })
})
