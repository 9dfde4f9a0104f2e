import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { createHmac } from "node:crypto"
import { hmacSha256 } from "../../src/access/HmacSha256.ts"

const bytesOf = (length: number) => Uint8Array.from({ length }, (_, at) => (at * 7 + length) & 0xff)
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex")
/** Up to longer than a block, and longer than what has memory of its own. */
const KeyBytes = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 130 }))
const InputBytes = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 3000 }))

describe("hmacSha256", () => {
  it.prop("is what Node makes of the same", [KeyBytes, InputBytes], ([keyBytes, inputBytes]) => {
    const key = bytesOf(keyBytes)
    const input = bytesOf(inputBytes)
    assert.strictEqual(hex(hmacSha256(key, input)), createHmac("sha256", key).update(input).digest("hex"))
  })

  // RFC 4231 sections 4.2, 4.3 and 4.7.
  it.for([
    [
      new Uint8Array(20).fill(0x0b),
      Buffer.from("Hi There"),
      "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
    ],
    [
      Buffer.from("Jefe"),
      Buffer.from("what do ya want for nothing?"),
      "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    ],
    [
      new Uint8Array(131).fill(0xaa),
      Buffer.from("Test Using Larger Than Block-Size Key - Hash Key First"),
      "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
    ]
  ] as const)("is what RFC 4231 says (%#)", ([key, input, expected]) => {
    assert.strictEqual(hex(hmacSha256(key, input)), expected)
  })
})
