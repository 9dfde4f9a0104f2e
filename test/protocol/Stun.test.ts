import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Result, Schema } from "effect"
import * as Stun from "../../src/protocol/Stun.ts"
import * as StunAddress from "../../src/protocol/StunAddress.ts"
import { crc32, fingerprint } from "../../src/protocol/StunFingerprint.ts"
import * as PackedAddress from "../../src/sockets/PackedAddress.ts"
import { bytes, packedAddress } from "./ArbitraryMessages.ts"

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)
const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, "hex"))
const decode = (message: Uint8Array): Stun.StunMessage => Result.getOrThrow(Stun.decode(message))
const reasonOf = (message: Uint8Array): string | undefined =>
  Result.match(Stun.decode(message), { onFailure: ({ reason }) => reason, onSuccess: () => undefined })

const softwareType = 0x8022

const transactionId = hex("b7e7a701bc34d686fa87dfae")
const header = Stun.encodeHeader({ class: "request", method: 0x001, transactionId })
const append = (message: Uint8Array, type: number, length: number) =>
  Stun.appendAttribute(message, type, new Uint8Array(length))

describe("framing", () => {
  const classes = Schema.Literals(["request", "indication", "success", "error"])
  const method = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0xfff }))

  it.prop(
    "the header is read as it was written, for every class and method",
    [classes, method, bytes(12, 12)],
    (all) => {
      const [messageClass, method, transactionId] = all
      const stun = decode(Stun.encodeHeader({ class: messageClass, method, transactionId }))
      assert.deepStrictEqual([stun.class, stun.method, stun.transactionId], [messageClass, method, transactionId])
      assert.deepStrictEqual(stun.attributes, [])
    }
  )

  it("a header alone is a Binding request, which is what common STUN clients send", () => {
    const stun = decode(hex("000100002112a442000102030405060708090a0b"))
    assert.deepStrictEqual([stun.class, stun.method, stun.hasFingerprint], ["request", 0x001, false])
    assert.isUndefined(stun.integritySha1)
    assert.isUndefined(stun.integritySha256)
  })

  it("the first byte tells a control message from everything else", () => {
    const firstBytes = Array.from({ length: 256 }, (_, byte) => byte)
    assert.deepStrictEqual(firstBytes.filter(Stun.isControl), [0, 1, 2, 3])
  })

  it.prop(
    "attributes are found where they were put, padded to 32 bits",
    [Arbitrary.array(Arbitrary.all([Arbitrary.schema(method), bytes(0, 9)]), { maxLength: 6 })],
    ([given]) => {
      const values = given.map(([number, value]) => [number + 0x5000, value] as const)
      const message = values.reduce((soFar, [type, value]) => Stun.appendAttribute(soFar, type, value), header)
      const found = decode(message).attributes
      assert.deepStrictEqual(
        found.map(({ type, offset, length }) => [type, message.slice(offset, offset + length)] as const),
        values
      )
      assert.strictEqual(message.length % 4, 0)
      assert.strictEqual(
        message.length,
        values.reduce((sum, [, value]) => sum + Stun.attributeBytes(value.length), header.length)
      )
    }
  )

  it("a message within a larger memory is read like one of its own", () => {
    const memory = new Uint8Array(200).fill(0xee)
    const message = Stun.appendFingerprint(append(header, softwareType, 5))
    memory.set(message, 7)
    assert.deepStrictEqual(decode(memory.subarray(7, 7 + message.length)), decode(message))
    assert.deepStrictEqual(decode(Buffer.from(message)), decode(message))
  })

  it.prop("arbitrary bytes never throw", [bytes(0, 64)], ([tail]) => {
    Stun.decode(tail)
    const length = Uint8Array.of(0, 1, tail.length >> 8, tail.length & 0xff)
    Stun.decode(Uint8Array.from([...length, ...header.subarray(4), ...tail]))
  })

  // Right for the message that it is in the middle of.
  const fingerprintInTheMiddle = append(append(header, Stun.fingerprintType, 4), softwareType, 4)
  new DataView(fingerprintInTheMiddle.buffer).setUint32(24, fingerprint(fingerprintInTheMiddle, 20))

  const broken: ReadonlyArray<readonly [what: string, message: Uint8Array, reason: string]> = [
    ["nothing", new Uint8Array(0), "TooShort"],
    ["less than a header", header.slice(0, 19), "TooShort"],
    ["one of the two first bits", Uint8Array.from([0x40, ...header.subarray(1)]), "WrongVersion"],
    ["no magic cookie", hex("000100002112a443000102030405060708090a0b"), "WrongMagicCookie"],
    ["a byte too many", Uint8Array.from([...header, 0]), "LengthMismatch"],
    ["a word too many", Uint8Array.from([...header, 0, 0, 0, 0]), "LengthMismatch"],
    [
      "a length that is no multiple of four",
      Uint8Array.from([0, 1, 0, 2, ...header.subarray(4), 0, 0]),
      "LengthMismatch"
    ],
    [
      "an attribute that ends behind the message",
      hex("000100042112a442000102030405060708090a0b80220001"),
      "MalformedAttribute"
    ],
    ["a MESSAGE-INTEGRITY of 16 bytes", append(header, Stun.integritySha1Type, 16), "MalformedAttribute"],
    ["a MESSAGE-INTEGRITY-SHA256 of 12 bytes", append(header, Stun.integritySha256Type, 12), "MalformedAttribute"],
    ["one of 30 bytes", append(header, Stun.integritySha256Type, 30), "MalformedAttribute"],
    ["one of 36 bytes", append(header, Stun.integritySha256Type, 36), "MalformedAttribute"],
    ["a FINGERPRINT of zeros", append(header, Stun.fingerprintType, 4), "WrongFingerprint"],
    ["a FINGERPRINT of 8 bytes", append(header, Stun.fingerprintType, 8), "WrongFingerprint"],
    ["something behind the FINGERPRINT", fingerprintInTheMiddle, "WrongFingerprint"],
    ["two of them", Stun.appendFingerprint(Stun.appendFingerprint(header)), "WrongFingerprint"]
  ]
  for (const [what, message, reason] of broken) {
    it(`${what}: ${reason}`, () => assert.strictEqual(reasonOf(message), reason))
  }
})

describe("integrity", () => {
  it("attributes behind MESSAGE-INTEGRITY-SHA256 do not count, but for FINGERPRINT", () => {
    const signed = append(append(header, 0x5a05, 4), Stun.integritySha256Type, 32)
    const more = [0x5a06, Stun.integritySha256Type, Stun.integritySha1Type]
    const message = Stun.appendFingerprint(more.reduce((soFar, type) => append(soFar, type, 32), signed))
    const stun = decode(message)
    assert.deepStrictEqual(
      stun.attributes.map(({ type }) => type),
      [0x5a05, Stun.integritySha256Type, Stun.fingerprintType]
    )
    assert.deepStrictEqual(stun.integritySha256, { attributeOffset: 28, valueOffset: 32, valueLength: 32 })
    assert.isUndefined(stun.integritySha1)
  })

  it("behind MESSAGE-INTEGRITY only MESSAGE-INTEGRITY-SHA256 and FINGERPRINT count", () => {
    const both = append(append(append(header, Stun.integritySha1Type, 20), 0x5a05, 4), Stun.integritySha256Type, 16)
    const stun = decode(both)
    assert.deepStrictEqual(stun.integritySha1, { attributeOffset: 20, valueOffset: 24, valueLength: 20 })
    assert.deepStrictEqual(stun.integritySha256, { attributeOffset: 52, valueOffset: 56, valueLength: 16 })
    assert.strictEqual(stun.attributes.length, 2)
  })

  it.prop("what is proved does not depend on what follows", [bytes(0, 40), bytes(0, 40)], ([value, later]) => {
    const unsigned = Stun.appendAttribute(header, softwareType, value)
    const signed = append(unsigned, Stun.integritySha256Type, 32)
    const message = Stun.appendFingerprint(Stun.appendAttribute(signed, 0x8001, later))
    const { attributeOffset } = decode(message).integritySha256!
    assert.deepStrictEqual(
      Stun.integrityInput(message, attributeOffset).slice(),
      Stun.integrityInput(unsigned, unsigned.length)
    )
    assert.deepStrictEqual(
      Stun.integrityInput(signed, attributeOffset),
      signed.slice(0, attributeOffset),
      "right behind the proof the length needs no change"
    )
  })
})

describe("FINGERPRINT", () => {
  it("its CRC-32 is the common one", () => assert.strictEqual(crc32(utf8("123456789")), 0xcbf43926))

  it.prop("no message with a flipped bit passes for one with a FINGERPRINT", [bytes(0, 24)], ([value]) => {
    const message = Stun.appendFingerprint(Stun.appendAttribute(header, softwareType, value))
    assert.isTrue(decode(message).hasFingerprint)
    for (let bit = 0; bit < message.length * 8; bit++) {
      message[bit >> 3]! ^= 1 << (bit & 7)
      // A flipped type hides the FINGERPRINT, and so does a length that makes it part of the attribute before.
      const stun = Stun.decode(message)
      assert.isTrue(Result.isFailure(stun) || !stun.success.hasFingerprint, `bit ${bit}`)
      message[bit >> 3]! ^= 1 << (bit & 7)
    }
  })
})

describe("XOR-MAPPED-ADDRESS", () => {
  it.prop("what is written is read", [packedAddress, bytes(12, 12)], ([packed, transactionId]) => {
    assert.deepStrictEqual(StunAddress.decode(StunAddress.encode(packed, transactionId), transactionId), packed)
  })

  it.prop("IPv6 depends on the transaction id, IPv4 does not", [packedAddress], ([packed]) => {
    const one = StunAddress.encode(packed, transactionId)
    const other = StunAddress.encode(
      packed,
      transactionId.map((byte) => byte ^ 0xff)
    )
    assert.strictEqual(Buffer.compare(one, other) === 0, PackedAddress.isIpv4(packed))
  })

  it("another family, or another length than the family's, is refused", () => {
    for (const value of ["", "0001a147", "0002a147e112a643", "0003a147e112a643", "0001a147e112a64300000000"]) {
      assert.isUndefined(StunAddress.decode(hex(value), transactionId))
    }
  })
})
