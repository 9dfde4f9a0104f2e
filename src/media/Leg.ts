import * as RepairWork from "./fec/RepairWork.ts"
import * as Feedback from "../protocol/Feedback.ts"
import * as HopFrame from "../protocol/HopFrame.ts"
import * as PacketBatch from "../sockets/PacketBatch.ts"
import * as ArrivalRecorder from "./ArrivalRecorder.ts"
import * as AudioCopies from "./AudioCopies.ts"
import * as DepartureRecorder from "./DepartureRecorder.ts"
import * as KeyFrameAsks from "./KeyFrameAsks.ts"
import * as KeyFrameRequest from "./KeyFrameRequest.ts"
import * as LegKind from "./LegKind.ts"
import * as NackGenerator from "./NackGenerator.ts"
import type { PacketRings } from "./PacketRings.ts"
import * as Pacing from "./Pacing.ts"
import * as Protection from "./Protection.ts"
import * as RateNotice from "./RateNotice.ts"
import * as ReceiveLeg from "./ReceiveLeg.ts"
import * as Recovery from "./Recovery.ts"
import * as ReportedLoss from "./ReportedLoss.ts"
import * as RoundTripEstimator from "./RoundTripEstimator.ts"
import * as SendLeg from "./SendLeg.ts"
import * as SendRate from "./SendRate.ts"
import * as SentHistory from "./SentHistory.ts"
import * as WithheldPackets from "./WithheldPackets.ts"

/**
 * One hop, both directions: the same machinery at a relay and in a device, and between two relays. It repairs what its own side receives, answers
 * what the other side asks for, and measures the round trip. Owned by one pipeline, changed in place; it never reads a
 * clock and never sends: frames go into a batch that the owner sends.
 */
export interface Leg {
  readonly kind: LegKind.LegKind
  readonly receive: ReceiveLeg.ReceiveLeg
  readonly send: SendLeg.SendLeg
  readonly roundTrip: RoundTripEstimator.RoundTripEstimator
  /** Scratch. */
  readonly loss: ReportedLoss.ReportedLoss
  /** False: ask for nothing and send nothing again (to measure what repair is worth). */
  readonly repair: boolean
  /** False: send no repair packets (to measure what resends are worth). */
  readonly protects: boolean
  /** One for each video stream that comes in on this leg. */
  readonly keyFrames: Array<KeyFrameRequest.KeyFrameRequest>
  /** The same: what its sender is to know of those who receive it. A device has none. */
  rateNotices: ReadonlyArray<RateNotice.RateNotice>
  /** Of a trunk: when the next of them is to be asked. It has too many to look at all of them with every packet. */
  keyFramesDueMs: number
  /** Of a trunk: those of its calls too. */
  readonly keyFrameAsks: KeyFrameAsks.KeyFrameAsks
  lastFeedbackAtMs: number
  /**
   * When to poll next, as `noteDeadline` has found, and what for; Infinity for never. Fields, because a number that a
   * function returns may be an object on the heap, and this is asked for with every packet.
   */
  deadlineMs: number
  feedbackDueMs: number
  releaseDueMs: number
}

/** What all legs of one port share. The report is scratch: it is filled and used within one call. */
export interface LegResources {
  readonly rings: PacketRings
  readonly report: Feedback.Feedback
  readonly repairWork: RepairWork.RepairWork
  readonly withheld: WithheldPackets.WithheldPackets
  /** Scratch, as the report: requests for key frames that it has told to be lost. */
  readonly lostAsks: Array<KeyFrameAsks.Ask>
}

export const makeResources = (rings: PacketRings, withheld = WithheldPackets.make()): LegResources => ({
  rings,
  report: Feedback.make(),
  repairWork: RepairWork.make(),
  withheld,
  lostAsks: []
})

/** Feedback goes out this often while media flows. Milliseconds. */
export const feedbackMs = 100
/** An idle leg gives its windows back after this long, when nothing in them is of use any more. Milliseconds. */
export const releaseAfterMs = 10_000
/** Bounds of the time between two requests for the same packet. Milliseconds. */
const retryMsMin = 20
/** Two ticks of the timers, the answerer's and ours. Milliseconds. */
const retryMarginMs = 10
const retryMsMax = 400

const noNotices: ReadonlyArray<RateNotice.RateNotice> = []

export const make = (options: {
  /** Chosen by this side, for frames that come in. */
  readonly receiveTag: number
  /** Chosen by the other side, for frames that go out. */
  readonly sendTag: number
  /** Of the session, both ways. 8 bits count. */
  readonly epoch: number
  /** Of frames that go out, where that is another: the other side has not heard of the new one and goes on with the old. */
  readonly sendEpoch?: number
  readonly address: Uint32Array
  readonly repair: boolean
  /** As `repair` if it is left out. */
  readonly protects?: boolean | undefined
  /** What its path is assumed to carry before that is known. Bits a second. */
  readonly startBps?: number | undefined
  /** A device's leg if it is left out. */
  readonly kind?: keyof typeof LegKind.byName
}): Leg => {
  const { address, epoch, receiveTag, repair, sendEpoch = epoch, sendTag, startBps } = options
  const kind = LegKind.byName[options.kind ?? "device"]
  return {
    kind,
    receive: ReceiveLeg.make(receiveTag, epoch & 0xff, kind),
    send: SendLeg.make({ legTag: sendTag, epoch: sendEpoch & 0xff, address, kind, startBps }),
    roundTrip: RoundTripEstimator.make(),
    loss: ReportedLoss.make(),
    repair,
    protects: options.protects ?? repair,
    keyFrames: [],
    rateNotices: noNotices,
    keyFramesDueMs: Infinity,
    keyFrameAsks: KeyFrameAsks.make(kind),
    lastFeedbackAtMs: -Infinity,
    deadlineMs: Infinity,
    feedbackDueMs: Infinity,
    releaseDueMs: Infinity
  }
}

/** Somebody needs a key frame of this stream, which is one of `keyFrames`. */
export const requestKeyFrame = (self: Leg, request: KeyFrameRequest.KeyFrameRequest): void => {
  KeyFrameRequest.handleRequest(request)
  self.keyFramesDueMs = Math.min(self.keyFramesDueMs, KeyFrameRequest.nextDeadlineMs(request))
}

/**
 * Takes in a feedback frame's body: measures the round trip and sends again what is asked for. Key frame requests stay
 * in `resources.report` for the owner, who knows the streams. False when the body is malformed.
 */
export const handleFeedback = (
  self: Leg,
  resources: LegResources,
  offset: number,
  lengthBytes: number,
  nowMs: number,
  out: PacketBatch.SendBatch
): boolean => {
  const { lostAsks, report, rings } = resources
  if (!Feedback.read(rings.memory.view, offset, lengthBytes, report, self.kind.isTrunk)) return false
  const newest = Feedback.newestReceived(report)
  if (newest >= 0 && report.holdMs >= 0) {
    const hopSequence = (report.baseHopSequence + newest) & self.kind.mask
    const sentAtMs = DepartureRecorder.sentAtMs(self.send.departures, hopSequence)
    RoundTripEstimator.handleSample(self.roundTrip, nowMs - sentAtMs - report.holdMs)
  }
  const roundTripMs = RoundTripEstimator.roundTripMs(self.roundTrip)
  const { departures, rate } = self.send
  if (rate !== undefined) SendRate.handleReport(rate, departures, report, roundTripMs, nowMs)
  ReportedLoss.read(self.loss, report)
  self.send.framesReported += self.loss.packets
  self.send.framesReportedLost += self.loss.lost
  lostAsks.length = 0
  KeyFrameAsks.handleReport(self.keyFrameAsks, report, lostAsks)
  if (lostAsks.length > 0) noteKeyFramesDue(self)
  if (self.repair) {
    AudioCopies.handleReport(self.send, resources, self.loss, nowMs)
    if (self.protects) Protection.handleReport(self.send, resources, self.loss, roundTripMs, nowMs)
    SendLeg.answerRequests(self.send, rings, report, roundTripMs, nowMs, out)
  }
  return true
}

/** Does what is due now: requests, feedback, what has waited for its turn, padding. */
export const poll = (self: Leg, resources: LegResources, nowMs: number, out: PacketBatch.SendBatch): void => {
  noteDeadline(self)
  RepairWork.refill(resources.repairWork, nowMs)
  if (nowMs >= self.feedbackDueMs) sendReports(self, resources, nowMs, out)
  Pacing.poll(self.send, resources, RoundTripEstimator.roundTripMs(self.roundTrip), nowMs, out)
  SendLeg.pollPadding(self.send, nowMs, out)
  Recovery.poll(self.receive, nowMs)
  // What has just been sent puts it off.
  noteDeadline(self)
  if (nowMs >= self.releaseDueMs) release(self)
}

/** When to poll next. Milliseconds; Infinity when the leg is idle. */
export const nextDeadlineMs = (self: Leg): number => {
  noteDeadline(self)
  return self.deadlineMs
}

/** Brings `deadlineMs` up to date: call when anything has happened on the leg. */
export const noteDeadline = (self: Leg): void => {
  noteFeedbackDue(self)
  noteReleaseDue(self)
  const { paddingDueMs } = self.send
  self.deadlineMs = Math.min(self.feedbackDueMs, self.releaseDueMs, paddingDueMs)
  noteRateDue(self)
}

/** The same when nothing has happened but that a packet was sent. */
export const noteSent = (self: Leg): void => {
  const { paddingDueMs } = self.send
  if (paddingDueMs < self.deadlineMs) self.deadlineMs = paddingDueMs
  noteRateDue(self)
}

/** What waits for its turn, and a block that ends. */
const noteRateDue = (self: Leg): void => {
  const { protection, rate } = self.send
  if (rate !== undefined && rate.deadlineMs < self.deadlineMs) self.deadlineMs = rate.deadlineMs
  if (protection === undefined) return
  const { encoder, seconds } = protection
  if (encoder !== undefined && encoder.deadlineMs < self.deadlineMs) self.deadlineMs = encoder.deadlineMs
  if (seconds !== undefined && seconds.deadlineMs < self.deadlineMs) self.deadlineMs = seconds.deadlineMs
}

/** Never when there is nothing to give back. */
const noteReleaseDue = (self: Leg): void => {
  const { receive, send } = self
  const isReleased = receive.arrivals.arrivedAtMs.length === 0 && send.departures.sentAtMs.length === 0
  // Not one expression with a choice in it: V8 would make an object of the number for every frame.
  self.releaseDueMs = Infinity
  if (isReleased) return
  self.releaseDueMs = Math.max(receive.lastFrameAtMs, DepartureRecorder.lastAtMs(send.departures)) + releaseAfterMs
}

const release = ({ keyFrameAsks, receive, send }: Leg): void => {
  KeyFrameAsks.release(keyFrameAsks)
  ArrivalRecorder.release(receive.arrivals)
  NackGenerator.release(receive.nacks)
  receive.recovery = undefined
  DepartureRecorder.release(send.departures)
  SentHistory.release(send.history)
  send.rate = undefined
  send.duplication = undefined
  send.protection = undefined
}

const noteFeedbackDue = (self: Leg): void => {
  const { keyFrames, receive, send } = self
  const lastMediaAtMs = Math.max(receive.lastMediaAtMs, send.lastMediaAtMs)
  let dueMs = Math.max(self.lastFeedbackAtMs + feedbackMs, lastMediaAtMs)
  if (self.kind.isTrunk) dueMs = Math.min(dueMs, self.keyFramesDueMs)
  else for (let i = 0; i < keyFrames.length; i++) dueMs = Math.min(dueMs, KeyFrameRequest.nextDeadlineMs(keyFrames[i]!))
  self.feedbackDueMs = Infinity
  // A sender that is silent has no key frame to give, and nothing to be told.
  if (dueMs < lastMediaAtMs + SendLeg.quietAfterMs) self.feedbackDueMs = dueMs
  if (self.repair && receive.nacks.deadlineMs < self.feedbackDueMs) self.feedbackDueMs = receive.nacks.deadlineMs
  // The first of them would have to wait for another report.
  const isFull = ArrivalRecorder.unreported(receive.arrivals) >= Feedback.arrivalsMax
  if (isFull && receive.lastFrameAtMs < self.feedbackDueMs) self.feedbackDueMs = receive.lastFrameAtMs
}

const noteKeyFramesDue = (self: Leg): void => {
  const { keyFrames } = self
  self.keyFramesDueMs = Infinity
  for (let i = 0; i < keyFrames.length; i++) {
    self.keyFramesDueMs = Math.min(self.keyFramesDueMs, KeyFrameRequest.nextDeadlineMs(keyFrames[i]!))
  }
}

/** One report tells all that is new on a device's leg. On a trunk it may take several. */
const sendReports = (self: Leg, resources: LegResources, nowMs: number, out: PacketBatch.SendBatch): void => {
  const { kind, receive } = self
  for (let reports = 1; sendReport(self, resources, nowMs, out) && reports < kind.reportsMax; reports++) {
    const asks = self.repair && receive.nacks.deadlineMs <= nowMs
    if (!asks && self.keyFramesDueMs > nowMs && ArrivalRecorder.unreported(receive.arrivals) === 0) return
  }
}

/** False when the batch has no room. */
const sendReport = (self: Leg, resources: LegResources, nowMs: number, out: PacketBatch.SendBatch): boolean => {
  const { report, rings } = resources
  const { headerBytes, isTrunk } = self.kind
  const bytesMax = Feedback.frameBytesMax - headerBytes
  const offset = PacketBatch.reserve(out, bytesMax)
  if (offset < 0) return false
  report.requestCount = self.repair
    ? NackGenerator.poll(self.receive.nacks, nowMs, retryMs(self.roundTrip), report.requests)
    : 0
  report.keyFrameCount = 0
  for (const request of self.keyFrames) {
    if (report.keyFrameCount < Feedback.keyFramesMax && KeyFrameRequest.poll(request, nowMs)) {
      report.keyFrameSsrcs[report.keyFrameCount++] = request.ssrc
      const { legTag: tag, nextHop: hopSequence } = self.send
      KeyFrameAsks.handleSent(self.keyFrameAsks, { request, tag, hopSequence, askedAtMs: nowMs })
    }
  }
  noteKeyFramesDue(self)
  report.rateCount = 0
  for (const notice of self.rateNotices) {
    if (report.rateCount < Feedback.ratesMax && RateNotice.poll(notice, nowMs)) {
      Feedback.addRate(report, notice.ssrc, notice.bps)
    }
  }
  ArrivalRecorder.fillReport(self.receive.arrivals, report)
  self.lastFeedbackAtMs = nowMs
  const length = Feedback.write(rings.memory.view, offset, bytesMax, report, ArrivalRecorder.toTicks(nowMs), isTrunk)
  out.scratchUsed -= bytesMax - length
  ArrivalRecorder.markReported(self.receive.arrivals, report.arrivalCount)
  const type = HopFrame.typeByte(HopFrame.FrameType.Feedback, 0)
  SendLeg.writeFrame(self.send, self.send.legTag, type, 0, self.send.lastRepair, offset, length, nowMs, out)
  return true
}

/**
 * How long to wait for an answer before asking again: one round trip and a little for what varies. Whoever answers sends
 * the same packet at most once in 0.7 round trips, so asking early costs next to nothing; asking late costs frames.
 */
const retryMs = (estimator: RoundTripEstimator.RoundTripEstimator): number => {
  const waitMs = RoundTripEstimator.roundTripMs(estimator) + retryMarginMs
  return Math.min(retryMsMax, Math.max(retryMsMin, waitMs))
}
