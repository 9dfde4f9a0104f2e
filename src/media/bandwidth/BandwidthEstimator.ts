import * as Feedback from "../../protocol/Feedback.ts"
import * as SequenceNumber from "../../protocol/SequenceNumber.ts"
import * as DepartureRecorder from "../DepartureRecorder.ts"
import type { LegKind } from "../LegKind.ts"
import * as AcknowledgedRate from "./AcknowledgedRate.ts"
import * as ApplicationLimited from "./ApplicationLimited.ts"
import * as DelayBasedEstimator from "./DelayBasedEstimator.ts"
import * as DeliveryRate from "./DeliveryRate.ts"
import * as LossBasedEstimator from "./LossBasedEstimator.ts"
import { Usage } from "./OveruseDetector.ts"
import * as ProbeControl from "./ProbeControl.ts"
import * as ProbedFrames from "./ProbedFrames.ts"
import * as ProbeResults from "./ProbeResults.ts"
import * as QueueDelay from "./QueueDelay.ts"
import * as QueueDrain from "./QueueDrain.ts"
import type * as RateControl from "./RateControl.ts"
import * as ReceiverClock from "./ReceiverClock.ts"
import * as ReportedPacket from "./ReportedPacket.ts"

/**
 * How much may be sent on a leg. What its receiver reports of every frame, that it has come and when, or that it has not,
 * becomes delays, losses and a rate that arrives; the lower of the delay-based and the loss-based estimate counts. After
 * libwebrtc GoogCcNetworkController. Owned by exactly one leg's sender and changed in place.
 */
export interface BandwidthEstimator {
  /** What the path is believed to carry, IP and UDP headers included. Bits a second. */
  targetBps: number
  /** Whoever sends would send more if it might: so it is worth finding out now and then whether the path carries more. */
  wantsMore: boolean
  readonly kind: LegKind
  readonly clock: ReceiverClock.ReceiverClock
  /** Scratch, of the packet that is being taken in. */
  readonly packet: ReportedPacket.ReportedPacket
  /** What is known with the newest report. */
  readonly input: ReportInput
  readonly acknowledged: AcknowledgedRate.AcknowledgedRate
  readonly delay: DelayBasedEstimator.DelayBasedEstimator
  readonly loss: LossBasedEstimator.LossBasedEstimator
  readonly applicationLimited: ApplicationLimited.ApplicationLimited
  /** At the last report. */
  wasOverusing: boolean
  /** Since the last report. */
  sentBytes: number
  /** Over the last window that is whole, and in the one that is not. Bits a second, bytes. */
  sentBps: number
  windowBytes: number
  windowSinceMs: number
  readonly queue: QueueDelay.QueueDelay
  readonly delivery: DeliveryRate.DeliveryRate
  readonly drain: QueueDrain.QueueDrain
  readonly probes: ProbeControl.ProbeControl
  readonly probeResults: ProbeResults.ProbeResults
  /** First hop sequence that no report has told of; what comes before is not believed a second time. */
  nextReported: number
  readonly probed: ProbedFrames.ProbedFrames
  /** The probe whose frames are being sent; 0: none. */
  probeId: number
}

type ReportInput = { -readonly [Key in keyof AllInput]: AllInput[Key] }
type AllInput = DelayBasedEstimator.ReportInput & LossBasedEstimator.Input & QueueDrain.ReportInput

/** Bounds of the estimate, and what is assumed before anything has been reported. Bits a second. */
export interface Options extends Required<RateControl.Options> {
  /** No probe is faster: above, only what is really sent shows what is carried. */
  readonly probeMaxBps: number
}

/** Over which what is sent is measured: about as long as what arrives is. Milliseconds. */
const windowMs = 200

/** Headers of IPv4 and UDP, which a link carries too. Bytes. */
export const datagramOverheadBytes = 28

export const make = (kind: LegKind, firstHopSequence: number, options: Options): BandwidthEstimator => ({
  targetBps: options.startBps,
  wantsMore: false,
  kind,
  clock: ReceiverClock.make(),
  packet: ReportedPacket.make(),
  input: {
    acknowledgedBps: Number.NaN,
    probeBps: Number.NaN,
    drainedBps: Number.NaN,
    queueMs: 0,
    standsMs: 0,
    estimateBps: Number.NaN,
    delayBasedBps: Number.NaN,
    roundTripMs: Number.NaN,
    isApplicationLimited: false
  },
  acknowledged: AcknowledgedRate.make(),
  delay: DelayBasedEstimator.make(options),
  loss: LossBasedEstimator.make(options),
  applicationLimited: ApplicationLimited.make(),
  wasOverusing: false,
  sentBytes: 0,
  sentBps: 0,
  windowBytes: 0,
  windowSinceMs: -Infinity,
  queue: QueueDelay.make(),
  delivery: DeliveryRate.make(),
  drain: QueueDrain.make(),
  probes: ProbeControl.make({ ...options, maxBps: options.probeMaxBps }),
  probeResults: ProbeResults.make(),
  nextReported: firstHopSequence,
  probed: ProbedFrames.make(kind),
  probeId: 0
})

/** Call with everything that is sent on the leg. Without IP and UDP headers. */
export const handleSent = (self: BandwidthEstimator, bytes: number): void => {
  self.sentBytes += bytes + datagramOverheadBytes
}

/**
 * What the path is believed to carry for longer: without what is held back for a moment so that its queue empties. Bits a
 * second.
 */
export const capacityBps = ({ delay, loss }: BandwidthEstimator): number =>
  Math.max(loss.minBps, Math.min(delay.targetBps, loss.targetBps))

/** From this hop sequence on, what is sent belongs to the probe that `probes` has given out. */
export const startProbe = (self: BandwidthEstimator, firstHopSequence: number): void => {
  const { bytesMin, packetsMin, probeId } = self.probes
  ProbeResults.start(self.probeResults, probeId, packetsMin, bytesMin)
  ProbedFrames.start(self.probed, probeId, firstHopSequence)
  self.probeId = probeId
}

/** The frame with this hop sequence is not of the probe any more. */
export const endProbe = (self: BandwidthEstimator, endHopSequence: number): void => {
  ProbedFrames.end(self.probed, endHopSequence)
  self.probeId = 0
}

/**
 * Takes in what a report says of arrivals. Each frame counts once, and only if it was sent: a receiver that lies may say
 * that things are better or worse than they are on its own leg, and no more.
 */
export const handleReport = (
  self: BandwidthEstimator,
  departures: DepartureRecorder.DepartureRecorder,
  report: Feedback.Feedback,
  roundTripMs: number,
  nowMs: number
): void => {
  const { arrivalCount, baseHopSequence } = report
  if (arrivalCount === 0) return
  const { mask, shift } = self.kind
  ReceiverClock.handleReference(self.clock, report.referenceTicks)
  const end = (baseHopSequence + arrivalCount) & mask
  const newCount = SequenceNumber.distance(self.nextReported, end, shift)
  const sentSince = SequenceNumber.distance(end, SequenceNumber.next(departures.highest, mask), shift)
  if (newCount <= 0 || sentSince < 0) return
  // From where on they are new, and their departures are still known.
  const first = arrivalCount - Math.min(arrivalCount, newCount, departures.known - sentSince)
  for (let i = first; i < arrivalCount; i++) handlePacket(self, departures, report, i, nowMs)
  self.nextReported = end
  ProbedFrames.forgetBefore(self.probed, end)
  if (first === arrivalCount) return
  QueueDelay.handleReport(self.queue, newestRoundTripMs(self, departures, report, nowMs), nowMs)
  DeliveryRate.handleReport(self.delivery)
  estimate(self, roundTripMs, nowMs)
}

const handlePacket = (
  self: BandwidthEstimator,
  departures: DepartureRecorder.DepartureRecorder,
  report: Feedback.Feedback,
  i: number,
  nowMs: number
): void => {
  const { packet } = self
  const hopSequence = report.baseHopSequence + i
  const at = hopSequence & (departures.sentAtMs.length - 1)
  const ticks = report.arrivalTicks[i]!
  const isLost = ticks === Feedback.notReceived
  packet.sentAtMs = departures.sentAtMs[at]!
  packet.arrivedAtMs = (self.clock.ticks + ticks) / Feedback.ticksPerMs
  packet.bytes = departures.bytes[at]! + datagramOverheadBytes
  LossBasedEstimator.handlePacket(self.loss, packet, isLost)
  if (isLost) return
  AcknowledgedRate.handlePacket(self.acknowledged, packet)
  DeliveryRate.handlePacket(self.delivery, packet)
  QueueDelay.handlePacket(self.queue, packet)
  DelayBasedEstimator.handlePacket(self.delay, packet, nowMs)
  const probeId = ProbedFrames.idOf(self.probed, hopSequence)
  if (probeId > 0) ProbeResults.handlePacket(self.probeResults, probeId, packet)
}

/** Not smoothed: what has changed since the last report is what counts. NaN: nothing new has arrived. */
const newestRoundTripMs = (
  { kind }: BandwidthEstimator,
  departures: DepartureRecorder.DepartureRecorder,
  report: Feedback.Feedback,
  nowMs: number
): number => {
  const newest = Feedback.newestReceived(report)
  if (newest < 0 || report.holdMs < 0) return Number.NaN
  return nowMs - DepartureRecorder.sentAtMs(departures, (report.baseHopSequence + newest) & kind.mask) - report.holdMs
}

const estimate = (self: BandwidthEstimator, roundTripMs: number, nowMs: number): void => {
  const { acknowledged, applicationLimited, delay, drain, input, loss, probeResults, probes, queue } = self
  ApplicationLimited.handleSent(applicationLimited, self.sentBytes, nowMs)
  measureSent(self, nowMs)
  const { isLimited } = applicationLimited
  // A queue that grows says that less arrives from now on than did.
  const isNewOveruse = delay.usage === Usage.Overusing && !self.wasOverusing
  self.wasOverusing = delay.usage === Usage.Overusing
  if (isNewOveruse || (input.isApplicationLimited && !isLimited)) AcknowledgedRate.expectChange(acknowledged)
  input.isApplicationLimited = isLimited
  input.acknowledgedBps = acknowledged.rateBps
  input.roundTripMs = roundTripMs
  const shownBps = ProbeResults.take(probeResults)
  const isShown = !Number.isNaN(shownBps)
  input.probeBps = shownBps
  if (!isShown && isMoreCarried(self)) input.probeBps = acknowledged.rateBps
  input.queueMs = queue.queueMs
  input.standsMs = queue.standsMs
  input.estimateBps = delay.targetBps
  QueueDrain.handleReport(drain, input, self.delivery, nowMs)
  input.drainedBps = drain.estimateBps
  DelayBasedEstimator.handleReport(delay, input, nowMs)
  input.delayBasedBps = delay.targetBps
  // What a probe has shown has arrived as well: without it, who sends little could never show that losses have ended.
  if (shownBps > input.acknowledgedBps) input.acknowledgedBps = shownBps
  LossBasedEstimator.handleReport(loss, input, nowMs)
  self.targetBps = Math.max(loss.minBps, Math.min(delay.targetBps, loss.targetBps, drain.limitBps))
  // A probe into a queue shows nothing, and makes it longer.
  ProbeControl.setPeriodic(probes, self.wantsMore && QueueDelay.isEmpty(queue), nowMs)
  ProbeControl.setLimit(probes, limitOf(self), nowMs)
  ProbeControl.setEstimate(probes, self.targetBps, nowMs)
  if (isShown) ProbeControl.handleResult(probes, shownBps, nowMs)
  if (delay.hasRecovered) ProbeControl.requestAfterDrop(probes, nowMs)
  ApplicationLimited.setEstimate(applicationLimited, self.targetBps)
}

const measureSent = (self: BandwidthEstimator, nowMs: number): void => {
  self.windowBytes += self.sentBytes
  self.sentBytes = 0
  const elapsedMs = nowMs - self.windowSinceMs
  if (elapsedMs < windowMs) return
  self.sentBps = (self.windowBytes * 8000) / elapsedMs
  self.windowBytes = 0
  self.windowSinceMs = nowMs
}

/**
 * A relay forwards what comes, also above its estimate. What arrives of it while the delay does not grow is carried: it
 * shows as much as a probe would. But not what arrives faster than it is sent: that had been waiting in a queue.
 */
const isMoreCarried = ({ acknowledged, delay, sentBps }: BandwidthEstimator): boolean =>
  delay.usage === Usage.Normal && acknowledged.rateBps > delay.targetBps && sentBps >= acknowledged.rateBps

const limitOf = ({ delay, drain, loss }: BandwidthEstimator): ProbeControl.Limit => {
  const isLosing = loss.state === LossBasedEstimator.State.Decreasing
  if (drain.isDraining || delay.usage === Usage.Overusing || isLosing) return ProbeControl.Limit.Congestion
  return loss.state === LossBasedEstimator.State.Increasing
    ? ProbeControl.Limit.LossRecovering
    : ProbeControl.Limit.None
}
