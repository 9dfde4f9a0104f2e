import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Dice from "../fuzz/Dice.ts"
import * as ArrivalPlan from "./ArrivalPlan.ts"
import * as CallMix from "./CallMix.ts"
import * as Timeline from "./Timeline.ts"

const Seed = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1000 }))

const timeline = Timeline.full
const pace = ArrivalPlan.paceFor(6000, 8, 8000)
const planOf = (seed: number) => ArrivalPlan.make(Dice.ofCase(seed, "flood", 1), timeline, pace)

const goingOnAt = (calls: ReadonlyArray<ArrivalPlan.PlannedCall>, atMs: number) =>
  calls.filter((call) => call.atMs <= atMs && call.atMs + call.lastsMs > atMs)

describe("ArrivalPlan", () => {
  it("calls of the mean length, at this pace, are so many packets a second", () => {
    const atATime = pace.callsPerSecond * (pace.lastsMsMean / 1000)
    assert.approximately(atATime * CallMix.packetsPerSecond, 6000, 1e-6)
  })

  it.prop("a second of the flood has eight times the calls of any other", [Seed], ([seed]) => {
    const calls = planOf(seed)
    const perSecond = (fromMs: number, seconds: number) =>
      calls.filter(({ atMs }) => atMs >= fromMs && atMs < fromMs + seconds * 1000).length / seconds
    for (const phase of Timeline.phases) {
      const wanted = pace.callsPerSecond * (phase === "flood" ? 8 : 1)
      assert.approximately(perSecond(Timeline.startMsOf(timeline, phase), 10), wanted, 0.2)
    }
  })

  it.prop("calls come in order, and every block of them has each class in its share", [Seed], ([seed]) => {
    const calls = planOf(seed)
    assert.isTrue(calls.every(({ atMs, call }, at) => call === at && atMs >= (calls[at - 1]?.atMs ?? 0)))
    for (let first = 0; first + CallMix.blockCalls <= calls.length; first += CallMix.blockCalls) {
      const block = calls.slice(first, first + CallMix.blockCalls)
      for (const callClass of CallMix.classes) {
        const count = block.filter((call) => call.callClass === callClass).length
        assert.strictEqual(count, CallMix.kinds[callClass].calls)
      }
    }
  })

  it.prop("as many calls go on when warming up is over as when the flood begins", [Seed], ([seed]) => {
    const calls = planOf(seed)
    const expected = pace.callsPerSecond * (pace.lastsMsMean / 1000)
    for (const atMs of [
      timeline.fillMs,
      Timeline.startMsOf(timeline, "normal"),
      Timeline.startMsOf(timeline, "flood")
    ]) {
      assert.approximately(goingOnAt(calls, atMs).length, expected, expected / 2)
    }
  })

  it.prop("the same seed makes the same calls", [Seed], ([seed]) => {
    assert.deepStrictEqual(planOf(seed), planOf(seed))
  })
})

describe("Timeline", () => {
  it("phases follow each other without a gap, behind a part that does not count", () => {
    assert.strictEqual(Timeline.phaseAt(timeline, 0), undefined)
    for (const phase of Timeline.phases) {
      const startMs = Timeline.startMsOf(timeline, phase)
      assert.strictEqual(Timeline.phaseAt(timeline, startMs), phase)
      assert.notStrictEqual(Timeline.phaseAt(timeline, startMs - 1), phase)
    }
    assert.strictEqual(Timeline.phaseAt(timeline, Timeline.endMs(timeline)), undefined)
  })
})
