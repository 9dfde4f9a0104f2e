import * as Feedback from "../../../src/protocol/Feedback.ts"
import * as HopFrame from "../../../src/protocol/HopFrame.ts"
import { hexOf } from "../../protocol/ControlVectors.ts"
import * as Dice from "../Dice.ts"
import * as Smaller from "../Smaller.ts"
import { define, hold, show } from "../Target.ts"
import * as Corpus from "./Corpus.ts"
import { mutate } from "./Mutation.ts"

interface Case {
  /** Whether it is a trunk's, with sequences of 32 bits. */
  readonly isWide: boolean
  readonly body: Uint8Array
  /** Where it lies in the packet memory. */
  readonly offset: number
  /** How long the report is held before it is written again. Ticks. */
  readonly holdTicks: number
}

const corpus = Corpus.bytesOfAll(Corpus.hexFile("feedback.hex"))

/** A report as a busy receiver writes it. */
const written = (draw: Dice.Dice, isWide: boolean): Uint8Array => {
  const report = Feedback.make()
  report.baseHopSequence = isWide ? Dice.integer(draw, 0, 0xffff_ffff) | 0 : Dice.integer(draw, 0, 0xffff)
  report.referenceTicks = Dice.integer(draw, 0, 0xffff_ffff)
  report.arrivalCount = Dice.pick(draw, [0, 1, 5, 60, Feedback.arrivalsMax])
  let ticks = 0
  for (let i = 0; i < report.arrivalCount; i++) {
    report.arrivalTicks[i] = Dice.chance(draw, 0.1) ? Feedback.notReceived : ticks
    ticks += Dice.chance(draw, 0.9) ? Dice.integer(draw, 0, 120) : Dice.integer(draw, -3000, 30_000)
  }
  report.requestCount = Dice.pick(draw, [0, 1, 7, Feedback.requestsMax])
  const requestBase = isWide ? Dice.integer(draw, 0, 0xffff_ffff) : 0
  for (let i = 0; i < report.requestCount; i++)
    report.requests[i] = requestBase + (i === 0 && isWide ? 0 : Dice.integer(draw, 0, 0xffff))
  report.keyFrameCount = Dice.pick(draw, [0, 1, Feedback.keyFramesMax])
  report.rateCount = Dice.pick(draw, [0, 1, Feedback.ratesMax])
  const bytes = new Uint8Array(Feedback.frameBytesMax)
  const length = Feedback.write(new DataView(bytes.buffer), 0, bytes.length, report, 0, isWide)
  return bytes.slice(0, length)
}

const contentOf = (report: Feedback.Feedback) => ({
  base: report.baseHopSequence,
  reference: report.referenceTicks,
  arrivals: Array.from(report.arrivalTicks.subarray(0, report.arrivalCount)),
  requests: Array.from(report.requests.subarray(0, report.requestCount)),
  keyFrames: Array.from(report.keyFrameSsrcs.subarray(0, report.keyFrameCount)),
  rates: Array.from(report.rateBps.subarray(0, report.rateCount), (bps, i) => [report.rateSsrcs[i], bps])
})

const guardBytes = 32
const guard = 0xa5

/** Memory of which only the middle may be touched. */
const guarded = (lengthBytes: number) => {
  const bytes = new Uint8Array(lengthBytes + 2 * guardBytes).fill(guard)
  return { view: new DataView(bytes.buffer), bytes }
}

const check = ({ body, holdTicks, isWide, offset }: Case): void => {
  const memory = new Uint8Array(offset + body.length + guardBytes)
  memory.set(body, offset)
  const report = Feedback.make()
  if (!Feedback.read(new DataView(memory.buffer), offset, body.length, report, isWide)) return
  const content = contentOf(report)
  const last = content.arrivals.findLast((ticks) => ticks !== Feedback.notReceived)
  hold((last === undefined) === (Feedback.newestReceived(report) === -1), "the newest arrival is found")

  const { bytes, view } = guarded(body.length)
  const nowTicks = content.reference + (last ?? 0) + holdTicks
  const length = Feedback.write(view, guardBytes, body.length, report, nowTicks, isWide)
  hold(length <= body.length, "a report is not written longer than it was read", () => show(content))
  const outside = [...bytes.subarray(0, guardBytes), ...bytes.subarray(guardBytes + body.length)]
  hold(
    outside.every((byte) => byte === guard),
    "nothing is written beside the place for it"
  )

  const again = Feedback.make()
  hold(Feedback.read(view, guardBytes, length, again, isWide), "what was written is read", () => show(content))
  hold(show(contentOf(again)) === show(content), "what is read again is the same", () =>
    show([content, contentOf(again)])
  )
  const heldMs = last === undefined ? -1 : holdTicks / Feedback.ticksPerMs
  hold(again.holdMs === heldMs, "the hold is what was waited", () => `${again.holdMs} instead of ${heldMs}`)
}

export const target = define<Case>({
  name: "feedback",
  about:
    "bodies of feedback frames: nothing throws, nothing is written beside its place, what is read is written and read alike",
  smokeCases: 2500,
  draw: (draw) => {
    const isWide = Dice.chance(draw, 0.5)
    const sample = Dice.chance(draw, 0.5) ? Dice.pick(draw, corpus) : written(draw, isWide)
    return {
      isWide,
      body: Dice.chance(draw, 0.9) ? mutate(draw, sample, corpus) : sample,
      offset: HopFrame.headerBytes + Dice.integer(draw, 0, 3),
      // What is longer is not told.
      holdTicks: Dice.integer(draw, 0, 0xfffe)
    }
  },
  check,
  *smaller(input) {
    for (const body of Smaller.byteStrings(input.body)) yield { ...input, body }
  },
  show: ({ body, holdTicks, isWide, offset }) =>
    `${isWide ? "trunk's " : ""}${hexOf(body)} at ${offset}, held ${holdTicks} ticks`
})
