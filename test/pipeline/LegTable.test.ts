import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as LegTable from "../../src/pipeline/LegTable.ts"
import * as LegTimers from "../../src/pipeline/LegTimers.ts"
import * as RelayLeg from "../../src/pipeline/RelayLeg.ts"
import { CallId, ParticipantId } from "../../src/protocol/Ids.ts"

const legOf = (tag: number) =>
  RelayLeg.make({
    call: CallId.make("call"),
    participant: ParticipantId.make("p"),
    streams: [],
    receiveTag: tag,
    sendTag: 1,
    epoch: 1,
    address: new Uint32Array(5),
    repair: true
  })

/** Tags that collide in small tables: few low bits, some high ones. */
const Tag = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 400 }))
const Steps = Schema.Array(Schema.Struct({ tag: Tag, high: Schema.Boolean })).check(Schema.isMinLength(10))

describe("LegTable", () => {
  it.prop(
    "is a map, whatever is added and removed in whatever order",
    [Steps],
    ([steps]) => {
      const table = LegTable.make()
      const model = new Map<number, RelayLeg.RelayLeg>()
      for (const step of steps) {
        const tag = step.high ? (step.tag << 16) >>> 0 : step.tag
        const known = model.get(tag)
        assert.strictEqual(LegTable.get(table, tag), known)
        assert.strictEqual(LegTable.isFree(table, tag), known === undefined)
        if (known === undefined) {
          const leg = legOf(tag)
          LegTable.add(table, leg)
          model.set(tag, leg)
        } else {
          LegTable.remove(table, known)
          model.delete(tag)
        }
      }
      for (const [tag, leg] of model) assert.strictEqual(LegTable.get(table, tag), leg)
      assert.strictEqual(table.size, model.size)
      assert.strictEqual(LegTable.all(table).length, model.size)
    },
    { arbitrary: { size: 200 } }
  )

  it("has no leg for tag 0, and forgets what is removed twice only once", () => {
    const table = LegTable.make()
    const leg = legOf(5)
    assert.isFalse(LegTable.isFree(table, 0))
    LegTable.add(table, leg)
    LegTable.remove(table, leg)
    LegTable.remove(table, leg)
    assert.strictEqual(table.size, 0)
  })
})

describe("LegTimers", () => {
  const schedule = (timers: LegTimers.LegTimers, leg: RelayLeg.RelayLeg, deadlineMs: number) => {
    leg.hop.deadlineMs = deadlineMs
    LegTimers.schedule(timers, leg)
  }

  const Deadlines = Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 8000 }))).check(
    Schema.isMinLength(3)
  )

  it.prop(
    "polls every leg once, not before its deadline and less than two ticks behind",
    [Deadlines],
    ([deadlines]) => {
      const timers = LegTimers.make(0)
      const polledAt = new Map<RelayLeg.RelayLeg, number>()
      const legs = deadlines.map((deadline) => ({ deadline, leg: legOf(1) }))
      for (const { deadline, leg } of legs) {
        for (const later of [1000, 0, 2000]) schedule(timers, leg, deadline + later)
      }
      for (let nowMs = 0; nowMs <= 8100; nowMs += 3) {
        const isDue = LegTimers.isDue(timers, nowMs)
        LegTimers.poll(timers, nowMs, (leg) => {
          assert.isTrue(isDue)
          assert.isFalse(polledAt.has(leg))
          polledAt.set(leg, nowMs)
        })
      }
      for (const { deadline, leg } of legs) {
        assert.isAtLeast(polledAt.get(leg)!, deadline)
        assert.isBelow(polledAt.get(leg)!, Math.max(deadline, LegTimers.tickMs) + 2 * LegTimers.tickMs)
      }
      assert.strictEqual(timers.size, 0)
    },
    { arbitrary: { size: 200 } }
  )

  it.prop(
    "polls no more of them at a time than it may, and the others next, until nobody is due",
    [Deadlines, Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 5 })), Schema.Literals([7, 900])],
    ([deadlines, legsMax, stepMs]) => {
      const timers = LegTimers.make(0)
      const polledAt = new Map<RelayLeg.RelayLeg, number>()
      const legs = deadlines.map((deadline) => ({ deadline, leg: legOf(1) }))
      for (const { deadline, leg } of legs) schedule(timers, leg, deadline)
      for (let nowMs = 0; nowMs <= 12_000; nowMs += stepMs) {
        while (LegTimers.isDue(timers, nowMs)) {
          const before = polledAt.size
          LegTimers.poll(timers, nowMs, (leg) => polledAt.set(leg, nowMs), legsMax)
          assert.isAtMost(polledAt.size - before, legsMax)
        }
      }
      for (const { deadline, leg } of legs) {
        assert.isAtLeast(polledAt.get(leg)!, deadline)
        assert.isBelow(polledAt.get(leg)!, Math.max(deadline, LegTimers.tickMs) + 2 * LegTimers.tickMs + stepMs)
      }
      assert.strictEqual(timers.size, 0)
    },
    { arbitrary: { size: 200 } }
  )

  it("forgets a leg that is removed, and catches up after a long stop", () => {
    const timers = LegTimers.make(0)
    const [gone, stays] = [legOf(1), legOf(2)]
    schedule(timers, gone, 100)
    schedule(timers, stays, 100)
    LegTimers.remove(timers, gone)
    const polled: Array<RelayLeg.RelayLeg> = []
    LegTimers.poll(timers, 1_000_000, (leg) => polled.push(leg))
    assert.deepStrictEqual(
      polled.map((leg) => leg.hop.receive.legTag),
      [2]
    )
  })
})
