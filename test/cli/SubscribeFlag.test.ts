import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as SubscribeFlag from "../../src/cli/SubscribeFlag.ts"

const messageOf = (text: string) =>
  Result.match(SubscribeFlag.parse(text), { onFailure: ({ message }) => message, onSuccess: () => "fine" })

describe("--subscribe", () => {
  it("reads a name, a place, a height", () => {
    for (const [text, participant, place, heightPx] of [
      ["ada", "ada", "grid", 0],
      ["ada:stage", "ada", "on-stage", 0],
      ["ada:off", "ada", "off-screen", 0],
      ["ada:360", "ada", "grid", 360],
      ["ada:stage:1080", "ada", "on-stage", 1080],
      ["stage:stage", "stage", "on-stage", 0],
      ["user:17:grid:0", "user:17", "grid", 0],
      ["zoë and lin:off:65535", "zoë and lin", "off-screen", 65535]
    ] as const) {
      const read: object = Result.getOrThrow(SubscribeFlag.parse(text))
      assert.deepStrictEqual(read, { participant, place, heightPx }, text)
    }
  })

  it("says what is wrong with another", () => {
    assert.match(messageOf(""), /names nobody: write NAME/)
    assert.match(messageOf(":stage"), /names nobody/)
    assert.match(messageOf("x".repeat(65)), /names nobody/)
    assert.match(messageOf("ada:stgae"), /has a colon in its name/)
    assert.match(messageOf("ada:stgae:720"), /has a colon in its name/)
    assert.match(messageOf("ada:stage:65536"), /more than 65535 pixels/)
    assert.isTrue(Result.isFailure(SubscribeFlag.parseAll(["ada", ":"])))
  })
})
