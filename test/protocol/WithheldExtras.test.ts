import { assert, describe, it } from "@effect/vitest"
import { withheldExtras } from "../../src/protocol/ControlAttribute.ts"
import { bytesOf } from "./ControlVectors.ts"

describe("the extras that are withheld", () => {
  const read = (bits: string) => withheldExtras.decode(bytesOf(bits), new Uint8Array(12))

  it("are one bit each, in their order", () => {
    assert.deepStrictEqual(read("00000000"), [])
    assert.deepStrictEqual(read("00000001"), ["fec"])
    assert.deepStrictEqual(read("0000000f"), ["fec", "duplication", "high-layer", "group-video"])
  })

  it("may be more than are known here: a newer relay has more to give up", () => {
    assert.deepStrictEqual(read("fffffff0"), [])
    assert.deepStrictEqual(read("80000009"), ["fec", "group-video"])
  })

  it("are a number of 32 bits and nothing else", () => {
    for (const bits of ["", "000001", "0000000100"]) assert.isUndefined(read(bits), bits)
  })
})
