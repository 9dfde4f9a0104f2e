import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Schema } from "effect"
import * as AddressCookie from "../../src/access/AddressCookie.ts"
import { ring, ringOf, vectors, withFlippedBit } from "./Vectors.ts"

const address = Uint32Array.from(vectors.cookie.packedAddress)
const { cookie, madeAtSeconds } = vectors.cookie
const Bit = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1_000_000 }))
const Byte = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 255 }))
const guesses = Arbitrary.array(Arbitrary.schema(Byte), { minLength: 8, maxLength: 8 })

describe("AddressCookie", () => {
  it("makes what the vectors say", () => {
    assert.deepStrictEqual(AddressCookie.make(ring, address, madeAtSeconds), cookie)
    assert.isTrue(AddressCookie.check(ring, cookie, address, madeAtSeconds))
  })

  it("is good for ten minutes, and a minute early for clocks that differ", () => {
    const isGoodAfter = (seconds: number) => AddressCookie.check(ring, cookie, address, madeAtSeconds + seconds)
    assert.isTrue(isGoodAfter(600))
    assert.isFalse(isGoodAfter(601))
    assert.isTrue(isGoodAfter(-60))
    assert.isFalse(isGoodAfter(-61))
  })

  it.prop("is good for no other address", [Bit], ([bit]) => {
    const words = withFlippedBit(new Uint8Array(address.slice().buffer), bit)
    const other = new Uint32Array(words.slice().buffer)
    assert.isFalse(AddressCookie.check(ring, cookie, other, madeAtSeconds))
  })

  it.prop("is not good with any bit changed", [Bit], ([bit]) => {
    assert.isFalse(AddressCookie.check(ring, withFlippedBit(cookie, bit), address, madeAtSeconds))
  })

  it.prop("no guessed proof is good, and no bytes throw", [guesses, Schema.Uint8Array], ([guess, bytes]) => {
    const guessed = Uint8Array.of(...cookie.subarray(0, 4), ...guess)
    assert.isFalse(AddressCookie.check(ring, guessed, address, madeAtSeconds))
    assert.isFalse(AddressCookie.check(ring, bytes, address, madeAtSeconds))
  })

  it("is good at every relay that has the key, newest or not", () => {
    const made = AddressCookie.make(ringOf("may", "april"), address, madeAtSeconds)
    assert.isTrue(AddressCookie.check(ringOf("may"), made, address, madeAtSeconds))
    assert.isTrue(AddressCookie.check(ringOf("june", "may"), made, address, madeAtSeconds))
    assert.isFalse(AddressCookie.check(ringOf("july", "june"), made, address, madeAtSeconds))
  })
})
