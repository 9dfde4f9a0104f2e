import type { SubscriptionEntry } from "../../protocol/SubscriptionAttribute.ts"
import type { LayerShape } from "../GroupCall.ts"
import type { People } from "./GroupReport.ts"

/** Groups with cameras: who is in them, over which paths they receive, and what they want to see. Plain data. */
export interface VideoScenario extends People {
  readonly relays: number
  readonly durationMs: number
  /** The beginning, which is reported apart: legs are measured, speakers found. Milliseconds. */
  readonly settleMs: number
  /** What the paths to the last of the quiet ones carry; of all others it is plenty. Thousands of bits a second. */
  readonly poorKbps: ReadonlyArray<number>
  readonly wants: Wants
  /** So many, of the quiet ones the last with a good path, scroll through the others. */
  readonly scrolling: number
  /** The same call with good paths for all, which the good ones here are compared with. */
  readonly pair?: string
}

/** "stage": the dominant speaker large and eight others small; "grid": nine small ones. */
export type Wants = "stage" | "grid"

/** As of a camera of 360 lines. */
export const layers: ReadonlyArray<LayerShape> = [
  { heightPixels: 90, maxKbps: 150 },
  { heightPixels: 180, maxKbps: 500 },
  { heightPixels: 360, maxKbps: 1500 }
]

const settleMs = 5000
const twenty = {
  talkers: 5,
  noisy: 2,
  quiet: 13,
  relays: 3,
  durationMs: 30_000,
  settleMs,
  wants: "stage",
  scrolling: 0
} as const
const fifty = {
  talkers: 5,
  noisy: 2,
  quiet: 43,
  relays: 5,
  durationMs: 20_000,
  settleMs,
  wants: "grid",
  scrolling: 0
} as const

export const twentyGood: VideoScenario = { ...twenty, scenario: "twenty-good", poorKbps: [] }
export const twentyMixed: VideoScenario = {
  ...twenty,
  scenario: "twenty-mixed",
  poorKbps: [400, 600, 800],
  pair: twentyGood.scenario
}
export const fiftyGrid: VideoScenario = { ...fifty, scenario: "fifty-grid", poorKbps: [] }
export const scrolling: VideoScenario = { ...twenty, scenario: "scrolling", poorKbps: [], scrolling: 3 }

/** A pair comes before who is compared with it. */
export const scenarios: ReadonlyArray<VideoScenario> = [twentyGood, twentyMixed, fiftyGrid, scrolling]

const gridSize = 9
const gridPx = 180
const stagePx = 360
/** Who scrolls looks at a page for so long, and moves on by so many. Milliseconds. */
const pageMs = 4000
const pageStep = 5

/** One source that a device wants to see: whose, and how. */
export interface Wish extends Omit<SubscriptionEntry, "ssrc"> {
  readonly from: number
}

/** What a device wants to see then. `speaker`: the dominant one, as far as the device knows; -1: nobody. */
export const wishesOf = (
  scenario: Pick<VideoScenario, "wants">,
  device: number,
  people: number,
  isScrolling: boolean,
  speaker: number,
  nowMs: number
): ReadonlyArray<Wish> => {
  const others = Array.from({ length: people - 1 }, (_, i) => (device + 1 + i) % people)
  const first = isScrolling ? pageStep * Math.floor(nowMs / pageMs) : 0
  const inOrder = others.map((_, i) => others[(first + i) % others.length]!)
  const hasStage = scenario.wants === "stage" && !isScrolling && speaker >= 0 && speaker !== device
  const small = inOrder.filter((from) => !hasStage || from !== speaker).slice(0, hasStage ? gridSize - 1 : gridSize)
  const stage: ReadonlyArray<Wish> = hasStage ? [{ from: speaker, place: "on-stage", heightPx: stagePx }] : []
  return [...stage, ...small.map((from): Wish => ({ from, place: "grid", heightPx: gridPx }))]
}
