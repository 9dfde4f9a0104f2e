import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import * as CallToken from "../../src/access/CallToken.ts"
import * as KeyRing from "../../src/access/KeyRing.ts"
import { claims as anyClaims, ring, ringOf, vectors } from "./Vectors.ts"

const { claims, credential } = vectors.token

const messageOf = (text: string): string =>
  Result.match(CallToken.parseCredential(text), { onFailure: ({ message }) => message, onSuccess: () => "valid" })

describe("CallToken", () => {
  it("mints what the vectors say", () => {
    const token = CallToken.mint(ring, claims)
    assert.deepStrictEqual(token.claimsBytes, vectors.token.claimsBytes)
    assert.deepStrictEqual(token.key, vectors.token.participantKey)
    assert.strictEqual(CallToken.formatCredential(token), credential)
  })

  it.prop("a credential is read as it was minted", [anyClaims], ([claims]) => {
    const token = CallToken.mint(ring, claims)
    const parsed = Result.getOrThrow(CallToken.parseCredential(` ${CallToken.formatCredential(token)}\n`))
    assert.deepStrictEqual(parsed, token)
    assert.strictEqual(parsed.claims.keyId, "2031-05", "the newest key's, whatever was asked for")
  })

  it("a token minted before a rotation is good until its key is taken out", () => {
    const token = CallToken.mint(ringOf("may", "april"), claims)
    const keyIn = (ring: KeyRing.KeyRing) => KeyRing.participantKey(ring, token.claimsBytes, token.claims.keyId)
    assert.deepStrictEqual(keyIn(ringOf("june", "may")), Result.succeed(token.key))
    assert.isTrue(Result.isFailure(keyIn(ringOf("july", "june"))))
  })

  it("says in one line what is wrong with a credential", () => {
    const [prefix, claimsText, keyText] = credential.split(".")
    const whole = (what: string) => `this is not a whole token: ${what}. Copy it again`
    assert.strictEqual(messageOf("hello"), whole('a token starts with "tdm1."'))
    assert.strictEqual(messageOf(`${prefix}.${claimsText}`), whole('a token has two parts behind "tdm1."'))
    assert.strictEqual(messageOf(`${credential}.${keyText}`), whole('a token has two parts behind "tdm1."'))
    assert.strictEqual(messageOf(credential.slice(0, -2)), whole("its last part is not a key"))
    assert.strictEqual(messageOf(credential.replace(".AQQ", ".!QQ")), whole("its first part is not what a token says"))
    assert.strictEqual(messageOf(credential.replace(".AQQ", ".AgQ")), whole("its first part is not what a token says"))
  })

  it.prop("reading any text never throws", [Schema.String], ([text]) => {
    CallToken.parseCredential(text)
    CallToken.parseCredential(`tdm1.${text}`)
    CallToken.parseCredential(`tdm1.${text}.${text}`)
  })

  it("expires a minute after its time, for clocks differ", () => {
    const isGoodAt = (nowSeconds: number) => Result.isSuccess(CallToken.checkClaims(claims, nowSeconds))
    assert.isTrue(isGoodAt(claims.expiresAtSeconds + 60))
    assert.isFalse(isGoodAt(claims.expiresAtSeconds + 61))
  })
})
