import * as OrderedStream from "../../media/OrderedStream.ts"
import type { Bounds } from "../../media/PlayoutDelay.ts"
import * as LossProcess from "../LossProcess.ts"
import * as Samples from "../Samples.ts"
import * as Topology from "../Topology.ts"

/**
 * The scenario of freezes, stalls and detours: a minute of a call of two who take turns to speak, with cameras that follow
 * their estimates up to 1 Mbit/s, 150 ms from a to b. Both access links are bad, each way, by one of three models: all of
 * them are reported. Nothing is lost between relays. Each seed is one call over each topology, with the same losses. It was
 * written down before anything was measured with it.
 */

export const callMs = 60_000
const videoMaxBps = 1_000_000

/** One relay in the middle: what the articles compare with. */
export const one: Topology.Topology = { kind: "active", delaysMs: [75, 75] }
/** Two, with access legs of 30 % of the way: what the articles' figure for feedback comes to. */
export const two: Topology.Topology = { kind: "tandem", delaysMs: [45, 60, 45] }
/** The way between the two goes through a third region: 100 ms longer. */
export const detour: Topology.Topology = { kind: "tandem", delaysMs: [45, 160, 45] }

export const lossModels = {
  "2 % loss": LossProcess.named.random2,
  "bursts of 120 ms": LossProcess.named.bursts120,
  "outages of 300 ms": LossProcess.named.outages300
} as const
export type LossModelName = keyof typeof lossModels

/** How who listens buffers: as a device does, or with a delay that is fixed. */
export const buffers = { "a delay that adapts": OrderedStream.adaptive, "a delay of 200 ms": 200 } as const satisfies {
  readonly [name: string]: number | Bounds
}
export type Buffer = keyof typeof buffers

/** What was seen and heard at both ends. */
export interface Outcome {
  /** WebRTC's freezeCount. */
  readonly freezes: number
  /** NetEq's interruptionCount. */
  readonly stalls: number
  /** Median from mouth to ear. Milliseconds. */
  readonly mouthToEarMs: number
}

export const outcomeOf = (
  seed: string,
  topology: Topology.Topology,
  lossModel: LossModelName,
  buffer: Buffer,
  durationMs: number
): Outcome => {
  const camera = { videoBps: videoMaxBps, videoMaxBps }
  const call = Topology.make({
    seed,
    topology,
    access: { loss: lossModels[lossModel] },
    devices: { a: camera, b: camera },
    playoutDelayMs: buffers[buffer]
  })
  Topology.runUntil(call, durationMs)
  Topology.finish(call)
  let freezes = 0
  let stalls = 0
  let mouthToEarMs = 0
  for (const { receiving } of [call.a, call.b]) {
    const [audio, video] = receiving
    freezes += video!.freezes.freezes
    stalls += audio!.stalls.interruptions
    mouthToEarMs += Samples.quantile(audio!.delaysMs, 0.5) / 2
  }
  return { freezes, stalls, mouthToEarMs }
}
