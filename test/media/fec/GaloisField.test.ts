import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as GaloisField from "../../../src/media/fec/GaloisField.ts"

const Byte = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 255 }))

/** By its definition: as polynomials over 0 and 1, and the remainder by 0x11d. */
const productOf = (a: number, b: number): number => {
  let product = 0
  for (let bit = 0; bit < 8; bit++) if (b & (1 << bit)) product ^= a << bit
  for (let bit = 14; bit >= 8; bit--) if (product & (1 << bit)) product ^= 0x11d << (bit - 8)
  return product
}

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)

describe("GaloisField", () => {
  it("all products are those of polynomials", () => {
    for (let a = 0; a < 256; a++) {
      for (let b = 0; b < 256; b++) if (GaloisField.multiply(a, b) !== productOf(a, b)) assert.fail(`${a} times ${b}`)
    }
  })

  it("everything but 0 has an inverse", () => {
    for (let a = 1; a < 256; a++) assert.strictEqual(GaloisField.multiply(a, GaloisField.inverse(a)), 1)
  })

  it.prop(
    "multiplyAdd does byte by byte what it says, and touches nothing else",
    [Schema.Uint8Array, Byte],
    (given) => {
      const [bytes, factor] = given
      const into = new Uint8Array(bytes.length + 5).fill(0xa5)
      GaloisField.multiplyAdd(viewOf(into), 2, viewOf(bytes), 0, bytes.length, factor)
      const expected = Array.from(bytes, (byte) => 0xa5 ^ productOf(byte, factor))
      assert.deepStrictEqual(Array.from(into), [0xa5, 0xa5, ...expected, 0xa5, 0xa5, 0xa5])
    }
  )

  it.prop("scaling and scaling back changes nothing", [Schema.Uint8Array, Byte], ([bytes, byte]) => {
    const factor = byte || 1
    const scaled = Uint8Array.from(bytes)
    GaloisField.scale(viewOf(scaled), 0, scaled.length, factor)
    GaloisField.scale(viewOf(scaled), 0, scaled.length, GaloisField.inverse(factor))
    assert.deepStrictEqual(scaled, Uint8Array.from(bytes))
  })
})
