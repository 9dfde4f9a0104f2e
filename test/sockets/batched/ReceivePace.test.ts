import { assert, describe, it } from "@effect/vitest"
import * as ReceivePace from "../../../src/sockets/batched/ReceivePace.ts"

/** What a reader finds after turns in each of which so many datagrams came. */
const after = (...turns: ReadonlyArray<number>) => {
  const pace = ReceivePace.make()
  for (const [index, datagrams] of turns.entries()) {
    ReceivePace.beginTurn(pace, index * ReceivePace.turnMs)
    pace.datagrams += datagrams
  }
  ReceivePace.beginTurn(pace, turns.length * ReceivePace.turnMs)
  return pace
}

describe("ReceivePace", () => {
  it("it takes two dense turns in a row", () => {
    assert.isFalse(ReceivePace.isDense(after(80)))
    assert.isTrue(ReceivePace.isDense(after(80, 80)))
    assert.isFalse(ReceivePace.isDense(after(80, 79, 80)))
    assert.isFalse(ReceivePace.isDense(after(80, 80, 79)))
  })

  it("a turn begins when the last is over, and not before", () => {
    const pace = after(80, 80)
    pace.datagrams = 7
    ReceivePace.beginTurn(pace, 3 * ReceivePace.turnMs - 0.1)
    assert.strictEqual(pace.datagrams, 7)
    assert.isFalse(ReceivePace.isTurnOver(pace, 3 * ReceivePace.turnMs - 0.1))
    assert.isTrue(ReceivePace.isTurnOver(pace, 3 * ReceivePace.turnMs))
  })

  it("silence ends it at once", () => {
    const pace = after(1000, 1000, 1000)
    ReceivePace.handleSilence(pace)
    assert.isFalse(ReceivePace.isDense(pace))
    ReceivePace.beginTurn(pace, 100)
    assert.isFalse(ReceivePace.isDense(pace))
  })
})
