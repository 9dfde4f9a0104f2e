import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as NackGenerator from "../../src/media/NackGenerator.ts"
import * as Feedback from "../../src/protocol/Feedback.ts"
import * as SequenceNumber from "../../src/protocol/SequenceNumber.ts"
import * as LegKinds from "./LegKinds.ts"

const { Arrival } = NackGenerator
const Steps = Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 300 })))

const ask = (self: NackGenerator.NackGenerator, nowMs: number, retryMs = 50): Array<number> => {
  const out = new Int32Array(256)
  return Array.from(out.subarray(0, NackGenerator.poll(self, nowMs, retryMs, out)))
}

describe.each(LegKinds.all)("NackGenerator of a $name's leg", ({ Near, at, kind, wrap }) => {
  const { gapMax } = kind
  const make = () => NackGenerator.make(kind)

  it("asks at once, again after the retry time, and gives up after ten", () => {
    const self = make()
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
    const self = make()
    NackGenerator.handlePacket(self, 1, false, 0)
    assert.deepStrictEqual(ask(self, 0, 400), [0])
    assert.deepStrictEqual(ask(self, NackGenerator.giveUpAfterMs, 400), [])
    assert.strictEqual(self.missing, 0)
  })

  it("notices the loss of the very first packets, and of the last", () => {
    const self = make()
    NackGenerator.handlePacket(self, 2, false, 0)
    assert.deepStrictEqual(ask(self, 0), [0, 1])
    NackGenerator.handleGiven(self, 4, 10)
    assert.deepStrictEqual(ask(self, 10), [3, 4])
    NackGenerator.handleGiven(self, 4, 11)
    assert.strictEqual(self.missing, 4)
  })

  it("a late original, a duplicate or a resend clears the gap, once", () => {
    for (const isResend of [false, true]) {
      const self = make()
      NackGenerator.handlePacket(self, 1, false, 0)
      assert.strictEqual(NackGenerator.handlePacket(self, 0, isResend, 5), Arrival.Fresh)
      assert.deepStrictEqual(ask(self, 30), [])
      assert.strictEqual(NackGenerator.handlePacket(self, 0, true, 6), Arrival.Duplicate)
    }
  })

  it("waits as long as originals have been late, at most 20 ms", () => {
    const self = make()
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
    const self = make()
    const first = gapMax
    assert.strictEqual(NackGenerator.handlePacket(self, first, false, 0), Arrival.TooOld)
    assert.strictEqual(NackGenerator.handlePacket(self, first + 2, false, 0), Arrival.Jumped)
    assert.deepStrictEqual(ask(self, 0), [])
    assert.strictEqual(NackGenerator.handlePacket(self, first + 4, false, 0), Arrival.Fresh)
    assert.deepStrictEqual(ask(self, 0), [first + 3])
    assert.strictEqual(NackGenerator.handlePacket(self, 0, false, 0), Arrival.TooOld)
  })

  it("packets from far outside that do not follow upon each other change nothing", () => {
    const self = make()
    NackGenerator.handlePacket(self, 0, false, 0)
    for (const stray of [5 * gapMax, 5 * gapMax - 1, 5 * gapMax + 100, 40 * gapMax, 40 * gapMax, 60 * gapMax]) {
      assert.strictEqual(NackGenerator.handlePacket(self, wrap(stray), false, 0), Arrival.TooOld)
    }
    NackGenerator.handleGiven(self, 5 * gapMax, 0)
    assert.strictEqual(NackGenerator.handlePacket(self, 1, false, 0), Arrival.Fresh)
    assert.strictEqual(
      NackGenerator.handlePacket(self, wrap(60 * gapMax + 1), false, 0),
      Arrival.TooOld,
      "one between ends the row"
    )
    assert.strictEqual(NackGenerator.handlePacket(self, 2, false, 0), Arrival.Fresh)
    assert.strictEqual(self.missing, 0)
  })

  it.prop(
    "agrees with a plain set, wherever the wrap falls",
    [Near, Steps],
    ([near, steps]) => {
      const start = at(near)
      const self = make()
      self.highest = wrap(start - 1)
      const received = new Set<number>()
      let newest = -1
      // Each step is a position among the next 40 numbers, or among the last 260: losses, reordering, duplicates.
      for (const step of steps) {
        const position = step < 40 ? newest + 1 + step : Math.max(0, newest - (step - 40))
        const arrival = NackGenerator.handlePacket(self, wrap(start + position), false, 0)
        if (position > newest) assert.strictEqual(arrival, Arrival.Fresh)
        else if (received.has(position)) assert.include([Arrival.Duplicate, Arrival.TooOld], arrival)
        else assert.strictEqual(arrival, Arrival.Fresh, "a missing packet is never refused")
        received.add(position)
        newest = Math.max(newest, position)
      }
      const missing = Array.from({ length: newest + 1 }, (_, position) => position).filter((n) => !received.has(n))
      const asked = new Set<number>()
      for (let n = 0; asked.size < missing.length && n < 40; n++)
        for (const number of ask(self, 20, 1000)) asked.add(number)
      assert.deepStrictEqual(
        [...asked].sort((a, b) => SequenceNumber.distance(b, a, kind.shift)),
        missing.slice(-kind.windowMax).map((position) => wrap(start + position))
      )
    },
    { arbitrary: { size: 200 } }
  )

  it("asks for all of the largest hole, as much in one report as it has room for", () => {
    const self = make()
    NackGenerator.handlePacket(self, gapMax - 1, false, 0)
    const asked: Array<number> = []
    while (self.deadlineMs <= 0) asked.push(...ask(self, 0))
    assert.deepStrictEqual(
      asked,
      Array.from({ length: gapMax - 1 }, (_, n) => n)
    )
  })
})

describe("NackGenerator of a trunk", () => {
  const [, { kind, wrap }] = LegKinds.all

  it("what lies further apart than a report can say is asked for in another", () => {
    const self = NackGenerator.make(kind)
    const apart = Feedback.requestsSpanMax
    self.highest = wrap(0x7fff_ff00)
    const first = wrap(self.highest + 1)
    for (let number = 1; number <= apart + 2; number++) {
      if (number === 1 || number === apart + 1 || number === apart + 2) continue
      NackGenerator.handlePacket(self, wrap(first - 1 + number), false, 0)
    }
    NackGenerator.handlePacket(self, wrap(first + apart + 2), false, 0)
    assert.deepStrictEqual(ask(self, 0), [first, wrap(first + apart)])
    assert.isAtMost(self.deadlineMs, 0)
    assert.deepStrictEqual(ask(self, 0), [wrap(first + apart + 1)])
    assert.strictEqual(self.deadlineMs, 50)
  })

  it("knows what is missing of a second of 100,000 packets", () => {
    const self = NackGenerator.make(kind)
    for (let n = 1; n < 100_000; n++) NackGenerator.handlePacket(self, n, false, n / 100)
    assert.deepStrictEqual(ask(self, 999), [0])
    assert.strictEqual(NackGenerator.handlePacket(self, 0, true, 999), Arrival.Fresh)
    assert.strictEqual(self.states.length, kind.windowMax)
  })
})
