import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as ByteSlab from "../../src/protocol/ByteSlab.ts"

/** What V8 keeps within the array, what is cut from a piece, and what is longer. */
const Lengths = Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 3000 })))

describe("ByteSlab", () => {
  it.prop("what it gives is all zero, and nobody else's", [Lengths], ([lengths]) => {
    const given = lengths.map((length, at) => {
      const bytes = ByteSlab.allocate(length)
      assert.strictEqual(bytes.length, length)
      assert.isTrue(bytes.every((byte) => byte === 0))
      return bytes.fill(1 + (at % 255))
    })
    for (const [at, bytes] of given.entries()) assert.isTrue(bytes.every((byte) => byte === 1 + (at % 255)))
  })

  it.prop("a copy has the same bytes, and is another array", [Schema.Uint8Array], ([bytes]) => {
    const copied = ByteSlab.copy(bytes)
    assert.deepStrictEqual([...copied], [...bytes])
    const before = [...bytes]
    copied.fill(7)
    assert.deepStrictEqual([...bytes], before)
  })
})
