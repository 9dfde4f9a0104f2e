import type { CallClass } from "../../protocol/CallClass.ts"
import { QualityExtra } from "../../protocol/QualityExtra.ts"
import type { Priority } from "../../throttle/Priority.ts"

/** Calls of one class, as people make them; packets are what a relay sends for one participant, a second. */
export interface Shape {
  readonly callClass: CallClass
  readonly priority: Priority
  readonly shareOfCalls: number
  /** Who is in from the beginning; into groups others come later, one by one. */
  readonly participantsFirst: number
  /** Mean time between two who join. Infinity: nobody does. Milliseconds. */
  readonly joinEveryMs: number
  readonly audio: number
  readonly videoLow: number
  readonly videoHigh: number
}

const oneToOne = { participantsFirst: 2, joinEveryMs: Infinity, audio: 50 }
/** Now and then two speak at once. */
const group = { participantsFirst: 1, joinEveryMs: 45_000, audio: 75 }

const noVideo = { videoLow: 0, videoHigh: 0 }

/** Assumptions, measured nowhere: most calls are between two, and without pictures. */
export const shapes: ReadonlyArray<Shape> = [
  {
    ...oneToOne,
    ...noVideo,
    shareOfCalls: 0.7,
    callClass: "one-to-one-audio",
    priority: "new-one-to-one-audio"
  },
  {
    ...oneToOne,
    shareOfCalls: 0.15,
    callClass: "one-to-one-video",
    priority: "new-one-to-one-video",
    videoLow: 110,
    videoHigh: 40
  },
  { ...group, ...noVideo, shareOfCalls: 0.08, callClass: "group-audio", priority: "new-group-audio" },
  {
    ...group,
    shareOfCalls: 0.07,
    callClass: "group-video",
    priority: "new-group-video",
    videoLow: 160,
    videoHigh: 90
  }
]

/** Repair packets, of those of video; second copies, of those of audio. Shares. */
const fecShare = 0.05
const duplicationShare = 0.04

const packetsWithout = (shape: Shape, withheld: ReadonlySet<QualityExtra>): number => {
  const { audio, callClass, videoHigh, videoLow } = shape
  const hasVideo = !(callClass === "group-video" && withheld.has("group-video"))
  const video = hasVideo ? videoLow + (withheld.has("high-layer") ? 0 : videoHigh) : 0
  return (
    audio * (withheld.has("duplication") ? 1 : 1 + duplicationShare) + video * (withheld.has("fec") ? 1 : 1 + fecShare)
  )
}

/** Of each class the packets for a participant, by how many extras its calls go without. */
export const packetsOf: ReadonlyArray<ReadonlyArray<number>> = shapes.map((shape) =>
  Array.from({ length: QualityExtra.literals.length + 1 }, (_, withheld) =>
    packetsWithout(shape, new Set(QualityExtra.literals.slice(0, withheld)))
  )
)

/** What a call takes of a relay, mean over its time and over all classes, with all extras. Packets a second. */
export const packetsOfCall = (lengthMeanMs: number): number =>
  shapes.reduce((sum, { joinEveryMs, participantsFirst, shareOfCalls }, at) => {
    // Of exponential lengths: who joins at an even rate stays for half the mean square, which is the square of the mean.
    const participants = participantsFirst + lengthMeanMs / joinEveryMs
    return sum + shareOfCalls * participants * packetsOf[at]![0]!
  }, 0)

/** The shape that this draw, 0 to 1, stands for: its place. */
export const draw = (uniform: number): number => {
  let left = uniform
  for (const [at, { shareOfCalls }] of shapes.entries()) {
    if (left < shareOfCalls) return at
    left -= shareOfCalls
  }
  return 0
}
