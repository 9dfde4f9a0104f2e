import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import * as MessageIntegrity from "../../src/access/MessageIntegrity.ts"
import * as Stun from "../../src/protocol/Stun.ts"
import { vectors, withFlippedBit } from "./Vectors.ts"

const { signed, unsigned } = vectors.message
const key = vectors.token.participantKey
const Bit = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1_000_000 }))

const isAuthentic = (datagram: Uint8Array, key: Uint8Array): boolean =>
  Result.match(Stun.decode(datagram), {
    onFailure: () => false,
    onSuccess: ({ integritySha256 }) =>
      integritySha256 !== undefined && MessageIntegrity.verify(datagram, integritySha256, key)
  })

describe("MessageIntegrity", () => {
  it("signs what the vectors say", () => {
    assert.deepStrictEqual(MessageIntegrity.sign(unsigned, key), signed)
    assert.isTrue(isAuthentic(signed, key))
    assert.isFalse(isAuthentic(unsigned, key))
  })

  it.prop("what is signed is verified, with this key only", [Schema.Uint8Array], ([value]) => {
    const message = Stun.appendAttribute(unsigned, 0x8022, value)
    const datagram = MessageIntegrity.sign(message, key)
    assert.isTrue(isAuthentic(datagram, key))
    assert.isFalse(isAuthentic(datagram, withFlippedBit(key, value.length)))
  })

  it.prop("no bit can be changed, not even with a new fingerprint", [Bit], ([bit]) => {
    const fingerprintBytes = 8
    const changed = withFlippedBit(signed.subarray(0, -fingerprintBytes), bit)
    const datagram = Stun.appendFingerprint(changed)
    // The new fingerprint sets the header's length right again.
    if (Buffer.compare(datagram, signed) !== 0) assert.isFalse(isAuthentic(datagram, key))
    assert.isFalse(isAuthentic(Uint8Array.of(...changed, ...signed.subarray(-fingerprintBytes)), key))
  })

  it("a truncated proof is not accepted", () => {
    const proof = signed.subarray(unsigned.length + 4, unsigned.length + 4 + 16)
    const truncated = Stun.appendFingerprint(Stun.appendAttribute(unsigned, Stun.integritySha256Type, proof))
    assert.isTrue(Result.isSuccess(Stun.decode(truncated)))
    assert.isFalse(isAuthentic(truncated, key))
  })
})
