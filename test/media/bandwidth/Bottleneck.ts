import * as AcknowledgedRate from "../../../src/media/bandwidth/AcknowledgedRate.ts"
import * as DelayBasedEstimator from "../../../src/media/bandwidth/DelayBasedEstimator.ts"
import { type Usage } from "../../../src/media/bandwidth/OveruseDetector.ts"

/** A path with one narrow place, and a queue in front of it that drops what does not fit. */
export interface Path {
  readonly capacityBps: (nowMs: number) => number
  /** What the queue holds, as the time it takes at the capacity of the moment. */
  readonly queueMsMax: number
  /** Each way, without the queue. */
  readonly propagationMs: number
  /** Of the receiver's clock against the sender's. */
  readonly receiverClock: (nowMs: number) => number
  /** Added on the way of each packet; they do not overtake each other. */
  readonly jitterMs?: (packet: number) => number
}

export interface Moment {
  readonly atMs: number
  readonly targetBps: number
  readonly usage: Usage
  readonly hasRecovered: boolean
}

export interface Run {
  /** One for each report. */
  readonly moments: ReadonlyArray<Moment>
  /** Of each packet that came through: when it left the queue, how long it was in it. */
  readonly passed: ReadonlyArray<{ readonly atMs: number; readonly queueMs: number }>
  readonly dropped: number
}

interface Packet {
  readonly sentAtMs: number
  arrivedAtMs: number
}

export const packetBytes = 1200
const reportMs = 100
const tickMs = 0.25

/** Sends what the estimator says, in packets at even distances, for `untilMs`. */
export const run = (
  path: Path,
  options: { readonly startBps: number; readonly maxBps: number },
  untilMs: number
): Run => {
  const estimator = DelayBasedEstimator.make(options)
  const acknowledged = AcknowledgedRate.make()
  const moments: Array<Moment> = []
  const passed: Array<{ atMs: number; queueMs: number }> = []
  const waiting: Array<Packet> = []
  let arrived: Array<Packet> = []
  const reports: Array<{ readonly atMs: number; readonly packets: Array<Packet> }> = []
  let dropped = 0
  let freeAtMs = 0
  let nextSendMs = 0
  let nextReportMs = reportMs
  let roundTripMs = 100
  let packets = 0
  let lastArrivalMs = 0

  const serveUntil = (nowMs: number): void => {
    while (waiting.length > 0) {
      const packet = waiting[0]!
      const startMs = Math.max(freeAtMs, packet.sentAtMs)
      const endMs = startMs + (packetBytes * 8000) / path.capacityBps(startMs)
      if (endMs > nowMs) return
      waiting.shift()
      freeAtMs = endMs
      passed.push({ atMs: endMs, queueMs: startMs - packet.sentAtMs })
      lastArrivalMs = Math.max(lastArrivalMs, endMs + path.propagationMs + (path.jitterMs?.(packets++) ?? 0))
      packet.arrivedAtMs = lastArrivalMs
      arrived.push(packet)
    }
  }

  for (let nowMs = 0; nowMs <= untilMs; nowMs += tickMs) {
    serveUntil(nowMs)
    while (nextSendMs <= nowMs) {
      const queueMs = (waiting.length * packetBytes * 8000) / path.capacityBps(nowMs)
      if (queueMs >= path.queueMsMax) dropped++
      else waiting.push({ sentAtMs: nextSendMs, arrivedAtMs: NaN })
      nextSendMs += (packetBytes * 8000) / estimator.targetBps
    }
    if (nowMs >= nextReportMs) {
      nextReportMs += reportMs
      const isThere = ({ arrivedAtMs }: Packet): boolean => arrivedAtMs <= nowMs
      reports.push({ atMs: nowMs + path.propagationMs, packets: arrived.filter(isThere) })
      arrived = arrived.filter((packet) => !isThere(packet))
    }
    while (reports.length > 0 && reports[0]!.atMs <= nowMs) {
      const { atMs, packets } = reports.shift()!
      for (const { arrivedAtMs, sentAtMs } of packets) {
        const receiverMs = Math.round(path.receiverClock(arrivedAtMs) / tickMs) * tickMs
        const packet = { sentAtMs, arrivedAtMs: receiverMs, bytes: packetBytes }
        AcknowledgedRate.handlePacket(acknowledged, packet)
        DelayBasedEstimator.handlePacket(estimator, packet, nowMs)
        const holdMs = atMs - path.propagationMs - arrivedAtMs
        roundTripMs += (nowMs - sentAtMs - holdMs - roundTripMs) / 8
      }
      const acknowledgedBps = acknowledged.rateBps
      const input = { acknowledgedBps, probeBps: NaN, drainedBps: NaN, roundTripMs, isApplicationLimited: false }
      DelayBasedEstimator.handleReport(estimator, input, nowMs)
      const { hasRecovered, targetBps, usage } = estimator
      moments.push({ atMs: nowMs, targetBps, usage, hasRecovered })
    }
  }
  return { moments, passed, dropped }
}

/** Of the capacity, what came through from one time to another. */
export const utilization = ({ passed }: Run, path: Path, fromMs: number, untilMs: number): number => {
  const count = passed.filter(({ atMs }) => atMs >= fromMs && atMs < untilMs).length
  let capacityBits = 0
  for (let atMs = fromMs; atMs < untilMs; atMs++) capacityBits += path.capacityBps(atMs) / 1000
  return (count * packetBytes * 8) / capacityBits
}

/** The queueing delay that this share of the packets had at most. */
export const queueMsAt = ({ passed }: Run, share: number, fromMs: number, untilMs: number): number => {
  const delays = passed.filter(({ atMs }) => atMs >= fromMs && atMs < untilMs).map(({ queueMs }) => queueMs)
  return delays.sort((a, b) => a - b)[Math.ceil(share * delays.length) - 1] ?? NaN
}
