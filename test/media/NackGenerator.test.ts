import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as NackGenerator from "../../src/media/NackGenerator.ts"

const { Arrival } = NackGenerator
const Start = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0xffff }))
const Steps = Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 300 })))

/** A generator that has received everything up to the number before `start`. */
const startedAt = (start: number): NackGenerator.NackGenerator => {
  const self = NackGenerator.make()
  self.highest = (start - 1) & 0xffff
  return self
}

const ask = (self: NackGenerator.NackGenerator, nowMs: number, retryMs = 50): Array<number> => {
  const out = new Uint16Array(256)
  return Array.from(out.subarray(0, NackGenerator.poll(self, nowMs, retryMs, out)))
}

describe("NackGenerator", () => {
  it("asks at once, again after the retry time, and gives up after ten", () => {
    const self = NackGenerator.make()
    NackGenerator.handlePacket(self, 0, false, 0)
    NackGenerator.handlePacket(self, 2, false, 0)
    assert.deepStrictEqual(ask(self, 0), [1])
    assert.deepStrictEqual(ask(self, 49), [])
    assert.strictEqual(self.deadlineMs, 50)
    for (let n = 1; n < NackGenerator.asksMax; n++) assert.deepStrictEqual(ask(self, 50 * n), [1])
    assert.deepStrictEqual(ask(self, 50 * NackGenerator.asksMax), [])
    assert.strictEqual(self.missing, 0)
    assert.strictEqual(self.deadlineMs, Infinity)
  })

  it("gives up when the longest playout budget has passed", () => {
    const self = NackGenerator.make()
    NackGenerator.handlePacket(self, 1, false, 0)
    assert.deepStrictEqual(ask(self, 0, 400), [0])
    assert.deepStrictEqual(ask(self, NackGenerator.giveUpAfterMs, 400), [])
    assert.strictEqual(self.missing, 0)
  })

  it("notices the loss of the very first packets, and of the last", () => {
    const self = NackGenerator.make()
    NackGenerator.handlePacket(self, 2, false, 0)
    assert.deepStrictEqual(ask(self, 0), [0, 1])
    NackGenerator.handleGiven(self, 4, 10)
    assert.deepStrictEqual(ask(self, 10), [3, 4])
    NackGenerator.handleGiven(self, 4, 11)
    assert.strictEqual(self.missing, 4)
  })

  it("a late original, a duplicate or a resend clears the gap, once", () => {
    for (const isResend of [false, true]) {
      const self = NackGenerator.make()
      NackGenerator.handlePacket(self, 1, false, 0)
      assert.strictEqual(NackGenerator.handlePacket(self, 0, isResend, 5), Arrival.Fresh)
      assert.deepStrictEqual(ask(self, 30), [])
      assert.strictEqual(NackGenerator.handlePacket(self, 0, true, 6), Arrival.Duplicate)
    }
  })

  it("waits as long as originals have been late, at most 20 ms", () => {
    const self = NackGenerator.make()
    NackGenerator.handlePacket(self, 1, false, 0)
    NackGenerator.handlePacket(self, 0, false, 8)
    NackGenerator.handlePacket(self, 3, false, 100)
    assert.deepStrictEqual(ask(self, 107), [])
    assert.deepStrictEqual(ask(self, 108), [2])
    NackGenerator.handlePacket(self, 2, false, 500)
    NackGenerator.handlePacket(self, 5, false, 600)
    assert.deepStrictEqual(ask(self, 620), [4])
  })

  it("a hole too large to repair starts anew with its second packet, for the first may be an old one", () => {
    const self = NackGenerator.make()
    const first = NackGenerator.gapMax
    assert.strictEqual(NackGenerator.handlePacket(self, first, false, 0), Arrival.TooOld)
    assert.strictEqual(NackGenerator.handlePacket(self, first + 2, false, 0), Arrival.Jumped)
    assert.deepStrictEqual(ask(self, 0), [])
    assert.strictEqual(NackGenerator.handlePacket(self, first + 4, false, 0), Arrival.Fresh)
    assert.deepStrictEqual(ask(self, 0), [first + 3])
    assert.strictEqual(NackGenerator.handlePacket(self, 0, false, 0), Arrival.TooOld)
  })

  it("packets from far outside that do not follow upon each other change nothing", () => {
    const self = NackGenerator.make()
    NackGenerator.handlePacket(self, 0, false, 0)
    for (const stray of [5000, 4999, 5100, 40_000, 40_000, 60_000]) {
      assert.strictEqual(NackGenerator.handlePacket(self, stray, false, 0), Arrival.TooOld)
    }
    NackGenerator.handleGiven(self, 5000, 0)
    assert.strictEqual(NackGenerator.handlePacket(self, 1, false, 0), Arrival.Fresh)
    assert.strictEqual(NackGenerator.handlePacket(self, 60_001, false, 0), Arrival.TooOld, "one between ends the row")
    assert.strictEqual(NackGenerator.handlePacket(self, 2, false, 0), Arrival.Fresh)
    assert.strictEqual(self.missing, 0)
  })

  it.prop(
    "agrees with a plain set, wherever the wrap falls",
    [Start, Steps],
    ([start, steps]) => {
      const self = startedAt(start)
      const received = new Set<number>()
      let newest = -1
      // Each step is a position among the next 40 numbers, or among the last 260: losses, reordering, duplicates.
      for (const step of steps) {
        const position = step < 40 ? newest + 1 + step : Math.max(0, newest - (step - 40))
        const arrival = NackGenerator.handlePacket(self, (start + position) & 0xffff, false, 0)
        if (position > newest) assert.strictEqual(arrival, Arrival.Fresh)
        else if (received.has(position)) assert.include([Arrival.Duplicate, Arrival.TooOld], arrival)
        else assert.strictEqual(arrival, Arrival.Fresh, "a missing packet is never refused")
        received.add(position)
        newest = Math.max(newest, position)
      }
      const missing = Array.from({ length: newest + 1 }, (_, position) => position).filter((n) => !received.has(n))
      const asked = new Set<number>()
      for (let n = 0; asked.size < missing.length && n < 8; n++)
        for (const number of ask(self, 20, 1000)) asked.add(number)
      assert.deepStrictEqual(
        [...asked].sort((a, b) => ((a - start) & 0xffff) - ((b - start) & 0xffff)),
        missing.slice(-2048).map((position) => (start + position) & 0xffff)
      )
    },
    { arbitrary: { size: 200 } }
  )
})
