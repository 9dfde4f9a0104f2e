import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as CompactRate from "../../src/protocol/CompactRate.ts"
import * as Feedback from "../../src/protocol/Feedback.ts"

const U16 = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0xffff }))
const U32 = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0xffffffff }))
/** Ticks since the arrival before; `undefined`: not received. */
const Delta = Schema.UndefinedOr(Schema.Int.check(Schema.isBetween({ minimum: -300, maximum: 32767 })))
/** Sequences as they are on a device's leg and on a trunk: there the requests are no further apart than 16 bits can say. */
const widths = [
  { name: "a device's leg", isWide: false, headBytes: Feedback.fixedBytes, wrap: (number: number) => number & 0xffff },
  { name: "a trunk", isWide: true, headBytes: Feedback.wideFixedBytes, wrap: (number: number) => number | 0 }
] as const
type Width = (typeof widths)[number]
const [device, trunk] = widths

const Report = Schema.Struct({
  base: U32,
  requestBase: U32,
  reference: U32,
  deltas: Schema.Array(Delta).check(Schema.isMaxLength(200)),
  requests: Schema.Array(U16).check(Schema.isMaxLength(Feedback.requestsMax)),
  keyFrames: Schema.Array(U32).check(Schema.isMaxLength(Feedback.keyFramesMax)),
  rates: Schema.Array(Schema.Tuple([U32, U16])).check(Schema.isMaxLength(Feedback.ratesMax)),
  holdTicks: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 60_000 }))
})

/** The first of them is the one that the others count from. */
const requestsOf = ({ requestBase, requests }: typeof Report.Type, wrap: Width["wrap"]): ReadonlyArray<number> =>
  requests.map((request, i) => wrap(requestBase + (i === 0 ? 0 : request)))

const fill = (report: typeof Report.Type, { wrap }: Width) => {
  const feedback = Feedback.make()
  feedback.baseHopSequence = wrap(report.base)
  feedback.referenceTicks = report.reference
  feedback.arrivalCount = report.deltas.length
  let ticks = 0
  report.deltas.forEach(
    (delta, i) => (feedback.arrivalTicks[i] = delta === undefined ? Feedback.notReceived : (ticks += delta))
  )
  feedback.requestCount = report.requests.length
  feedback.requests.set(requestsOf(report, wrap))
  feedback.keyFrameCount = report.keyFrames.length
  feedback.keyFrameSsrcs.set(report.keyFrames)
  for (const [ssrc, code] of report.rates) Feedback.addRate(feedback, ssrc, CompactRate.decode(code))
  return { feedback, lastTicks: ticks }
}

describe.each(widths)("Feedback on $name", (width) => {
  const { headBytes, isWide, wrap } = width
  it.prop(
    "what was written is read",
    [Report],
    ([report]) => {
      const { feedback, lastTicks } = fill(report, width)
      const view = new DataView(new ArrayBuffer(2048))
      const nowTicks = (report.reference + lastTicks + report.holdTicks) >>> 0
      const length = Feedback.write(view, 8, 2000, feedback, nowTicks, isWide)
      const into = Feedback.make()
      assert.isTrue(Feedback.read(view, 8, length, into, isWide))
      assert.strictEqual(into.baseHopSequence, wrap(report.base))
      assert.strictEqual(into.referenceTicks, report.reference)
      assert.strictEqual(into.arrivalCount, report.deltas.length)
      assert.deepStrictEqual(
        into.arrivalTicks.slice(0, into.arrivalCount),
        feedback.arrivalTicks.slice(0, into.arrivalCount)
      )
      assert.deepStrictEqual(Array.from(into.requests.subarray(0, into.requestCount)), requestsOf(report, wrap))
      assert.deepStrictEqual(
        Array.from(into.keyFrameSsrcs.subarray(0, into.keyFrameCount)),
        Array.from(report.keyFrames)
      )
      assert.deepStrictEqual(
        report.rates.map((_, i) => [into.rateSsrcs[i], into.rateBps[i]]),
        report.rates.map(([ssrc, code]) => [ssrc, CompactRate.decode(code)])
      )
      assert.strictEqual(into.rateCount, report.rates.length)
      const hasArrival = report.deltas.some((delta) => delta !== undefined)
      assert.strictEqual(into.holdMs, hasArrival ? report.holdTicks / Feedback.ticksPerMs : -1)
    },
    { arbitrary: { size: 200 } }
  )

  it.prop(
    "stays within its bytes; what does not fit is left for the next report",
    [Report],
    ([report]) => {
      const { feedback } = fill(report, width)
      const view = new DataView(new ArrayBuffer(2048))
      const bytesMax =
        headBytes + 2 * report.requests.length + 4 * report.keyFrames.length + 6 * report.rates.length + 50
      const length = Feedback.write(view, 0, bytesMax, feedback, 0, isWide)
      assert.isAtMost(length, bytesMax)
      assert.isAtLeast(feedback.arrivalCount, Math.min(16, report.deltas.length))
      assert.isTrue(Feedback.read(view, 0, length, Feedback.make(), isWide))
    },
    { arbitrary: { size: 200 } }
  )

  it.prop(
    "arbitrary bytes, and every truncation of a report, never throw",
    [Schema.Uint8Array, Report],
    ([bytes, report]) => {
      Feedback.read(
        new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength),
        0,
        bytes.length,
        Feedback.make(),
        isWide
      )
      const { feedback } = fill(report, width)
      const written = new Uint8Array(2048)
      const length = Feedback.write(new DataView(written.buffer), 0, 2000, feedback, 0, isWide)
      for (let cut = 0; cut < length; cut++) {
        const view = new DataView(written.slice(0, cut).buffer)
        assert.isFalse(
          Feedback.read(view, 0, cut, Feedback.make(), isWide),
          `a report cut to ${cut} of ${length} bytes is refused`
        )
      }
    },
    { arbitrary: { size: 200 } }
  )
})

describe("Feedback", () => {
  it("has the layout of docs/protocol.md", () => {
    const { feedback } = fill(
      {
        base: 65535,
        requestBase: 5,
        reference: 4096,
        deltas: [0, undefined, 40, 400],
        requests: [0, 1],
        keyFrames: [2002],
        rates: [[2003, CompactRate.encode(600_000)]],
        holdTicks: 0
      },
      device
    )
    const bytes = new Uint8Array(100)
    const length = Feedback.write(new DataView(bytes.buffer), 0, 100, feedback, 4096 + 440 + 20)
    const hex =
      "01010002" + "ffff0004" + "00001000" + "00140000" + "00ff28fe0190" + "00050006" + "000007d2" + "000007d34c93"
    assert.strictEqual(Buffer.from(bytes.subarray(0, length)).toString("hex"), hex)
  })

  it("has the layout of docs/protocol.md on a trunk", () => {
    const { feedback } = fill(
      {
        base: 0x7fff_ffff,
        requestBase: 0xffff_ffff,
        reference: 4096,
        deltas: [0, undefined, 40, 400],
        requests: [0, 0x1234],
        keyFrames: [2002],
        rates: [[2003, CompactRate.encode(600_000)]],
        holdTicks: 0
      },
      trunk
    )
    const bytes = new Uint8Array(100)
    const length = Feedback.write(new DataView(bytes.buffer), 0, 100, feedback, 4096 + 440 + 20, true)
    const hex =
      "01010002" +
      "ffff0004" +
      "00001000" +
      "00147fff" +
      "ffffffff" +
      "00ff28fe0190" +
      "00001234" +
      "000007d2" +
      "000007d34c93"
    assert.strictEqual(Buffer.from(bytes.subarray(0, length)).toString("hex"), hex)
    const read = Feedback.make()
    assert.isTrue(Feedback.read(new DataView(bytes.buffer), 0, length, read, true))
    assert.strictEqual(read.baseHopSequence, 0x7fff_ffff)
    assert.deepStrictEqual(Array.from(read.requests.subarray(0, 2)), [-1, 0x1233])
  })

  it("holds count from the newest hop sequence that has arrived", () => {
    const { feedback } = fill(
      {
        base: 65535,
        requestBase: 0,
        reference: 0,
        deltas: [0, 40, undefined],
        requests: [],
        keyFrames: [],
        rates: [],
        holdTicks: 0
      },
      device
    )
    assert.strictEqual(Feedback.newestReceived(feedback), 1)
    const none = fill(
      {
        base: 7,
        requestBase: 0,
        reference: 0,
        deltas: [undefined],
        requests: [],
        keyFrames: [],
        rates: [],
        holdTicks: 0
      },
      device
    )
    assert.strictEqual(Feedback.newestReceived(none.feedback), -1)
  })
})

describe("CompactRate", () => {
  it.prop(
    "is the largest rate that can be written and not above, exact to a thousandth",
    [Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: CompactRate.maxBps }))],
    ([rateBps]) => {
      const decoded = CompactRate.decode(CompactRate.encode(rateBps))
      assert.isAtMost(decoded, rateBps)
      assert.isAbove(decoded, Math.floor(rateBps) * (1 - 1 / 1024) - 1)
    }
  )

  it.prop("every code is a rate within its bounds, and is written again as the same rate", [U16], ([code]) => {
    const rateBps = CompactRate.decode(code)
    assert.isTrue(rateBps >= 0 && rateBps <= CompactRate.maxBps)
    assert.strictEqual(CompactRate.decode(CompactRate.encode(rateBps)), rateBps)
  })

  it("takes what is no rate for none, and what is too much for the most", () => {
    for (const rateBps of [NaN, -1, -Infinity]) assert.strictEqual(CompactRate.encode(rateBps), 0)
    assert.strictEqual(CompactRate.decode(CompactRate.encode(Infinity)), CompactRate.maxBps)
  })
})
