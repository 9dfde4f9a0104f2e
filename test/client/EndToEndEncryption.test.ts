import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Result, Schema } from "effect"
import * as Fs from "node:fs"
import * as EndToEndEncryption from "../../src/client/EndToEndEncryption.ts"
import { bytesOf, flipped, integer, sized } from "./Samples.ts"

const Bytes = Schema.Uint8ArrayFromHex
const { vectors } = Schema.decodeSync(
  Schema.fromJsonString(
    Schema.Struct({
      vectors: Schema.Array(
        Schema.Struct({
          secret: Bytes,
          ssrc: Schema.String,
          keyId: Schema.String,
          counter: Schema.String,
          metadata: Bytes,
          plain: Bytes,
          sealed: Bytes
        })
      )
    })
  )
)(Fs.readFileSync(new URL("../vectors/end-to-end-encryption.json", import.meta.url), "utf8"))

const secret = bytesOf(EndToEndEncryption.secretBytes, 1)
const ssrc = 0x11223344
const metadata = Uint8Array.of(0x80, 0x60, 0, 1, 0, 0, 0, 2, 0x11, 0x22, 0x33, 0x44, 0xe0)

const senderOf = (keyId: bigint, of: number = ssrc) => EndToEndEncryption.makeSender({ secret, ssrc: of, keyId })
const receiver = () => EndToEndEncryption.makeReceiver({ secret, ssrc })

/** What became of a payload: the plain bytes, or why it was refused. */
const outcome = (self: EndToEndEncryption.Receiver, sealed: Uint8Array, metadataSeen: Uint8Array = metadata) =>
  Result.match(EndToEndEncryption.open(self, sealed, metadataSeen), {
    onSuccess: (payload) => payload,
    onFailure: ({ reason }) => reason
  })

const isForged = (result: ReturnType<typeof outcome>): boolean => result === "Malformed" || result === "NotAuthentic"

describe("EndToEndEncryption", () => {
  it("agrees with another language's libraries", () => {
    assert.isNotEmpty(vectors)
    for (const { counter, keyId, metadata, plain, sealed, secret, ssrc } of vectors) {
      const options = { secret, ssrc: Number(`0x${ssrc}`) }
      const sender = EndToEndEncryption.makeSender({ ...options, keyId: BigInt(`0x${keyId}`) })
      sender.counter = Number(`0x${counter}`)
      assert.deepStrictEqual(EndToEndEncryption.seal(sender, plain, metadata), sealed)
      assert.deepStrictEqual(outcome(EndToEndEncryption.makeReceiver(options), sealed, metadata), plain)
    }
  })

  it("makes the same secret of the same words, spelled in whatever way", () => {
    // Computed with Python's hashlib.scrypt.
    const expected = "59e2fb99201eb2401ce423b47011663c910d9dfe4d2160748310ecd25ea51960"
    const made = EndToEndEncryption.secretFromPassphrase("correct horse \u2160 battery", "weekly meeting")
    assert.strictEqual(Buffer.from(made).toString("hex"), expected)
    assert.deepStrictEqual(EndToEndEncryption.secretFromPassphrase("correct horse I battery", "weekly meeting"), made)
    assert.notDeepEqual(EndToEndEncryption.secretFromPassphrase("correct horse I battery", "daily meeting"), made)
  })

  it.prop(
    "what was sealed is opened, whatever was lost or withheld on the way",
    [Arbitrary.array(Arbitrary.all([integer(0, 1_300), integer(0, 3)]), { maxLength: 60 }), integer(0, 2 ** 40)],
    ([packets, firstCounter]) => {
      const sender = senderOf(0xfeedn)
      const self = receiver()
      sender.counter = firstCounter
      for (const [length, fate] of packets) {
        const payload = bytesOf(length, sender.counter)
        const sealed = EndToEndEncryption.seal(sender, payload, metadata)
        assert.isAtMost(sealed.length - payload.length, EndToEndEncryption.overheadBytesMax)
        if (fate === 0) sender.counter += 70_000
        else assert.deepStrictEqual(outcome(self, sealed), payload)
      }
    },
    sized(100)
  )

  it("refuses every turned bit of payload and metadata, and takes the payload itself afterwards", () => {
    const payload = bytesOf(20, 7)
    const sealed = EndToEndEncryption.seal(senderOf(0x0123_4567_89ab_cdefn), payload, metadata)
    const self = receiver()
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      assert.isTrue(isForged(outcome(self, flipped(sealed, bit))), `bit ${bit}`)
    }
    for (let bit = 0; bit < metadata.length * 8; bit++) {
      assert.strictEqual(outcome(self, sealed, flipped(metadata, bit)), "NotAuthentic", `metadata bit ${bit}`)
    }
    for (let length = 0; length < sealed.length; length++) {
      assert.isTrue(isForged(outcome(self, sealed.subarray(0, length))), `cut to ${length}`)
    }
    assert.deepStrictEqual(outcome(self, sealed), payload)
  })

  it("takes a payload once, in any order", () => {
    const sender = senderOf(1n)
    const self = receiver()
    const sealed = Array.from({ length: 100 }, (_, index) =>
      EndToEndEncryption.seal(sender, Uint8Array.of(index), metadata)
    )
    const shuffled = [...sealed.keys()].map((index) => (index * 37) % 100)
    for (const index of shuffled) assert.deepStrictEqual(outcome(self, sealed[index]!), Uint8Array.of(index))
    for (const index of shuffled) assert.strictEqual(outcome(self, sealed[index]!), "Replayed")
  })

  it("senders and starts of a sender have keys of their own", () => {
    const plain = new Uint8Array(32)
    const senders = [senderOf(1n), senderOf(2n), senderOf(1n, ssrc + 1)]
    const streams = senders.map((sender) => EndToEndEncryption.seal(sender, plain, metadata).slice(1))
    assert.strictEqual(new Set(streams.map(String)).size, 3)
    const foreign = EndToEndEncryption.seal(senderOf(1n, ssrc + 1), plain, metadata)
    assert.strictEqual(outcome(receiver(), foreign), "NotAuthentic")
    const otherSecret = EndToEndEncryption.makeSender({ secret: bytesOf(32, 2), ssrc, keyId: 1n })
    assert.strictEqual(outcome(receiver(), EndToEndEncryption.seal(otherSecret, plain, metadata)), "NotAuthentic")
  })

  it("follows a sender that starts again, and refuses what its earlier starts had sent", () => {
    const self = receiver()
    const starts = [11n, 12n, 13n].map((keyId) => {
      const sender = senderOf(keyId)
      return Array.from({ length: 3 }, () => EndToEndEncryption.seal(sender, Uint8Array.of(1), metadata))
    })
    const [first, second, third] = starts as [Array<Uint8Array>, Array<Uint8Array>, Array<Uint8Array>]
    const isTaken = (sealed: Uint8Array) => typeof outcome(self, sealed) !== "string"
    assert.isTrue(isTaken(first[0]!))
    assert.isTrue(isTaken(second[0]!))
    assert.isTrue(isTaken(first[1]!), "late, but never seen")
    assert.strictEqual(outcome(self, first[0]!), "Replayed")
    assert.isTrue(isTaken(second[1]!))
    assert.isTrue(isTaken(third[0]!))
    assert.strictEqual(outcome(self, first[2]!), "Replayed", "two starts ago")
    assert.isTrue(isTaken(second[2]!))
    assert.isTrue(isTaken(third[1]!))
    assert.strictEqual(outcome(self, third[0]!), "Replayed")
  })

  it("a start recorded in an earlier call does not displace the one that is speaking", () => {
    const self = receiver()
    const speaking = senderOf(1n)
    const say = (text: number) => outcome(self, EndToEndEncryption.seal(speaking, Uint8Array.of(text), metadata))
    for (let keyId = 2n; keyId < 6n; keyId++) {
      assert.deepStrictEqual(say(1), Uint8Array.of(1))
      outcome(self, EndToEndEncryption.seal(senderOf(keyId), Uint8Array.of(0), metadata))
    }
    assert.deepStrictEqual(say(2), Uint8Array.of(2))
    assert.strictEqual(self.starts.length, 2)
  })

  it("forged starts of a sender do not displace the real one", () => {
    const self = receiver()
    const sender = senderOf(1n)
    const sealed = Array.from({ length: 2 }, () => EndToEndEncryption.seal(sender, Uint8Array.of(1), metadata))
    assert.deepStrictEqual(outcome(self, sealed[0]!), Uint8Array.of(1))
    for (let keyId = 2n; keyId < 40n; keyId++) {
      const forger = EndToEndEncryption.makeSender({ secret: bytesOf(32, 9), ssrc, keyId })
      assert.strictEqual(outcome(self, EndToEndEncryption.seal(forger, Uint8Array.of(1), metadata)), "NotAuthentic")
    }
    assert.strictEqual(outcome(self, sealed[0]!), "Replayed")
    assert.deepStrictEqual(outcome(self, sealed[1]!), Uint8Array.of(1))
  })

  it.prop(
    "arbitrary bytes never throw and are never taken",
    [Schema.Uint8Array],
    ([bytes]) => {
      assert.isString(outcome(receiver(), bytes))
    },
    sized(100)
  )

  it("a counter beyond what a sender reaches is malformed", () => {
    const huge = Uint8Array.of(0x0f, ...new Uint8Array(8).fill(0xff), ...new Uint8Array(16))
    assert.strictEqual(outcome(receiver(), huge), "Malformed")
  })
})
