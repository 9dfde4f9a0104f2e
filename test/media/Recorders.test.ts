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
    for (const jump of [1000, 1024, 20_000, 32_000, 32_767]) {
      const recorder = ArrivalRecorder.make()
      const report = Feedback.make()
      ArrivalRecorder.handleFrame(recorder, 0, 0)
      ArrivalRecorder.handleFrame(recorder, 500, 1)
      ArrivalRecorder.handleFrame(recorder, (500 + jump) & 0xffff, 2)
      ArrivalRecorder.fillReport(recorder, report)
      assert.isAtLeast(report.arrivalCount, 1, `jump of ${jump}`)
      assert.strictEqual(Feedback.newestReceived(report), (500 + jump) & 0xffff, `jump of ${jump}`)
    }
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
