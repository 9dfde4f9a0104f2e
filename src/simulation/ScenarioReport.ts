import type { Presence } from "./LabDevice.ts"

/** What a run has measured: every series has one value for each step, and of a step's whole length. Plain data. */
export interface ScenarioReport {
  readonly scenario: string
  readonly title: string
  readonly seed: string
  readonly durationMs: number
  readonly stepMs: number
  readonly bottlenecks: ReadonlyArray<Bottleneck>
  readonly flows: ReadonlyArray<Flow>
  readonly summary: Summary
}

export type Direction = "forward" | "backward"
export const directions: ReadonlyArray<Direction> = ["forward", "backward"]

export interface Bottleneck {
  readonly name: Direction
  readonly capacityBps: Array<number>
  /** Mean over the packets that came in the step, until the last byte of each has left. */
  readonly queueMs: Array<number>
}

/** Rates are of all that is on the wire, headers of IP and UDP, resends, probes and feedback too. */
export interface Flow {
  readonly kind: "media" | "tcp"
  readonly name: string
  readonly direction: Direction
  /** Of media. */
  readonly videoMaxBps?: number
  readonly presence?: Presence
  /** The sender's, at the end of the step. */
  readonly estimateBps?: Array<number>
  readonly sentBps: Array<number>
  readonly receivedBps: Array<number>
  readonly lostPackets: Array<number>
  /** Of media: lost ones that came again, at the end of the hop. */
  readonly repairedPackets?: Array<number>
}

export interface Summary {
  readonly bottlenecks: ReadonlyArray<BottleneckSummary>
  readonly flows: ReadonlyArray<FlowSummary>
}

export interface BottleneckSummary {
  readonly name: Direction
  /** Received after the first 10 s, of what could have been: the capacity, or all that the sources have. */
  readonly utilisation: number
  readonly queueMsP50: number
  readonly queueMsP95: number
  readonly queueMsMax: number
  readonly lossRatio: number
  /** Of media flows, as `share`: 1 when all get the same (Jain). `null` with fewer than two. */
  readonly fairness: number | null
  /** Each time that the capacity changes: `afterMs` is `null` when it does not come to it before the next time. */
  readonly drops: ReadonlyArray<Change>
  readonly rises: ReadonlyArray<Change>
}

export interface Change {
  readonly atMs: number
  readonly fromBps: number
  readonly toBps: number
  readonly afterMs: number | null
}

export interface FlowSummary {
  readonly name: string
  readonly kind: "media" | "tcp"
  readonly direction: Direction
  readonly receivedBps: number
  /** Of what all flows of the direction get, in the second half of the time in which all are there; `null`: never. */
  readonly share: number | null
  readonly lostPackets: number
  readonly repairedPackets: number | null
  readonly freezes: number | null
  readonly freezeMs: number | null
}

/** Milliseconds. */
export const stepMs = 100

export const makeFlow = (
  kind: Flow["kind"],
  name: string,
  direction: Direction,
  media?: { readonly videoMaxBps: number; readonly presence: Presence }
): Flow => ({
  kind,
  name,
  direction,
  ...media,
  ...(kind === "media" ? { estimateBps: [], repairedPackets: [] } : {}),
  sentBps: [],
  receivedBps: [],
  lostPackets: []
})
