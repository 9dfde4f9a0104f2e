import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as MoveLimit from "../../../src/client/session/MoveLimit.ts"

describe("MoveLimit", () => {
  it("bears 300 ms of silence, and a second within five seconds of a move", () => {
    const limit = MoveLimit.make()
    assert.strictEqual(MoveLimit.silenceMs(limit, 0), 300)
    MoveLimit.handleMove(limit, 1000)
    assert.strictEqual(MoveLimit.silenceMs(limit, 5999), 1000)
    assert.strictEqual(MoveLimit.silenceMs(limit, 6000), 300)
  })

  it("bears twice as much after each false move, for a minute", () => {
    const limit = MoveLimit.make()
    const silences: Array<number> = []
    for (let nowMs = 0; nowMs < 50_000; nowMs += 10_000) {
      MoveLimit.handleFalseMove(limit, nowMs)
      silences.push(MoveLimit.silenceMs(limit, nowMs + 6000))
    }
    assert.deepStrictEqual(silences, [600, 1200, 2400, 3300, 3300])
    assert.strictEqual(MoveLimit.silenceMs(limit, 95_000), 600)
    assert.strictEqual(MoveLimit.silenceMs(limit, 100_000), 300)
    assert.strictEqual(limit.movesFalse, 5)
  })

  const Moves = Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 120_000 })))
  it.prop("never bears less than suspicion takes, nor more than its most", [Moves], ([movesAtMs]) => {
    const limit = MoveLimit.make()
    for (const nowMs of [...movesAtMs].sort((a, b) => a - b)) {
      MoveLimit.handleMove(limit, nowMs)
      MoveLimit.handleFalseMove(limit, nowMs)
      const silenceMs = MoveLimit.silenceMs(limit, nowMs)
      assert.isTrue(silenceMs >= MoveLimit.silenceMsHeldDown && silenceMs <= MoveLimit.silenceMsMax)
    }
    assert.strictEqual(limit.moves, movesAtMs.length)
  })
})
