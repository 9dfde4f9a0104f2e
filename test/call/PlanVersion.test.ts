import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as CallVersion from "../../src/call/CallVersion.ts"
import * as PlanVersion from "../../src/call/PlanVersion.ts"

const Small = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 2 }))
const Version = Schema.Struct({ ownerEpoch: Small, number: Small, revision: Small })
const make = ({ number, ownerEpoch, revision }: typeof Version.Type) =>
  PlanVersion.of(new CallVersion.CallVersion({ ownerEpoch, number }), revision)

describe("PlanVersion", () => {
  it.prop("is a total order: owner, then state, then revision", [Version, Version], ([a, b]) => {
    const rank = ({ number, ownerEpoch, revision }: typeof Version.Type) => 9 * ownerEpoch + 3 * number + revision
    assert.strictEqual(PlanVersion.isNewer(make(a), make(b)), rank(a) > rank(b))
  })
})
