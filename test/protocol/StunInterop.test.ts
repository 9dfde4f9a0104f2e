import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as Crypto from "node:crypto"
import * as Fs from "node:fs"
import { createRequire } from "node:module"
import * as Stun from "../../src/protocol/Stun.ts"
import * as StunAddress from "../../src/protocol/StunAddress.ts"
import * as PackedAddress from "../../src/sockets/PackedAddress.ts"

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)
const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, "hex"))
const read = (name: string): string => Fs.readFileSync(new URL(`../vectors/${name}`, import.meta.url), "utf8")
const decode = (message: Uint8Array): Stun.StunMessage => Result.getOrThrow(Stun.decode(message))
const reasonOf = (message: Uint8Array): string | undefined =>
  Result.match(Stun.decode(message), { onFailure: ({ reason }) => reason, onSuccess: () => undefined })
const hmac = (algorithm: "sha1" | "sha256", key: Uint8Array, input: Uint8Array): Uint8Array =>
  new Uint8Array(Crypto.createHmac(algorithm, key).update(input).digest())

const attributeTypes = { username: 0x0006, realm: 0x0014, nonce: 0x0015, mappedAddress: 0x0020, software: 0x8022 }
const valueOf = (message: Uint8Array, type: number): Uint8Array => {
  const { offset, length } = decode(message).attributes.find((attribute) => attribute.type === type)!
  return message.slice(offset, offset + length)
}

const transactionId = hex("b7e7a701bc34d686fa87dfae")
const header = Stun.encodeHeader({ class: "request", method: 0x001, transactionId })

describe("samples of RFC 5769", () => {
  interface Sample {
    readonly name: string
    readonly bytes: string
    readonly paddingByte: number
    readonly password: string
    readonly username?: string
    readonly realm?: string
    readonly nonce?: string
    readonly mappedAddress?: string
  }
  const { vectors } = JSON.parse(read("stun-rfc5769.json")) as { readonly vectors: ReadonlyArray<Sample> }

  for (const sample of vectors) {
    const message = hex(sample.bytes)
    const { username, realm, password } = sample
    const key =
      realm === undefined
        ? utf8(password)
        : Crypto.createHash("md5").update(`${username}:${realm}:${password}`).digest()

    it(`${sample.name}: is read`, () => {
      const stun = decode(message)
      assert.strictEqual(stun.class, sample.mappedAddress === undefined ? "request" : "success")
      assert.strictEqual(stun.method, 0x001)
      assert.deepStrictEqual(stun.transactionId, message.slice(8, 20))
      assert.strictEqual(stun.hasFingerprint, realm === undefined)
      for (const name of ["username", "realm", "nonce"] as const) {
        const text = sample[name]
        if (text !== undefined) assert.deepStrictEqual(valueOf(message, attributeTypes[name]), utf8(text))
      }
    })

    it(`${sample.name}: its MESSAGE-INTEGRITY is right`, () => {
      const { attributeOffset, valueOffset, valueLength } = decode(message).integritySha1!
      const input = Stun.integrityInput(message, attributeOffset, valueLength)
      assert.deepStrictEqual(hmac("sha1", key, input), message.slice(valueOffset, valueOffset + valueLength))
    })

    it(`${sample.name}: is written again byte for byte`, () => {
      const stun = decode(message)
      const again = stun.attributes.reduce((soFar, { type, offset, length }) => {
        if (type === Stun.fingerprintType) return Stun.appendFingerprint(soFar)
        const proof = hmac("sha1", key, Stun.integrityInput(soFar, soFar.length, length))
        const value = type === Stun.integritySha1Type ? proof : message.subarray(offset, offset + length)
        return Stun.appendAttribute(soFar, type, value, sample.paddingByte)
      }, Stun.encodeHeader(stun))
      assert.deepStrictEqual(again, message)
    })

    if (sample.mappedAddress === undefined) continue
    it(`${sample.name}: maps ${sample.mappedAddress}`, () => {
      const packed = Result.getOrThrow(PackedAddress.parse(sample.mappedAddress!))
      const value = valueOf(message, attributeTypes.mappedAddress)
      assert.deepStrictEqual(StunAddress.decode(value, transactionId), packed)
      assert.deepStrictEqual(StunAddress.encode(packed, transactionId), value)
    })
  }
})

describe("sample of RFC 8489 appendix B.1", () => {
  const sample = JSON.parse(read("stun-rfc8489-b1.json")) as Readonly<Record<string, string>>
  const { username, realm, password } = sample
  const message = hex(sample["bytes"]!)

  it("its MESSAGE-INTEGRITY-SHA256 is right, and written again byte for byte", () => {
    const key = Crypto.createHash("sha256").update(`${username}:${realm}:${password}`).digest()
    const { attributeOffset, valueOffset, valueLength } = decode(message).integritySha256!
    const proof = hmac("sha256", key, Stun.integrityInput(message, attributeOffset))
    assert.deepStrictEqual(proof, message.slice(valueOffset, valueOffset + valueLength))
    const unsigned = new Uint8Array(message.subarray(0, attributeOffset))
    assert.deepStrictEqual(Stun.appendAttribute(unsigned, Stun.integritySha256Type, proof), message)
  })

  it("its attributes are found, whatever they are", () => {
    assert.deepStrictEqual(
      decode(message).attributes.map(({ type }) => type),
      [0x001e, attributeTypes.nonce, attributeTypes.realm, 0x001d, Stun.integritySha256Type]
    )
    assert.deepStrictEqual(valueOf(message, attributeTypes.nonce), utf8(sample["nonce"]!))
  })

  it("as published, with the length of the whole datagram in its header, it is refused", () => {
    assert.strictEqual(reasonOf(hex(sample["asPublished"]!)), "LengthMismatch")
  })
})

describe("with the stun package of npm", () => {
  interface PeerAttribute {
    readonly value: unknown
  }
  interface PeerMessage {
    readonly type: number
    readonly transactionId: Buffer
    readonly getAttribute: (type: number) => PeerAttribute | undefined
    readonly addAttribute: (type: number, ...value: ReadonlyArray<unknown>) => PeerAttribute
    readonly addMessageIntegrity: (key: string) => boolean
    readonly addFingerprint: () => boolean
  }
  const peer = createRequire(import.meta.url)("stun") as {
    readonly createMessage: (type: number, transactionId: Buffer) => PeerMessage
    readonly encode: (message: PeerMessage) => Buffer
    readonly decode: (bytes: Buffer) => PeerMessage
    readonly validateFingerprint: (message: PeerMessage) => boolean
    readonly validateMessageIntegrity: (message: PeerMessage, key: string) => boolean
  }
  const bindingRequest = 0x0001
  const bindingSuccess = 0x0101
  const password = "VOkJxbRl1RmTxUk/WvJxBt"
  const addresses = ["203.0.113.7:40000", "[2001:db8:1:2:3:4:5:6]:40001"]

  it("its request is read by us", () => {
    const request = peer.createMessage(bindingRequest, Buffer.from(transactionId))
    request.addAttribute(attributeTypes.software, "a peer")
    request.addMessageIntegrity(password)
    request.addFingerprint()
    const message = new Uint8Array(peer.encode(request))
    const stun = decode(message)
    assert.deepStrictEqual([stun.class, stun.method, stun.hasFingerprint], ["request", 0x001, true])
    assert.deepStrictEqual(stun.transactionId, transactionId)
    assert.deepStrictEqual(valueOf(message, attributeTypes.software), utf8("a peer"))
    const { attributeOffset, valueOffset, valueLength } = stun.integritySha1!
    assert.deepStrictEqual(
      hmac("sha1", utf8(password), Stun.integrityInput(message, attributeOffset, valueLength)),
      message.slice(valueOffset, valueOffset + valueLength)
    )
  })

  it("our request is read by it", () => {
    const unsigned = Stun.appendAttribute(header, attributeTypes.software, utf8("tandem"))
    const proof = hmac("sha1", utf8(password), Stun.integrityInput(unsigned, unsigned.length, 20))
    const message = Stun.appendFingerprint(Stun.appendAttribute(unsigned, Stun.integritySha1Type, proof))
    const request = peer.decode(Buffer.from(message))
    assert.strictEqual(request.type, bindingRequest)
    assert.deepStrictEqual(new Uint8Array(request.transactionId), transactionId)
    assert.strictEqual(String(request.getAttribute(attributeTypes.software)?.value), "tandem")
    assert.isTrue(peer.validateFingerprint(request))
    assert.isTrue(peer.validateMessageIntegrity(request, password))
  })

  for (const address of addresses) {
    const packed = Result.getOrThrow(PackedAddress.parse(address))
    const host = PackedAddress.formatHost(packed)
    const port = packed[0]!

    it(`its response that maps ${address} is read by us`, () => {
      const response = peer.createMessage(bindingSuccess, Buffer.from(transactionId))
      response.addAttribute(attributeTypes.mappedAddress, host, port)
      response.addFingerprint()
      const message = new Uint8Array(peer.encode(response))
      assert.strictEqual(decode(message).class, "success")
      assert.deepStrictEqual(StunAddress.decode(valueOf(message, attributeTypes.mappedAddress), transactionId), packed)
    })

    it(`our response that maps ${address} is read by it`, () => {
      const success = Stun.encodeHeader({ class: "success", method: 0x001, transactionId })
      const value = StunAddress.encode(packed, transactionId)
      const message = Stun.appendFingerprint(Stun.appendAttribute(success, attributeTypes.mappedAddress, value))
      const response = peer.decode(Buffer.from(message))
      assert.strictEqual(response.type, bindingSuccess)
      assert.isTrue(peer.validateFingerprint(response))
      const mapped = response.getAttribute(attributeTypes.mappedAddress)?.value as Readonly<Record<string, unknown>>
      assert.deepInclude(mapped, { address: host, port })
    })
  }
})
