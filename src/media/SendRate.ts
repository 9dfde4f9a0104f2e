import type { Feedback } from "../protocol/Feedback.ts"
import * as BandwidthEstimator from "./bandwidth/BandwidthEstimator.ts"
import * as ProbeControl from "./bandwidth/ProbeControl.ts"
import type * as DepartureRecorder from "./DepartureRecorder.ts"
import type { LegKind } from "./LegKind.ts"
import * as Pacer from "./Pacer.ts"
import * as PacketQueue from "./PacketQueue.ts"

/**
 * What a leg's sender knows of the rate that its path carries, and what waits for its turn. A leg that has never sent
 * video has none: audio is too little to be measured by, and never waits. Owned by one leg and changed in place.
 */
export interface SendRate {
  readonly estimator: BandwidthEstimator.BandwidthEstimator
  readonly pacer: Pacer.Pacer
  readonly queue: PacketQueue.PacketQueue
  /** Repair sequences of video that was asked for and waits, before the queue: of the `n`th at `n % length`. */
  readonly resends: Int32Array
  resendFirst: number
  resendCount: number
  /** What is left of what goes faster at the start. */
  startBytesLeft: number
  /** Of the probe that is being sent: since when, and how much of it has been, media too. */
  probeSinceMs: number
  probePackets: number
  probeBytes: number
  /** When there is something to do again, as `noteDeadline` has found: a field, because it is looked at with every packet. */
  deadlineMs: number
}

/** More are asked for again. */
const resendsMax = 256
/** What would wait longer at the paced rate makes the queue be shortened. Milliseconds. */
export const drainMsMax = 300
/**
 * What is left then waits no longer than this: the rate rises, whatever the estimate says. Half of the time after which
 * video is of no use. Milliseconds.
 */
export const waitMsMax = 500
/**
 * So much goes at this pace at the start, whatever the estimate: a small key frame. Nothing is known of the path yet, and TCP sends as
 * much before it knows anything (RFC 6928 section 2: ten segments), within a round trip. Bytes, bits a second.
 */
export const startBytes = 14_600
export const startPaceBps = 2_400_000
/** A rate needs some time. Two ticks of the timers. Milliseconds. */
const leftMsMin = 10

export const make = (kind: LegKind, firstHopSequence: number, bandwidth = kind.bandwidth): SendRate => {
  const estimator = BandwidthEstimator.make(kind, firstHopSequence, bandwidth)
  const pacer = Pacer.make()
  // Nothing has been sent yet: as much as may be saved up is there.
  pacer.remainingBytes = Infinity
  const self: SendRate = {
    estimator,
    pacer,
    queue: PacketQueue.make(kind),
    resends: new Int32Array(resendsMax),
    resendFirst: 0,
    resendCount: 0,
    startBytesLeft: startBytes,
    probeSinceMs: 0,
    probePackets: 0,
    probeBytes: 0,
    deadlineMs: -Infinity
  }
  setPace(self, 0)
  return self
}

/** Call with every datagram of the leg. Without IP and UDP headers. */
export const handleSent = (self: SendRate, bytes: number, nowMs: number): void => {
  BandwidthEstimator.handleSent(self.estimator, bytes)
  Pacer.handleSent(self.pacer, bytes + BandwidthEstimator.datagramOverheadBytes, nowMs)
  self.startBytesLeft = Math.max(0, self.startBytesLeft - bytes - BandwidthEstimator.datagramOverheadBytes)
  if (self.estimator.probeId === 0) return
  self.probePackets++
  self.probeBytes += bytes + BandwidthEstimator.datagramOverheadBytes
}

/** Call with every report of the leg's receiver. */
export const handleReport = (
  self: SendRate,
  departures: DepartureRecorder.DepartureRecorder,
  report: Feedback,
  roundTripMs: number,
  nowMs: number
): void => {
  BandwidthEstimator.handleReport(self.estimator, departures, report, roundTripMs, nowMs)
  setPace(self, nowMs)
  noteDeadline(self)
}

/** Brings the pace up to date with the estimate and the queue. */
export const setPace = ({ estimator, pacer, queue, startBytesLeft }: SendRate, nowMs: number): void => {
  const estimatedBps = Pacer.pacingFactor * estimator.targetBps
  const pacedBps = startBytesLeft > 0 ? Math.max(startPaceBps, estimatedBps) : estimatedBps
  if (queue.count === 0) {
    Pacer.setRate(pacer, pacedBps)
    return
  }
  const leftMs = Math.max(leftMsMin, queue.queuedAtMs[queue.first]! + waitMsMax - nowMs)
  Pacer.setRate(pacer, Math.max(pacedBps, (queue.bytes * 8000) / leftMs))
}

/** Whether what waits would wait too long. */
export const isTooLong = ({ estimator, queue }: SendRate): boolean =>
  queue.bytes * 8000 > drainMsMax * Pacer.pacingFactor * estimator.targetBps

/** False when too many wait. */
export const putResend = (self: SendRate, repairSequence: number): boolean => {
  if (self.resendCount === resendsMax) return false
  self.resends[(self.resendFirst + self.resendCount++) % resendsMax] = repairSequence
  noteDeadline(self)
  return true
}

/** Of those that wait, the first. */
export const takeResend = (self: SendRate): number => {
  const repairSequence = self.resends[self.resendFirst]!
  self.resendFirst = (self.resendFirst + 1) % resendsMax
  self.resendCount--
  return repairSequence
}

/** Brings `deadlineMs` up to date: call when anything has been queued, sent from the queue, or reported. */
export const noteDeadline = (self: SendRate): void => {
  const { estimator, pacer, probeBytes, probeSinceMs, queue, resendCount } = self
  const { probes } = estimator
  const isProbing = estimator.probeId > 0
  self.deadlineMs = isProbing
    ? probeSinceMs + (probeBytes * 8000) / probes.probeBps
    : ProbeControl.nextDeadlineMs(probes)
  if (queue.count > 0 || resendCount > 0) self.deadlineMs = Math.min(self.deadlineMs, Pacer.nextOpenMs(pacer))
}
