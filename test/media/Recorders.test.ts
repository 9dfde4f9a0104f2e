import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as ArrivalRecorder from "../../src/media/ArrivalRecorder.ts"
import * as DepartureRecorder from "../../src/media/DepartureRecorder.ts"
import * as SentHistory from "../../src/media/SentHistory.ts"
import * as Feedback from "../../src/protocol/Feedback.ts"

const Start = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0xffff }))
/** How far each frame is ahead of the one before: losses, and reports in between. */
const Steps = Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 20 })))
const long = { arbitrary: { size: 200 } }

describe("ArrivalRecorder", () => {
  it.prop(
    "reports every number once, with what arrived and what did not",
    [Start, Steps],
    ([start, steps]) => {
      const recorder = ArrivalRecorder.make()
      const report = Feedback.make()
      const arrived = new Set([0])
      let position = 0
      let reported = 0
      ArrivalRecorder.handleFrame(recorder, start, 0)
      const check = () => {
        ArrivalRecorder.fillReport(recorder, report)
        assert.strictEqual(report.baseHopSequence, (start + reported) & 0xffff)
        assert.strictEqual(report.arrivalCount, position + 1 - reported)
        for (let i = 0; i < report.arrivalCount; i++) {
          assert.strictEqual(report.arrivalTicks[i] !== Feedback.notReceived, arrived.has(reported + i))
        }
        ArrivalRecorder.markReported(recorder, report.arrivalCount)
        reported += report.arrivalCount
      }
      for (const [n, step] of steps.entries()) {
        position += step
        arrived.add(position)
        ArrivalRecorder.handleFrame(recorder, (start + position) & 0xffff, position)
        if (n % 40 === 39) check()
      }
      check()
    },
    long
  )

  it("after a long jump it reports the newest numbers, not none", () => {
    for (const jump of [1000, 1024, 20_000, 32_000, 32_766]) {
      const recorder = ArrivalRecorder.make()
      const report = Feedback.make()
      for (const sequence of [0, 500, 500 + jump, 501 + jump]) {
        ArrivalRecorder.handleFrame(recorder, sequence & 0xffff, sequence)
      }
      ArrivalRecorder.fillReport(recorder, report)
      assert.isAtLeast(report.arrivalCount, 1, `jump of ${jump}`)
      assert.strictEqual(Feedback.newestReceived(report), (501 + jump) & 0xffff, `jump of ${jump}`)
    }
  })

  it.prop(
    "no number is new twice, whether it has been reported or not",
    [Start, Steps],
    ([start, steps]) => {
      const recorder = ArrivalRecorder.make()
      const report = Feedback.make()
      const seen = new Set<number>()
      let position = 0
      for (const [n, step] of [0, ...steps].entries()) {
        position += step
        assert.isTrue(ArrivalRecorder.handleFrame(recorder, (start + position) & 0xffff, n))
        seen.add(position)
        for (const back of [0, 1, 30, 63, 64, 1000, 1025, 30_000]) {
          const isNew = ArrivalRecorder.handleFrame(recorder, (start + position - back) & 0xffff, n)
          assert.isFalse(isNew && (seen.has(position - back) || back > Feedback.arrivalsMax), `${back} back`)
          if (isNew) seen.add(position - back)
        }
        if (n % 7 !== 0) continue
        ArrivalRecorder.fillReport(recorder, report)
        ArrivalRecorder.markReported(recorder, report.arrivalCount)
      }
    },
    long
  )

  it("one frame from far outside is not believed, and those of before are not forgotten for it", () => {
    const recorder = ArrivalRecorder.make()
    const report = Feedback.make()
    const arrivals = [0, 1, 40_000, 2, 30_000, 3]
    assert.deepStrictEqual(
      arrivals.map((sequence) => ArrivalRecorder.handleFrame(recorder, sequence, sequence)),
      [true, true, false, true, false, true]
    )
    ArrivalRecorder.fillReport(recorder, report)
    assert.deepStrictEqual([report.baseHopSequence, report.arrivalCount], [0, 4])
  })
})

describe("DepartureRecorder and SentHistory", () => {
  it.prop("know the last second of a busy leg, wherever the wrap falls", [Start], ([start]) => {
    const departures = DepartureRecorder.make()
    const history = SentHistory.make()
    // 1,000 packets in a second, then one every 100 ms.
    for (let n = 0; n < 1000; n++) {
      DepartureRecorder.handleFrame(departures, (start + n) & 0xffff, n)
      SentHistory.add(history, (start + n) & 0xffff, 7000 + n, 0xc8, 5, n)
    }
    for (const back of [0, 1, 500, 990]) {
      const sequence = (start + 999 - back) & 0xffff
      assert.strictEqual(DepartureRecorder.sentAtMs(departures, sequence), 999 - back)
      assert.strictEqual(history.packets[SentHistory.find(history, sequence)], 7999 - back)
    }
    assert.isNaN(DepartureRecorder.sentAtMs(departures, (start + 1000) & 0xffff))
    assert.strictEqual(SentHistory.find(history, (start + 1000) & 0xffff), -1)
    assert.strictEqual(SentHistory.find(history, (start - 1) & 0xffff), -1)
  })

  it("stay small when little is sent", () => {
    const departures = DepartureRecorder.make()
    const history = SentHistory.make()
    for (let n = 0; n < 1000; n++) {
      DepartureRecorder.handleFrame(departures, n, n * 100)
      SentHistory.add(history, n, n, 0xc0, 0, n * 100)
    }
    assert.strictEqual(departures.sentAtMs.length, 64)
    assert.strictEqual(history.packets.length, 64)
    assert.strictEqual(history.packets[SentHistory.find(history, 999)], 999)
    assert.strictEqual(SentHistory.find(history, 900), -1)
  })
})
