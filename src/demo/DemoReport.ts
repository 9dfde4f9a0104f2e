import { Schema } from "effect"
import type { FrameRecord } from "../client/tracks/FrameLog.ts"
import * as DemoRelay from "./DemoRelay.ts"
import * as MachineStalls from "./MachineStalls.ts"

const Percentiles = Schema.Struct({ p50: Schema.Finite, p99: Schema.Finite })

/** One stream on its way from one participant to another. */
export const StreamReport = Schema.Struct({
  from: Schema.String,
  to: Schema.String,
  kind: Schema.Literals(["audio", "video"]),
  framesSent: Schema.Int,
  framesReceived: Schema.Int,
  /** Bit for bit what was sent, and here within `identicalWithinMs` of sending. */
  framesIdentical: Schema.Int,
  /** Not what was sent, however late. */
  framesAltered: Schema.Int,
  /** Late or missing, and in time but for what the machine stood still meanwhile. */
  framesHeldUp: Schema.Int,
  /** Of these, what never came. */
  framesHeldUpMissing: Schema.Int,
  packetsSent: Schema.Int,
  /** Lost at their first sending, on either hop. */
  packetsLost: Schema.Int,
  /** Of them, brought by a resend. */
  packetsRepaired: Schema.Int,
  repairedUpstream: Schema.Int,
  repairedDownstream: Schema.Int,
  /** From sending to arrival, less the delay of the links. Milliseconds. */
  lateMs: Percentiles
})
export type StreamReport = typeof StreamReport.Type

/** What a demo prints with --json. */
export const DemoReport = Schema.Struct({
  participants: Schema.Int,
  streams: Schema.Array(StreamReport),
  stalls: MachineStalls.StallReport,
  relay: DemoRelay.RelayWork
})
export type DemoReport = typeof DemoReport.Type

/** A later frame is of no use to a conversation. Milliseconds. */
export const identicalWithinMs = 300

/** What one stream needs for its row. */
export interface StreamEvidence {
  readonly from: string
  readonly to: string
  readonly kind: "audio" | "video"
  readonly sent: ReadonlyArray<FrameRecord>
  readonly received: ReadonlyArray<FrameRecord>
  readonly packetsSent: number
  readonly packetsReceived: number
  readonly repairedUpstream: number
  readonly repairedDownstream: number
  /** Configured delay of both hops together. */
  readonly delayMs: number
  /** So long the receiver has waited for what was missing. Milliseconds. */
  readonly playoutDelayMs: number
  readonly stalls: ReadonlyArray<MachineStalls.Stall>
}

export const streamReport = (evidence: StreamEvidence): StreamReport => {
  const { delayMs, packetsReceived, packetsSent, playoutDelayMs, repairedDownstream, repairedUpstream, stalls } =
    evidence
  const received = new Map(evidence.received.map((record) => [record.timestamp, record]))
  const lateMs: Array<number> = []
  let framesIdentical = 0
  let framesAltered = 0
  let framesHeldUp = 0
  let framesHeldUpMissing = 0
  for (const sent of evidence.sent) {
    const arrived = received.get(sent.timestamp)
    // What is missing took as long as it was waited for, at least.
    const tookMs = arrived === undefined ? playoutDelayMs : arrived.atMs - sent.atMs
    if (arrived !== undefined) lateMs.push(tookMs - delayMs)
    if (arrived !== undefined && arrived.digest !== sent.digest) framesAltered++
    else if (arrived !== undefined && tookMs <= identicalWithinMs) framesIdentical++
    else {
      // What had piled up just before it was sent went first.
      const stalledMs = MachineStalls.stalledBetween(stalls, sent.atMs - identicalWithinMs, sent.atMs + tookMs)
      if (tookMs - stalledMs > identicalWithinMs) continue
      framesHeldUp++
      if (arrived === undefined) framesHeldUpMissing++
    }
  }
  const packetsRepaired = repairedUpstream + repairedDownstream
  return {
    from: evidence.from,
    to: evidence.to,
    kind: evidence.kind,
    framesSent: evidence.sent.length,
    framesReceived: received.size,
    framesIdentical,
    framesAltered,
    framesHeldUp,
    framesHeldUpMissing,
    packetsSent,
    packetsLost: packetsSent - packetsReceived + packetsRepaired,
    packetsRepaired,
    repairedUpstream,
    repairedDownstream,
    lateMs: { p50: percentile(lateMs, 0.5), p99: percentile(lateMs, 0.99) }
  }
}

/** Nearest rank; 0 of nothing. One decimal is all that the clocks are good for. */
const percentile = (values: ReadonlyArray<number>, share: number): number => {
  const sorted = values.toSorted((a, b) => a - b)
  const value = sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0
  return Math.round(value * 10) / 10
}

const columns: ReadonlyArray<readonly [title: string, cell: (row: StreamReport) => string]> = [
  ["from", ({ from }) => from],
  ["to", ({ to }) => to],
  ["kind", ({ kind }) => kind],
  ["frames", ({ framesSent }) => String(framesSent)],
  ["identical", ({ framesIdentical, framesSent }) => share(framesIdentical, framesSent)],
  ["packets", ({ packetsSent }) => String(packetsSent)],
  ["lost", ({ packetsLost, packetsSent }) => share(packetsLost, packetsSent)],
  ["repaired up", ({ repairedUpstream }) => String(repairedUpstream)],
  ["repaired down", ({ repairedDownstream }) => String(repairedDownstream)],
  ["late p50", ({ lateMs }) => `${lateMs.p50} ms`],
  ["late p99", ({ lateMs }) => `${lateMs.p99} ms`]
]

const share = (part: number, whole: number): string => `${((100 * part) / Math.max(1, whole)).toFixed(2)} %`

/** The same for people. */
export const format = ({ relay, stalls, streams }: DemoReport): string => {
  const rows = [columns.map(([title]) => title), ...streams.map((row) => columns.map(([, cell]) => cell(row)))]
  const widths = columns.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)))
  const lines = rows.map((row) => row.map((cell, column) => cell.padStart(widths[column]!)).join("  "))
  const sum = (of: (row: StreamReport) => number) => streams.reduce((total, row) => total + of(row), 0)
  const frames = sum(({ framesSent }) => framesSent)
  const identical = sum(({ framesIdentical }) => framesIdentical)
  const heldUp = sum(({ framesHeldUp }) => framesHeldUp)
  return [
    ...lines,
    "",
    `${share(identical, frames)} of ${frames} frames were identical within ${identicalWithinMs} ms of sending`,
    ...(heldUp === 0
      ? []
      : [
          `${share(heldUp, frames)} were late or missing because the machine stood still, for ${stalls.longestMs} ms at the longest`
        ]),
    DemoRelay.formatWork(relay)
  ].join("\n")
}
