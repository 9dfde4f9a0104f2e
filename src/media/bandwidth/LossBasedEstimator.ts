import * as LossModel from "./LossModel.ts"
import * as LossObservations from "./LossObservations.ts"
import type { ReportedPacket } from "./ReportedPacket.ts"

/**
 * How much a leg may send as far as losses tell: the second version of Google's loss-based estimation, libwebrtc
 * LossBasedBweV2. It follows the delay-based estimate until losses say that the path holds less. Owned by exactly one leg
 * and changed in place.
 */
export interface LossBasedEstimator {
  readonly minBps: number
  readonly maxBps: number
  readonly observations: LossObservations.LossObservations
  /** At most the delay-based estimate, within the bounds. Bits a second. */
  targetBps: number
  state: State
  /** What explains the losses best: above this rate the path drops. NaN before the first observation. */
  limitBps: number
  /** What it drops at any rate. Share, 0..1. */
  inherentLoss: number
  /** The limit within the bounds of the moment, as `targetBps` without the newest delay-based estimate. */
  boundedBps: number
  /** After a decrease the rate is held: since when, for how long, at most how much. */
  heldSinceMs: number
  holdMs: number
  holdBps: number
  /** How long the next one is going to be. */
  nextHoldMs: number
  /** While limited by losses the limit rises to this at most, before the window ends. */
  windowSinceMs: number
  windowBps: number
  readonly candidatesBps: Float64Array
}

/** Of one report, with the packets that were handed in before. Bits a second. */
export interface Input {
  /** NaN: not known. */
  readonly delayBasedBps: number
  /** What arrives at the other side; NaN: not known. */
  readonly acknowledgedBps: number
  /** The sender had less to send than it might: see ApplicationLimited. */
  readonly isApplicationLimited: boolean
}

export const State = { DelayBased: 0, Increasing: 1, Decreasing: 2 } as const
export type State = (typeof State)[keyof typeof State]

/** libwebrtc CandidateFactors, of the present limit. The acknowledged and the delay-based rate are candidates too. */
const candidateFactors = [1.02, 1, 0.95] as const
/** libwebrtc InitialInherentLossEstimate. */
const inherentLossInitial = 0.01
/** Before as many have been made, the delay-based estimate counts alone. libwebrtc MinNumObservations. */
const observationsMin = 3
/** libwebrtc InstantUpperBoundLossOffset: with less than this nothing is bounded at once. Share, 0..1. */
const boundAboveLossRatio = 0.05
/** libwebrtc InstantUpperBoundBandwidthBalance. Bits a second. */
const boundBalanceBps = 100_000
/** libwebrtc BandwidthRampupUpperBoundFactor: an increase goes no further beyond what arrives. */
const rampFactor = 1.5
/** libwebrtc BandwidthRampupUpperBoundFactorInHold, while what arrives is less than the next times the held rate. */
const rampFactorInHold = 1.2
/** libwebrtc BandwidthRampupHoldThreshold. */
const rampHoldThreshold = 1.3
/** libwebrtc kInitHoldDuration. Milliseconds. */
const holdMsInitial = 300
/** libwebrtc kMaxHoldDuration. Milliseconds. */
export const holdMsMax = 60_000
/** libwebrtc HoldDurationFactor. */
const holdFactor = 2
/** libwebrtc DelayedIncreaseWindow. Milliseconds. */
const windowMs = 300
/** libwebrtc MaxIncreaseFactor, within one window. */
const windowFactor = 1.3
/** Of what arrives. libwebrtc LowerBoundByAckedRateFactor is 0 or 1; with 1 a full queue would stay full. */
const floorFactor = 0.85
/** An increase of nothing would not count as one. libwebrtc UpdateBandwidthEstimate. Bits a second. */
const increaseBpsMin = 1

export const make = (options: {
  readonly startBps: number
  readonly minBps: number
  readonly maxBps: number
}): LossBasedEstimator => ({
  minBps: options.minBps,
  maxBps: options.maxBps,
  observations: LossObservations.make(),
  targetBps: Math.min(options.maxBps, Math.max(options.minBps, options.startBps)),
  state: State.DelayBased,
  limitBps: Number.NaN,
  inherentLoss: inherentLossInitial,
  boundedBps: Number.NaN,
  heldSinceMs: Number.NaN,
  holdMs: 0,
  holdBps: Infinity,
  nextHoldMs: holdMsInitial,
  windowSinceMs: Number.NaN,
  windowBps: Infinity,
  candidatesBps: new Float64Array(candidateFactors.length + 2)
})

/** Call once for each packet that a report speaks of. */
export const handlePacket = (self: LossBasedEstimator, packet: ReportedPacket, isLost: boolean): void =>
  LossObservations.handlePacket(self.observations, packet, isLost)

/** Call after the packets of a report. */
export const handleReport = (self: LossBasedEstimator, input: Input, nowMs: number): void => {
  const delayBasedBps = Number.isNaN(input.delayBasedBps) ? self.maxBps : within(self, input.delayBasedBps)
  const acknowledgedBps = input.acknowledgedBps > 0 ? within(self, input.acknowledgedBps) : Number.NaN
  if (LossObservations.handleReport(self.observations)) {
    if (self.observations.count < observationsMin) {
      self.limitBps = delayBasedBps
      self.boundedBps = delayBasedBps
    } else {
      estimate(self, delayBasedBps, acknowledgedBps, input.isApplicationLimited, nowMs)
    }
  }
  const isFollowing = self.state === State.DelayBased
  self.targetBps = isFollowing ? delayBasedBps : Math.min(self.boundedBps, delayBasedBps)
}

const within = (self: LossBasedEstimator, rateBps: number): number =>
  Math.min(self.maxBps, Math.max(self.minBps, rateBps))

/** An observation has been made: find the limit that explains all of them best, and what follows for the rate. */
const estimate = (
  self: LossBasedEstimator,
  delayBasedBps: number,
  acknowledgedBps: number,
  isApplicationLimited: boolean,
  nowMs: number
): void => {
  const beforeBps = self.limitBps
  choose(self, delayBasedBps, isApplicationLimited ? Number.NaN : acknowledgedBps)
  // More loss than the path has by itself: this is not the moment to send more.
  if (self.observations.lossRatio > self.inherentLoss) self.limitBps = Math.min(self.limitBps, beforeBps)
  if (self.state !== State.DelayBased) boundIncrease(self, beforeBps, acknowledgedBps, nowMs)
  // What arrives does arrive, so this cannot be too much; and a queue that is full empties.
  const floorBps = Number.isNaN(acknowledgedBps) ? self.minBps : within(self, floorFactor * acknowledgedBps)
  const boundedBps = Math.max(floorBps, Math.min(self.limitBps, instantBoundBps(self), delayBasedBps))
  if (boundedBps < self.limitBps) {
    self.limitBps = boundedBps
    // Losses bound: how much of them is inherent has to be found out anew at this rate. libwebrtc does so as well where it is
    // the delay-based estimate that bounds, and takes the same inherent loss for congestion again and again.
    if (boundedBps < delayBasedBps) self.inherentLoss = 0
  } else {
    self.limitBps = Math.max(self.limitBps, floorBps)
  }
  decide(self, boundedBps, delayBasedBps, floorBps, nowMs)
  if (self.state !== State.DelayBased && !isDuring(self.windowSinceMs, windowMs, nowMs)) {
    self.windowSinceMs = nowMs
    self.windowBps = within(self, self.limitBps * windowFactor)
  }
}

/** Takes over the best of the candidates. NaN is none. */
const choose = (self: LossBasedEstimator, delayBasedBps: number, acknowledgedBps: number): void => {
  const { candidatesBps, inherentLoss, limitBps, observations } = self
  for (let i = 0; i < candidateFactors.length; i++) candidatesBps[i] = candidateFactors[i]! * limitBps
  candidatesBps[candidateFactors.length] = acknowledgedBps
  candidatesBps[candidateFactors.length + 1] = delayBasedBps > limitBps ? delayBasedBps : Number.NaN
  const highestBps = Math.max(limitBps, self.state === State.DelayBased ? self.maxBps : self.windowBps)
  let best = -Infinity
  for (let i = 0; i < candidatesBps.length; i++) {
    if (Number.isNaN(candidatesBps[i]!)) continue
    const candidateBps = Math.max(self.minBps, Math.min(highestBps, candidatesBps[i]!))
    const feasible = LossModel.feasibleInherentLoss(inherentLoss, candidateBps)
    const improved = LossModel.improveInherentLoss(observations, feasible, candidateBps)
    const value = LossModel.objective(observations, improved, candidateBps)
    if (value <= best) continue
    best = value
    self.limitBps = candidateBps
    self.inherentLoss = improved
  }
}

/** While limited by losses the rate rises in steps, and no further than what arrives gives reason for. */
const boundIncrease = (self: LossBasedEstimator, beforeBps: number, acknowledgedBps: number, nowMs: number): void => {
  if (isDuring(self.windowSinceMs, windowMs, nowMs)) self.limitBps = Math.min(self.limitBps, self.windowBps)
  if (Number.isNaN(acknowledgedBps) || !isIncrease(self, beforeBps, self.limitBps)) return
  const isNearHeld = acknowledgedBps < rampHoldThreshold * self.holdBps
  const rampBps = (isNearHeld && self.holdBps < Infinity ? rampFactorInHold : rampFactor) * acknowledgedBps
  self.limitBps = Math.max(beforeBps, Math.min(self.limitBps, rampBps))
  if (self.state === State.Decreasing && self.limitBps === beforeBps) self.limitBps += increaseBpsMin
}

/** With so much loss no explanation is waited for. */
const instantBoundBps = (self: LossBasedEstimator): number => {
  const excess = self.observations.lossRatio - boundAboveLossRatio
  return excess > 0 ? Math.max(self.minBps, boundBalanceBps / excess) : self.maxBps
}

const decide = (
  self: LossBasedEstimator,
  boundedBps: number,
  delayBasedBps: number,
  floorBps: number,
  nowMs: number
): void => {
  const isLimited = boundedBps < delayBasedBps && boundedBps < self.maxBps
  if (!isLimited) {
    self.state = State.DelayBased
    self.heldSinceMs = Number.NaN
    self.holdBps = Infinity
    self.nextHoldMs = holdMsInitial
  } else if (self.state === State.Decreasing && isDuring(self.heldSinceMs, self.holdMs, nowMs)) {
    self.holdBps = Math.max(floorBps, self.holdBps)
    self.boundedBps = Math.min(self.holdBps, boundedBps)
    return
  } else if (self.state !== State.DelayBased && isIncrease(self, self.boundedBps, boundedBps)) {
    self.state = State.Increasing
  } else if (self.state !== State.Decreasing) {
    self.state = State.Decreasing
    self.heldSinceMs = nowMs
    self.holdMs = self.nextHoldMs
    self.holdBps = boundedBps
    self.nextHoldMs = Math.min(holdMsMax, self.nextHoldMs * holdFactor)
  }
  self.boundedBps = boundedBps
}

const isIncrease = (self: LossBasedEstimator, beforeBps: number, afterBps: number): boolean =>
  afterBps > beforeBps || (afterBps === beforeBps && self.state === State.Increasing)

/** False as well when the clock has been set back. */
const isDuring = (sinceMs: number, forMs: number, nowMs: number): boolean => nowMs >= sinceMs && nowMs - sinceMs < forMs
