import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as DueQueue from "../../src/sockets/DueQueue.ts"

const Times = Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 9 })))
const Steps = Schema.Array(Schema.Union([Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 9 })), Schema.Null]))

const takeAll = <A>(queue: DueQueue.DueQueue<A>, nowMs: number): Array<A> => {
  const taken: Array<A> = []
  for (let item = DueQueue.take(queue, nowMs); item !== undefined; item = DueQueue.take(queue, nowMs)) taken.push(item)
  return taken
}

describe("DueQueue", () => {
  it.prop("gives items by time, and those of one time in the order they came", [Times], ([times]) => {
    const queue = DueQueue.make<{ readonly dueMs: number; readonly order: number }>()
    const items = times.map((dueMs, order) => ({ dueMs, order }))
    for (const item of items) DueQueue.add(queue, item.dueMs, item)
    // Array.prototype.sort keeps the order of equals.
    assert.deepStrictEqual(
      takeAll(queue, 9),
      items.toSorted((a, b) => a.dueMs - b.dueMs)
    )
    assert.strictEqual(DueQueue.nextMs(queue), Infinity)
  })

  it.prop("takes the earliest of what is in it, adding and taking in any order", [Steps], ([steps]) => {
    const queue = DueQueue.make<number>()
    const model: Array<number> = []
    for (const step of steps) {
      if (step === null) {
        assert.strictEqual(DueQueue.take(queue, 9), model.sort((a, b) => a - b).shift())
      } else {
        DueQueue.add(queue, step, step)
        model.push(step)
      }
      assert.strictEqual(DueQueue.nextMs(queue), Math.min(Infinity, ...model))
    }
  })

  it("keeps what is not due", () => {
    const queue = DueQueue.make<string>()
    DueQueue.add(queue, 20, "later")
    DueQueue.add(queue, 10, "now")
    assert.deepStrictEqual(takeAll(queue, 9.9), [])
    assert.deepStrictEqual(takeAll(queue, 10), ["now"])
    assert.strictEqual(DueQueue.nextMs(queue), 20)
  })
})
