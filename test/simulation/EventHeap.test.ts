import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as EventHeap from "../../src/simulation/EventHeap.ts"

const Times = Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 20 })))

describe("EventHeap", () => {
  it.prop("handles events by time, and those of the same time in the order they were scheduled", [Times], ([times]) => {
    const heap = EventHeap.make()
    const handled: Array<readonly [number, number]> = []
    const handler = EventHeap.register(heap, (place, nowMs) => void handled.push([nowMs, place]))
    times.forEach((timeMs, place) => EventHeap.schedule(heap, timeMs, handler, place))
    EventHeap.runUntil(heap, 20)
    const expected = times.map((timeMs, place) => [timeMs, place] as const)
    expected.sort((a, b) => a[0] - b[0] || a[1] - b[1])
    assert.deepStrictEqual(handled, expected)
    assert.strictEqual(heap.size, 0)
  })

  it("keeps the order of thousands that are scheduled while others are handled", () => {
    const heap = EventHeap.make()
    let handled = 0
    let lastMs = 0
    const handler = EventHeap.register(heap, (place, nowMs) => {
      assert.isAtLeast(nowMs, lastMs)
      lastMs = nowMs
      if (++handled < 5000) EventHeap.schedule(heap, nowMs + ((place * 7919) % 97), handler, place + 1)
    })
    for (let place = 0; place < 500; place++) EventHeap.schedule(heap, (place * 31) % 101, handler, place)
    EventHeap.runUntil(heap, 1e6)
    assert.strictEqual(handled, 5499)
    assert.strictEqual(heap.nowMs, 1e6)
  })

  it("does late, in its order, what was due while everything stood still", () => {
    const heap = EventHeap.make()
    heap.standstills = [
      { fromMs: 10, untilMs: 30 },
      { fromMs: 40, untilMs: 41 }
    ]
    const handled: Array<readonly [number, number]> = []
    const handler = EventHeap.register(heap, (place, nowMs) => {
      handled.push([nowMs, place])
      if (place === 9) EventHeap.schedule(heap, nowMs + 2, handler, 12)
    })
    for (const atMs of [9, 10, 29, 30, 31, 41]) EventHeap.schedule(heap, atMs, handler, atMs)
    EventHeap.runUntil(heap, 100)
    assert.deepStrictEqual(handled, [
      [9, 9],
      [30, 10],
      [30, 12],
      [30, 29],
      [30, 30],
      [31, 31],
      [41, 41]
    ])
  })

  it("stops at a time, puts nothing into the past, and never handles what is never due", () => {
    const heap = EventHeap.make()
    const handled: Array<number> = []
    const handler = EventHeap.register(heap, (_, nowMs) => void handled.push(nowMs))
    EventHeap.schedule(heap, 10, handler, 0)
    EventHeap.schedule(heap, Infinity, handler, 0)
    EventHeap.runUntil(heap, 9.5)
    assert.deepStrictEqual(handled, [])
    EventHeap.schedule(heap, 1, handler, 0)
    EventHeap.runUntil(heap, 10)
    assert.deepStrictEqual(handled, [9.5, 10])
  })
})
