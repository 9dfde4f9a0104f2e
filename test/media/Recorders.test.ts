import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as ArrivalRecorder from "../../src/media/ArrivalRecorder.ts"
import * as DepartureRecorder from "../../src/media/DepartureRecorder.ts"
import * as SentHistory from "../../src/media/SentHistory.ts"
import * as Feedback from "../../src/protocol/Feedback.ts"
import * as LegKinds from "./LegKinds.ts"

/** How far each frame is ahead of the one before: losses, and reports in between. */
const Steps = Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 20 })))
const long = { arbitrary: { size: 200 } }

describe.each(LegKinds.all)("ArrivalRecorder of a $name's leg", ({ Near, at, kind, wrap }) => {
  it.prop(
    "reports every number once, with what arrived and what did not",
    [Near, Steps],
    ([near, steps]) => {
      const start = at(near)
      const recorder = ArrivalRecorder.make(kind)
      const report = Feedback.make()
      const arrived = new Set([0])
      let position = 0
      let reported = 0
      ArrivalRecorder.handleFrame(recorder, start, 0)
      const check = () => {
        ArrivalRecorder.fillReport(recorder, report)
        assert.strictEqual(report.baseHopSequence, wrap(start + reported))
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
        ArrivalRecorder.handleFrame(recorder, wrap(start + position), position)
        if (n % 40 === 39) check()
      }
      check()
    },
    long
  )

  it("after a long jump it reports the newest numbers, not none", () => {
    const { arrivalsMax, mask } = kind
    for (const jump of [1000, arrivalsMax, 20 * arrivalsMax, 31 * arrivalsMax, (mask >>> 1) - 1]) {
      const recorder = ArrivalRecorder.make(kind)
      const report = Feedback.make()
      for (const sequence of [0, 500, 500 + jump, 501 + jump]) {
        ArrivalRecorder.handleFrame(recorder, wrap(sequence), sequence)
      }
      let newest = -1
      while (ArrivalRecorder.unreported(recorder) > 0) {
        ArrivalRecorder.fillReport(recorder, report)
        newest = wrap(report.baseHopSequence + Feedback.newestReceived(report))
        ArrivalRecorder.markReported(recorder, report.arrivalCount)
      }
      assert.strictEqual(newest, wrap(501 + jump), `jump of ${jump}`)
    }
  })

  it.prop(
    "no number is new twice, whether it has been reported or not",
    [Near, Steps],
    ([near, steps]) => {
      const start = at(near)
      const recorder = ArrivalRecorder.make(kind)
      const report = Feedback.make()
      const seen = new Set<number>()
      let position = 0
      for (const [n, step] of [0, ...steps].entries()) {
        position += step
        assert.isTrue(ArrivalRecorder.handleFrame(recorder, wrap(start + position), n))
        seen.add(position)
        for (const back of [0, 1, 30, 63, 64, 1000, kind.arrivalsMax + 1, 30_000]) {
          const isNew = ArrivalRecorder.handleFrame(recorder, wrap(start + position - back), n)
          assert.isFalse(isNew && (seen.has(position - back) || back > kind.arrivalsMax), `${back} back`)
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
    const recorder = ArrivalRecorder.make(kind)
    const report = Feedback.make()
    const arrivals = [0, 1, 0xf000_9c40, 2, 0x1000_7530, 3]
    assert.deepStrictEqual(
      arrivals.map((sequence) => ArrivalRecorder.handleFrame(recorder, wrap(sequence), sequence)),
      [true, true, false, true, false, true]
    )
    ArrivalRecorder.fillReport(recorder, report)
    assert.deepStrictEqual([report.baseHopSequence, report.arrivalCount], [0, 4])
  })
})

describe.each(LegKinds.all)("DepartureRecorder and SentHistory of a $name's leg", ({ Near, at, kind, wrap }) => {
  it.prop("know the last second of a busy leg, wherever the wrap falls", [Near], ([near]) => {
    const start = at(near)
    const departures = DepartureRecorder.make(kind)
    const history = SentHistory.make(kind)
    // 1,000 packets in a second, then one every 100 ms.
    for (let n = 0; n < 1000; n++) {
      DepartureRecorder.handleFrame(departures, wrap(start + n), n, n)
      SentHistory.add(history, wrap(start + n), 7000 + n, 0xc8, 5, n)
    }
    for (const back of [0, 1, 500, 990]) {
      const sequence = wrap(start + 999 - back)
      assert.strictEqual(DepartureRecorder.sentAtMs(departures, sequence), 999 - back)
      assert.strictEqual(departures.bytes[DepartureRecorder.find(departures, sequence)], 999 - back)
      assert.strictEqual(history.packets[SentHistory.find(history, sequence)], 7999 - back)
    }
    assert.isNaN(DepartureRecorder.sentAtMs(departures, wrap(start + 1000)))
    assert.strictEqual(SentHistory.find(history, wrap(start + 1000)), -1)
    assert.strictEqual(SentHistory.find(history, wrap(start - 1)), -1)
  })

  it("stay small when little is sent", () => {
    const departures = DepartureRecorder.make(kind)
    const history = SentHistory.make(kind)
    for (let n = 0; n < 1000; n++) {
      DepartureRecorder.handleFrame(departures, n, 100, n * 100)
      SentHistory.add(history, n, n, 0xc0, 0, n * 100)
    }
    assert.strictEqual(departures.sentAtMs.length, 64)
    assert.strictEqual(history.packets.length, 64)
    assert.strictEqual(history.packets[SentHistory.find(history, 999)], 999)
    assert.strictEqual(SentHistory.find(history, 900), -1)
  })
})

describe("of a trunk", () => {
  const [, { kind }] = LegKinds.all

  it("a packet is found with the tag of its call as long as it may be asked for, at 100,000 packets a second", () => {
    const departures = DepartureRecorder.make(kind)
    const history = SentHistory.make(kind)
    const start = 0x7fff_0000
    const tagOf = (n: number) => (0x9e37_79b9 * n) | 0
    for (let n = 0; n < 200_000; n++) {
      DepartureRecorder.handleFrame(departures, (start + n) | 0, 100, n / 100)
      history.tags[SentHistory.add(history, (start + n) | 0, n, 0xc8, 5, n / 100)] = tagOf(n)
    }
    for (const back of [0, 1, 65_536, 99_999]) {
      const n = 199_999 - back
      assert.strictEqual(DepartureRecorder.sentAtMs(departures, (start + n) | 0), n / 100)
      const place = SentHistory.find(history, (start + n) | 0)
      assert.deepStrictEqual([history.packets[place], history.tags[place]], [n, tagOf(n)])
    }
    SentHistory.release(history)
    assert.strictEqual(history.tags.length, 0)
  })

  it("a device's leg keeps no tags", () => {
    const history = SentHistory.make()
    SentHistory.add(history, 0, 0, 0xc0, 0, 0)
    assert.strictEqual(history.tags.length, 0)
  })
})
