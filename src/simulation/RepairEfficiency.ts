import * as AudioSource from "./AudioSource.ts"
import type { LabDevice } from "./LabDevice.ts"
import type * as LossProcess from "./LossProcess.ts"
import * as Topology from "./Topology.ts"

/**
 * What repair leaves of random losses, and what it costs: a device with voice and video, its relay, and losses between them both
 * ways that end after a minute. Behind the relay is a perfect hop to a device that plays what comes.
 */

export const name = "repair"
export const title = "what resends and repair packets leave of random losses, and what they cost"

/** One figure is of this: how long the hop is, how much it loses, and whether repair packets are sent. */
export interface Setting {
  readonly roundTripMs: number
  readonly lossRatio: number
  readonly protects: boolean
}

/** Of several calls, the same for the same seeds. Shares are 0..1. */
export interface Efficiency extends Setting {
  readonly calls: number
  readonly playoutMs: number
  readonly videoPacketsPerSecond: number
  /** Of the packets that were not there in time. The mean, and of the worst call. */
  readonly videoMissed: number
  readonly videoMissedMax: number
  readonly audioMissed: number
  readonly audioMissedMax: number
  /** Bytes of repair packets, and of what was sent again, for each byte that was sent for the first time. */
  readonly repairShare: number
  readonly repairShareMax: number
  readonly repeatedShare: number
  /** After the last loss: until the last repair packet, and until the last copy of audio. Milliseconds; `null`: none was sent. */
  readonly repairsEndMs: number | null
  readonly copiesEndMs: number | null
}

/** What the far device waits before it plays, on top of the way. Milliseconds. */
const playoutMs = 100
const beyondRelayMs = 10
/** 187 packets a second. Bits a second. */
const videoBps = 1_500_000
/** Reports have to come before anything can be done. Milliseconds. */
const settledMs = 5000
const lossMs = 60_000
const endMs = 90_000
const stepMs = 100

const settings: ReadonlyArray<Setting> = [200, 100, 60].flatMap((roundTripMs) =>
  [0.05, 0.1].flatMap((lossRatio) => [false, true].map((protects) => ({ roundTripMs, lossRatio, protects })))
)

export const run = (seeds: ReadonlyArray<string>, of: ReadonlyArray<Setting> = settings): ReadonlyArray<Efficiency> =>
  of.map((setting) => {
    const calls = seeds.map((seed) => runCall(setting, seed))
    const mean = (key: keyof Figures): number => rounded(sum(calls.map((call) => call[key] ?? 0)) / calls.length)
    const max = (key: keyof Figures): number => rounded(Math.max(...calls.map((call) => call[key] ?? 0)))
    const last = (key: keyof Figures): number | null => (calls.every((call) => call[key] === null) ? null : max(key))
    return {
      ...setting,
      calls: calls.length,
      playoutMs,
      videoPacketsPerSecond: Math.round(mean("videoPacketsPerSecond")),
      videoMissed: mean("videoMissed"),
      videoMissedMax: max("videoMissed"),
      audioMissed: mean("audioMissed"),
      audioMissedMax: max("audioMissed"),
      repairShare: mean("repairShare"),
      repairShareMax: max("repairShare"),
      repeatedShare: mean("repeatedShare"),
      repairsEndMs: last("repairsEndMs"),
      copiesEndMs: last("copiesEndMs")
    }
  })

interface Figures {
  readonly videoPacketsPerSecond: number
  readonly videoMissed: number
  readonly audioMissed: number
  readonly repairShare: number
  readonly repeatedShare: number
  readonly repairsEndMs: number | null
  readonly copiesEndMs: number | null
}

const runCall = ({ lossRatio, protects, roundTripMs }: Setting, seed: string): Figures => {
  const losses: LossProcess.LossModel = {
    kind: "outages",
    firstAtMs: 0,
    lengthMs: lossMs,
    everyMs: Infinity,
    lossRatio
  }
  const call = Topology.make({
    seed,
    topology: { kind: "active", delaysMs: [roundTripMs / 2, beyondRelayMs] },
    links: { "a-up": { loss: losses }, "a-down": { loss: losses } },
    audio: AudioSource.continuous,
    devices: { a: { videoBps }, b: { videoBps: 0 } },
    playoutDelayMs: playoutMs,
    protects
  })
  Topology.runUntil(call, settledMs)
  const before = totalsOf(call.a, call.b)
  Topology.runUntil(call, lossMs)
  const after = totalsOf(call.a, call.b)
  const grown = (key: keyof Totals): number => after[key] - before[key]
  const mediaBytes = grown("mediaBytes")
  return {
    videoPacketsPerSecond: (grown("videoPackets") + grown("videoMissed")) / ((lossMs - settledMs) / 1000),
    videoMissed: grown("videoMissed") / (grown("videoPackets") + grown("videoMissed")),
    audioMissed: grown("audioMissed") / (grown("audioPackets") + grown("audioMissed")),
    repairShare: grown("repairBytes") / mediaBytes,
    repeatedShare: grown("repeatedBytes") / mediaBytes,
    ...lastRepairs(call)
  }
}

interface Totals {
  readonly mediaBytes: number
  readonly repairBytes: number
  readonly repeatedBytes: number
  readonly audioPackets: number
  readonly audioMissed: number
  readonly videoPackets: number
  readonly videoMissed: number
}

/** What has been sent by `a`, and what of it `b` has got in time. */
const totalsOf = (a: LabDevice, b: LabDevice): Totals => {
  const { mediaBytes, repairBytes, repeatedBytes } = a.node.paths.find((path) => path !== undefined)!.counters
  const of = (kind: string) => b.receiving.find(({ description }) => description.kind === kind)!
  const [audio, video] = [of("audio"), of("video")]
  return {
    mediaBytes,
    repairBytes,
    repeatedBytes,
    audioPackets: audio.packets - audio.ordered.packetsLate,
    audioMissed: audio.ordered.packetsMissed,
    videoPackets: video.packets - video.ordered.packetsLate,
    videoMissed: video.ordered.packetsMissed
  }
}

/** Runs the call to its end. */
const lastRepairs = (call: Topology.Call): Pick<Figures, "repairsEndMs" | "copiesEndMs"> => {
  const { send } = call.a.leg
  const lastMs = { repairsSent: 0, copiesSent: 0 }
  for (let nowMs = lossMs + stepMs; nowMs <= endMs; nowMs += stepMs) {
    const { copiesSent, repairsSent } = send
    Topology.runUntil(call, nowMs)
    if (send.repairsSent > repairsSent) lastMs.repairsSent = nowMs - lossMs
    if (send.copiesSent > copiesSent) lastMs.copiesSent = nowMs - lossMs
  }
  return {
    repairsEndMs: send.repairsSent === 0 ? null : lastMs.repairsSent,
    copiesEndMs: send.copiesSent === 0 ? null : lastMs.copiesSent
  }
}

const sum = (values: ReadonlyArray<number>): number => values.reduce((total, value) => total + value, 0)

const rounded = (value: number): number => Number(value.toFixed(5))
