import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import * as KeyRing from "../../src/access/KeyRing.ts"
import { ring, ringOf, vectors } from "./Vectors.ts"

const secret = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"

const messageOf = (text: string): string =>
  Result.match(KeyRing.parse(text), { onFailure: ({ message }) => message, onSuccess: () => "valid" })

describe("KeyRing", () => {
  it("derives what the vectors say", () => {
    const { claimsBytes, participantKey } = vectors.token
    assert.deepStrictEqual(Result.getOrThrow(KeyRing.participantKey(ring, claimsBytes, "2031-05")), participantKey)
    assert.deepStrictEqual(KeyRing.newest(ring).cookieSecret, vectors.cookie.secret)
    assert.deepStrictEqual(KeyRing.newest(ring).ticketKey, vectors.ticket.key)
  })

  it("reads a key file, the newest key first", () => {
    const text = JSON.stringify({
      keys: [
        { id: "may", secret, createdAt: "2031-05-01" },
        { id: "april", secret }
      ]
    })
    const parsed = Result.getOrThrow(KeyRing.parse(text))
    assert.strictEqual(KeyRing.newest(parsed).id, "may")
    assert.strictEqual(Result.getOrThrow(KeyRing.find(parsed, "april")).id, "april")
    assert.deepStrictEqual(KeyRing.newest(parsed).secret, KeyRing.newest(ring).secret)
  })

  it.prop("what is written to a key file is read again", [Schema.Uint8Array], ([bytes]) => {
    const secret = new Uint8Array(KeyRing.secretBytes)
    secret.set(bytes.subarray(0, KeyRing.secretBytes))
    const text = Schema.encodeSync(Schema.fromJsonString(KeyRing.KeyFile))({ keys: [{ id: "may", secret }] })
    assert.deepStrictEqual(KeyRing.newest(Result.getOrThrow(KeyRing.parse(text))).secret, secret)
  })

  it("says in one line where a key file is wrong, and gives no secret away", () => {
    const shape = '{"keys":[{"id":"…","secret":"32 bytes in base64url"}]}, every id once'
    const key = { id: "may", secret }
    assert.strictEqual(messageOf("keys:"), "the key file is not JSON: make a new one")
    assert.strictEqual(messageOf("[]"), `the key file is wrong: it needs to be ${shape}`)
    assert.strictEqual(messageOf('{"keys":[]}'), `the key file is wrong at keys.0: it needs to be ${shape}`)
    assert.strictEqual(
      messageOf(JSON.stringify({ keys: [key, { id: "june", secret: secret.slice(1) }] })),
      `the key file is wrong at keys.1.secret: it needs to be ${shape}`
    )
    assert.strictEqual(
      messageOf(JSON.stringify({ keys: [key, key] })),
      `the key file is wrong at keys: it needs to be ${shape}`
    )
  })

  it("a key taken out of the ring is unknown", () => {
    const before = ringOf("may", "april")
    const after = ringOf("june", "may")
    const { claimsBytes } = vectors.token
    assert.deepStrictEqual(
      KeyRing.participantKey(after, claimsBytes, "may"),
      KeyRing.participantKey(before, claimsBytes, "may")
    )
    const unknown = KeyRing.participantKey(after, claimsBytes, "april")
    assert.isTrue(Result.isFailure(unknown) && unknown.failure._tag === "UnknownKey")
  })

  it.prop("claims that differ have keys that differ", [Schema.Uint8Array, Schema.Uint8Array], ([left, right]) => {
    const keyOf = (claims: Uint8Array) =>
      Buffer.from(Result.getOrThrow(KeyRing.participantKey(ring, claims, "2031-05"))).toString("hex")
    assert.strictEqual(keyOf(left) === keyOf(right), Buffer.from(left).equals(right))
  })
})
