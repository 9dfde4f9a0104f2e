import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { CallClass } from "../../src/protocol/CallClass.ts"
import { CallId, ParticipantId } from "../../src/protocol/Ids.ts"
import * as TokenClaims from "../../src/protocol/TokenClaims.ts"
import { bytes, claims } from "./ArbitraryMessages.ts"

const example: TokenClaims.TokenClaims = {
  keyId: "k1",
  callClass: "group-video",
  call: CallId.make("call"),
  participant: ParticipantId.make("bé"),
  expiresAtSeconds: 0x0102030405
}
const exampleHex = "0104026b310463616c6c0362c3a90000000102030405"

const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex")
const reasonOf = (hex: string): string | undefined =>
  Result.match(TokenClaims.decode(Buffer.from(hex, "hex")), {
    onFailure: ({ layer, reason }) => `${layer} ${reason}`,
    onSuccess: () => undefined
  })

describe("token claims", () => {
  it.prop(
    "what is written is read, and written again byte for byte",
    [claims],
    ([claims]) => {
      const written = TokenClaims.encode(claims)
      const read = Result.getOrThrow(TokenClaims.decode(written))
      assert.deepStrictEqual(read, claims)
      assert.deepStrictEqual(TokenClaims.encode(read), written)
      assert.isAtMost(written.length, TokenClaims.claimsBytesMax)
    },
    { arbitrary: { size: 40 } }
  )

  it("the bytes are those of docs/protocol.md", () => {
    assert.strictEqual(hexOf(TokenClaims.encode(example)), exampleHex)
    assert.deepStrictEqual(Result.getOrThrow(TokenClaims.decode(Buffer.from(exampleHex, "hex"))), example)
  })

  it("the longest ids fit", () => {
    const id = "é".repeat(32)
    const longest = { ...example, keyId: "k".repeat(64), call: CallId.make(id), participant: ParticipantId.make(id) }
    const written = TokenClaims.encode(longest)
    assert.strictEqual(written.length, TokenClaims.claimsBytesMax)
    assert.deepStrictEqual(Result.getOrThrow(TokenClaims.decode(written)), longest)
  })

  it("every class has its byte", () => {
    const codes = CallClass.literals.map((callClass) => TokenClaims.encode({ ...example, callClass })[1])
    assert.deepStrictEqual(codes, [1, 2, 3, 4])
  })

  it.prop("arbitrary bytes never throw", [bytes(0, 48)], ([tail]) => {
    TokenClaims.decode(tail)
    TokenClaims.decode(Uint8Array.of(1, 1, ...tail))
  })

  it.prop("different bytes are never the same claims", [claims, bytes(1, 8)], ([claims, noise]) => {
    const written = TokenClaims.encode(claims)
    for (let at = 0; at < written.length; at++) {
      const changed = Uint8Array.from(written)
      changed[at]! ^= noise[at % noise.length]! || 1
      const read = TokenClaims.decode(changed)
      if (Result.isSuccess(read)) assert.deepStrictEqual(TokenClaims.encode(read.success), changed)
    }
  })

  it("no part of claims is claims, nor claims with more behind them", () => {
    for (let end = 1; end < exampleHex.length / 2; end++) {
      assert.strictEqual(reasonOf(exampleHex.slice(0, 2 * end)), "Token MalformedAttribute", `${end} bytes`)
    }
    assert.strictEqual(reasonOf(`${exampleHex}00`), "Token MalformedAttribute")
  })

  const broken: ReadonlyArray<readonly [what: string, hex: string, reason: string]> = [
    ["no bytes at all", "", "Token WrongVersion"],
    ["another version", exampleHex.replace(/^01/, "02"), "Token WrongVersion"],
    ["class 0", exampleHex.replace(/^0104/, "0100"), "Token MalformedAttribute"],
    ["a class that does not exist", exampleHex.replace(/^0104/, "0105"), "Token MalformedAttribute"],
    ["an empty id", "0104026b3100016200000000000000ff", "Token MalformedAttribute"],
    ["an id of 65 bytes", `0104026b3141${"61".repeat(65)}016200000000000000ff`, "Token MalformedAttribute"],
    ["an id that is not UTF-8", "0104026b3101ff016200000000000000ff", "Token MalformedAttribute"],
    ["half a surrogate pair", "0104026b3103eda080016200000000000000ff", "Token MalformedAttribute"],
    ["a key id with a space", "0104022031016101620000000000000000", "Token MalformedAttribute"],
    ["an expiry beyond 2^53", exampleHex.replace(/00000001(.{8})$/, "00200000$1"), "Token MalformedAttribute"]
  ]
  for (const [what, hex, reason] of broken) it(`${what} is refused`, () => assert.strictEqual(reasonOf(hex), reason))
})
