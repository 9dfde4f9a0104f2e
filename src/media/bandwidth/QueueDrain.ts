import type { DeliveryRate } from "./DeliveryRate.ts"

/**
 * Empties a queue that stands: while packets wait longer than they should, less is sent than arrives, the less the longer
 * they wait. And since the path is busy all that time, what arrives meanwhile is what it carries. The aim is a delay, as
 * with LEDBAT (RFC 6817), NADA (RFC 8698) and SCReAM (RFC 8298). Owned by exactly one estimator and changed in place.
 */
export interface QueueDrain {
  isDraining: boolean
  /** No more than this may be sent now. Bits a second; Infinity: there is nothing to empty. */
  limitBps: number
  /** What to go on with, as this and the last queue have shown: told while it empties, and once when it has. NaN: nothing. Bits a second. */
  estimateBps: number
  /** What was thought before. Bits a second. */
  estimateBpsBefore: number
  /** What has arrived while the queue stood, of the last half second or so. */
  carriedBytes: number
  carriedMs: number
  /** The shortest wait since it began, and since when there has been none shorter. Milliseconds. */
  lowestMs: number
  lowestSinceMs: number
  /** So long packets wait whatever is sent here: queueing delay of cross traffic. Milliseconds. */
  crossTrafficMs: number
  reportedAtMs: number
}

/** Packets that wait longer are a queue to be emptied. A steady sender's own reach 50 to 60 ms, see the laboratory. Milliseconds. */
export const drainFromMs = 70
/** What has gone within this time was held up, not queued. Milliseconds. */
const standsMsMin = 40
/** At less it has been. Milliseconds. */
export const drainUntilMs = 30
/** The limit is lower by so much of what arrives: what waits longer than 15 ms is to be gone after this time. Milliseconds. */
const drainInMs = 300
const drainToMs = drainUntilMs / 2
/** But never lower than this share of what arrives: a stream that stops helps nobody. */
const limitRatioMin = 0.3
/** Of what arrived while the queue stood, as after an overuse. draft-ietf-rmcat-gcc-02 section 5.5 beta. */
const keptRatio = 0.85
/** Of what has arrived this much is remembered: a cell's rate is another after half a second. Milliseconds. */
const carriedMsMax = 500
/** A queue that has not become shorter for so long is filled by cross traffic. Milliseconds. */
const patienceMs = 600
/** It may have gone: it takes so long to believe that. Milliseconds. */
const crossTrafficForgottenMs = 10_000
/** Time between two reports counts up to here. Milliseconds. */
const reportMsMax = 1000

export const make = (): QueueDrain => ({
  isDraining: false,
  limitBps: Infinity,
  estimateBps: Number.NaN,
  estimateBpsBefore: Number.NaN,
  carriedBytes: 0,
  carriedMs: 0,
  lowestMs: Infinity,
  lowestSinceMs: 0,
  crossTrafficMs: 0,
  reportedAtMs: 0
})

/** What the sender knows when a report comes. */
export interface ReportInput {
  /** See QueueDelay. Milliseconds. */
  readonly queueMs: number
  readonly standsMs: number
  /** What is thought to be carried. Bits a second. */
  readonly estimateBps: number
}

/** A queue stands that is worth emptying, whoever fills it. */
export const isStanding = ({ queueMs, standsMs }: Pick<ReportInput, "queueMs" | "standsMs">): boolean =>
  queueMs >= drainFromMs && standsMs >= standsMsMin

/** Call for every report. */
export const handleReport = (
  self: QueueDrain,
  { estimateBps, queueMs, standsMs }: ReportInput,
  delivery: DeliveryRate,
  nowMs: number
): void => {
  forgetCrossTraffic(self, queueMs, nowMs)
  self.limitBps = Infinity
  self.estimateBps = Number.NaN
  if (!self.isDraining) {
    if (queueMs < self.crossTrafficMs + drainFromMs || standsMs < standsMsMin) return
    begin(self, queueMs, estimateBps, nowMs)
  } else remember(self, delivery)
  if (queueMs < self.lowestMs) {
    self.lowestMs = queueMs
    self.lowestSinceMs = nowMs
  }
  const waitMs = queueMs - self.crossTrafficMs
  if (waitMs < drainUntilMs) self.isDraining = false
  else if (nowMs - self.lowestSinceMs > patienceMs) {
    self.isDraining = false
    self.crossTrafficMs = self.lowestMs
  }
  if (self.carriedMs > 0) {
    const carriedBps = (self.carriedBytes * 8000) / self.carriedMs
    self.estimateBps = Math.min(self.estimateBpsBefore, keptRatio * carriedBps)
  }
  if (!self.isDraining || Number.isNaN(delivery.rateBps)) return
  self.limitBps = delivery.rateBps * Math.max(limitRatioMin, 1 - (waitMs - drainToMs) / drainInMs)
}

const begin = (self: QueueDrain, queueMs: number, estimateBps: number, nowMs: number): void => {
  self.isDraining = true
  self.estimateBpsBefore = estimateBps
  self.carriedBytes = 0
  self.carriedMs = 0
  self.lowestMs = queueMs
  self.lowestSinceMs = nowMs
}

const remember = (self: QueueDrain, { measuredBytes, measuredMs }: DeliveryRate): void => {
  self.carriedBytes += measuredBytes
  self.carriedMs += measuredMs
  if (self.carriedMs <= carriedMsMax) return
  self.carriedBytes *= carriedMsMax / self.carriedMs
  self.carriedMs = carriedMsMax
}

/** A wait that is shorter than cross traffic's was: little by little, for it comes and goes. */
const forgetCrossTraffic = (self: QueueDrain, queueMs: number, nowMs: number): void => {
  const passedMs = Math.min(reportMsMax, Math.max(0, nowMs - self.reportedAtMs))
  self.reportedAtMs = nowMs
  if (queueMs < self.crossTrafficMs)
    self.crossTrafficMs += ((queueMs - self.crossTrafficMs) * passedMs) / crossTrafficForgottenMs
}
