import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as Fs from "node:fs"
import * as ControlMessage from "../../src/protocol/ControlMessage.ts"
import * as TokenClaims from "../../src/protocol/TokenClaims.ts"
import { messageTags } from "./ArbitraryMessages.ts"
import { bytesOf, type ControlVectors, credentialOf, datagramOf, hexOf } from "./ControlVectors.ts"
import { messageOf, participantKeyOf, trunkKeyOf } from "./ControlVectors.ts"

describe("vectors for other implementations", () => {
  const file = new URL("../vectors/control-messages.json", import.meta.url)
  const { token, messages } = JSON.parse(Fs.readFileSync(file, "utf8")) as ControlVectors
  const participantKey = bytesOf(token.participantKey)
  const keys = { participantKey, trunkKey: bytesOf(token.trunkKey) }

  it("the token, its key and its text", () => {
    assert.strictEqual(hexOf(TokenClaims.encode(token.claims)), token.bytes)
    assert.strictEqual(hexOf(participantKeyOf(bytesOf(token.fleetSecret), bytesOf(token.bytes))), token.participantKey)
    assert.strictEqual(hexOf(trunkKeyOf(bytesOf(token.fleetSecret))), token.trunkKey)
    assert.strictEqual(credentialOf(bytesOf(token.bytes), participantKey), token.credential)
  })

  for (const vector of messages) {
    it(`${vector.name}: is written and read as the file says`, () => {
      assert.strictEqual(hexOf(datagramOf(vector, keys)), vector.bytes)
      const { message, integrity } = Result.getOrThrow(ControlMessage.decode(bytesOf(vector.bytes)))
      assert.deepStrictEqual(message, messageOf(vector.message))
      assert.strictEqual(integrity !== undefined, vector.ending === "integrity" || vector.ending === "trunk")
    })
  }

  it("every kind of message is among them", () => {
    assert.sameMembers([...new Set(messages.map(({ message }) => message._tag))], [...messageTags])
  })
})
