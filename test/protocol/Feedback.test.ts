import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Feedback from "../../src/protocol/Feedback.ts"

const U16 = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0xffff }))
const U32 = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0xffffffff }))
/** Ticks since the arrival before; `undefined`: not received. */
const Delta = Schema.UndefinedOr(Schema.Int.check(Schema.isBetween({ minimum: -300, maximum: 32767 })))
const Report = Schema.Struct({
  base: U16,
  reference: U32,
  deltas: Schema.Array(Delta).check(Schema.isMaxLength(200)),
  requests: Schema.Array(U16).check(Schema.isMaxLength(Feedback.requestsMax)),
  keyFrames: Schema.Array(U32).check(Schema.isMaxLength(Feedback.keyFramesMax)),
  holdTicks: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 60_000 }))
})

const fill = (report: typeof Report.Type) => {
  const feedback = Feedback.make()
  feedback.baseHopSequence = report.base
  feedback.referenceTicks = report.reference
  feedback.arrivalCount = report.deltas.length
  let ticks = 0
  report.deltas.forEach(
    (delta, i) => (feedback.arrivalTicks[i] = delta === undefined ? Feedback.notReceived : (ticks += delta))
  )
  feedback.requestCount = report.requests.length
  feedback.requests.set(report.requests)
  feedback.keyFrameCount = report.keyFrames.length
  feedback.keyFrameSsrcs.set(report.keyFrames)
  return { feedback, lastTicks: ticks }
}

describe("Feedback", () => {
  it.prop(
    "what was written is read",
    [Report],
    ([report]) => {
      const { feedback, lastTicks } = fill(report)
      const view = new DataView(new ArrayBuffer(2048))
      const nowTicks = (report.reference + lastTicks + report.holdTicks) >>> 0
      const length = Feedback.write(view, 8, 2000, feedback, nowTicks)
      const into = Feedback.make()
      assert.isTrue(Feedback.read(view, 8, length, into))
      assert.strictEqual(into.baseHopSequence, report.base)
      assert.strictEqual(into.referenceTicks, report.reference)
      assert.strictEqual(into.arrivalCount, report.deltas.length)
      assert.deepStrictEqual(
        into.arrivalTicks.slice(0, into.arrivalCount),
        feedback.arrivalTicks.slice(0, into.arrivalCount)
      )
      assert.deepStrictEqual(Array.from(into.requests.subarray(0, into.requestCount)), Array.from(report.requests))
      assert.deepStrictEqual(
        Array.from(into.keyFrameSsrcs.subarray(0, into.keyFrameCount)),
        Array.from(report.keyFrames)
      )
      const hasArrival = report.deltas.some((delta) => delta !== undefined)
      assert.strictEqual(into.holdMs, hasArrival ? report.holdTicks / Feedback.ticksPerMs : -1)
    },
    { arbitrary: { size: 200 } }
  )

  it.prop(
    "stays within its bytes; what does not fit is left for the next report",
    [Report],
    ([report]) => {
      const { feedback } = fill(report)
      const view = new DataView(new ArrayBuffer(2048))
      const bytesMax = Feedback.fixedBytes + 2 * report.requests.length + 4 * report.keyFrames.length + 50
      const length = Feedback.write(view, 0, bytesMax, feedback, 0)
      assert.isAtMost(length, bytesMax)
      assert.isAtLeast(feedback.arrivalCount, Math.min(16, report.deltas.length))
      assert.isTrue(Feedback.read(view, 0, length, Feedback.make()))
    },
    { arbitrary: { size: 200 } }
  )

  it.prop(
    "arbitrary bytes, and every truncation of a report, never throw",
    [Schema.Uint8Array, Report],
    ([bytes, report]) => {
      Feedback.read(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), 0, bytes.length, Feedback.make())
      const { feedback } = fill(report)
      const written = new Uint8Array(2048)
      const length = Feedback.write(new DataView(written.buffer), 0, 2000, feedback, 0)
      for (let cut = 0; cut < length; cut++) {
        const view = new DataView(written.slice(0, cut).buffer)
        assert.isFalse(
          Feedback.read(view, 0, cut, Feedback.make()),
          `a report cut to ${cut} of ${length} bytes is refused`
        )
      }
    },
    { arbitrary: { size: 200 } }
  )

  it("has the layout of docs/protocol.md", () => {
    const { feedback } = fill({
      base: 65535,
      reference: 4096,
      deltas: [0, undefined, 40, 400],
      requests: [5, 6],
      keyFrames: [2002],
      holdTicks: 0
    })
    const bytes = new Uint8Array(100)
    const length = Feedback.write(new DataView(bytes.buffer), 0, 100, feedback, 4096 + 440 + 20)
    const hex = "00010002" + "ffff0004" + "00001000" + "00140000" + "00ff28fe0190" + "00050006" + "000007d2"
    assert.strictEqual(Buffer.from(bytes.subarray(0, length)).toString("hex"), hex)
  })

  it("holds count from the newest hop sequence that has arrived", () => {
    const { feedback } = fill({
      base: 65535,
      reference: 0,
      deltas: [0, 40, undefined],
      requests: [],
      keyFrames: [],
      holdTicks: 0
    })
    assert.strictEqual(Feedback.newestReceived(feedback), 0)
    const none = fill({ base: 7, reference: 0, deltas: [undefined], requests: [], keyFrames: [], holdTicks: 0 })
    assert.strictEqual(Feedback.newestReceived(none.feedback), -1)
  })
})
