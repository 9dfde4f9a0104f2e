import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Fs from "node:fs"
import * as SFrame from "../../../src/client/encryption/SFrame.ts"
import * as SFrameHeader from "../../../src/client/encryption/SFrameHeader.ts"
import { concat, sized } from "../Samples.ts"

const Bytes = Schema.Uint8ArrayFromHex
const Hex = Schema.String

const vectorsIn = <S extends Schema.ConstraintDecoder<unknown>>(name: string, vector: S): ReadonlyArray<S["Type"]> =>
  Schema.decodeSync(Schema.fromJsonString(Schema.Struct({ source: Schema.String, vectors: Schema.Array(vector) })))(
    Fs.readFileSync(new URL(`../../vectors/${name}`, import.meta.url), "utf8")
  ).vectors

const headers = vectorsIn("sframe-header.json", Schema.Struct({ keyId: Hex, counter: Hex, encoded: Bytes }))
const frames = vectorsIn(
  "sframe-aes-128-gcm.json",
  Schema.Struct({
    keyId: Hex,
    counter: Hex,
    baseKey: Bytes,
    key: Bytes,
    salt: Bytes,
    metadata: Bytes,
    plain: Bytes,
    sealed: Bytes
  })
)
const Unsigned64 = Schema.BigInt.check(Schema.isBetweenBigInt({ minimum: 0n, maximum: 2n ** 64n - 1n }))

describe("SFrameHeader", () => {
  it("encodes and decodes the headers of RFC 9605", () => {
    assert.strictEqual(headers.length, 289)
    for (const vector of headers) {
      const keyId = BigInt(`0x${vector.keyId}`)
      const counter = BigInt(`0x${vector.counter}`)
      assert.deepStrictEqual(SFrameHeader.encode(keyId, counter), vector.encoded)
      const decoded = SFrameHeader.decode(concat([vector.encoded, Uint8Array.of(1, 2, 3)]))
      assert.deepStrictEqual(decoded, { keyId, counter, length: vector.encoded.length })
      for (let length = 0; length < vector.encoded.length; length++) {
        assert.isUndefined(SFrameHeader.decode(vector.encoded.subarray(0, length)))
      }
    }
  })

  it.prop("what was encoded is decoded", [Unsigned64, Unsigned64], ([keyId, counter]) => {
    const encoded = SFrameHeader.encode(keyId, counter)
    assert.isAtMost(encoded.length, SFrameHeader.lengthMax)
    assert.deepStrictEqual(SFrameHeader.decode(encoded), { keyId, counter, length: encoded.length })
  })

  it.prop(
    "arbitrary bytes never throw",
    [Schema.Uint8Array],
    ([bytes]) => {
      const header = SFrameHeader.decode(bytes)
      if (header !== undefined) assert.isAtMost(header.length, bytes.length)
    },
    sized(40)
  )
})

describe("SFrame, AES_128_GCM_SHA256_128", () => {
  it("passes the vectors of RFC 9605", () => {
    assert.isNotEmpty(frames)
    for (const vector of frames) {
      const key = SFrame.deriveKey(vector.baseKey, BigInt(`0x${vector.keyId}`))
      assert.deepStrictEqual(key.key, vector.key)
      assert.deepStrictEqual(key.salt, vector.salt)
      const counter = BigInt(`0x${vector.counter}`)
      assert.deepStrictEqual(SFrame.seal(key, counter, vector.plain, vector.metadata), vector.sealed)
      const header = SFrameHeader.decode(vector.sealed)
      assert.isDefined(header)
      assert.deepStrictEqual(SFrame.open(key, header, vector.sealed, vector.metadata), vector.plain)
      for (let length = header.length; length < vector.sealed.length; length++) {
        assert.isUndefined(SFrame.open(key, header, vector.sealed.subarray(0, length), vector.metadata))
      }
    }
  })
})
