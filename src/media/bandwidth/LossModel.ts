import * as LossObservations from "./LossObservations.ts"

/**
 * How a path is thought to lose: of everything a share that is inherent, and of what is sent above a limit the excess. Given
 * a limit and an inherent loss, how well do they explain what was observed? That is libwebrtc's LossBasedBweV2. Bits a second.
 */

/** libwebrtc InherentLossLowerBound. Share, 0..1. */
export const inherentLossMin = 1e-3
/** libwebrtc InherentLossUpperBoundOffset. */
const inherentLossMaxOffset = 0.05
/** libwebrtc InherentLossUpperBoundBandwidthBalance: small rates may have more. Bits a second. */
const inherentLossMaxBalanceBps = 100_000
/** libwebrtc NewtonStepSize; one iteration. */
const newtonStep = 0.75
/** libwebrtc HigherBandwidthBiasFactor, for each kbit/s. */
const biasLinear = 0.0002
/** libwebrtc HigherLogBandwidthBiasFactor. */
const biasLogarithmic = 0.02
/** With more loss the smaller of two rates is preferred. libwebrtc LossThresholdOfHighBandwidthPreference. */
const lossRatioBiasTurns = 0.2
/** libwebrtc BandwidthPreferenceSmoothingFactor. */
const biasSmoothing = 0.002
/** Nothing is impossible, or a logarithm would be infinite. libwebrtc GetLossProbability. */
const probabilityMin = 1e-6
/** Observations are weighed in kilobytes, against the bias. */
const bytesPerWeight = 1000

/** Between what is always lost somewhere and what a path of this rate may lose by itself. */
export const feasibleInherentLoss = (inherentLoss: number, limitBps: number): number => {
  const max = limitBps > 0 ? Math.min(1, inherentLossMaxOffset + inherentLossMaxBalanceBps / limitBps) : 1
  return Math.min(max, Math.max(inherentLossMin, inherentLoss))
}

export const lossProbability = (inherentLoss: number, limitBps: number, sendBps: number): number => {
  const excess = sendBps > limitBps ? (sendBps - limitBps) / sendBps : 0
  const probability = inherentLoss + (1 - inherentLoss) * excess
  return Math.min(1 - probabilityMin, Math.max(probabilityMin, probability))
}

/** The inherent loss that explains the observations better: one step of Newton's method on the logarithm of the likelihood. */
export const improveInherentLoss = (
  observations: LossObservations.LossObservations,
  inherentLoss: number,
  limitBps: number
): number => {
  let first = 0
  let second = 0
  for (let age = 0; age < LossObservations.length(observations); age++) {
    const at = LossObservations.indexOf(observations, age)
    const weight = LossObservations.weightOf(age) / bytesPerWeight
    const lost = weight * observations.lostBytes[at]!
    const received = weight * observations.bytes[at]! - lost
    const probability = lossProbability(inherentLoss, limitBps, observations.sendBps[at]!)
    first += lost / probability - received / (1 - probability)
    second -= lost / probability ** 2 + received / (1 - probability) ** 2
  }
  const next = second < 0 ? inherentLoss - (newtonStep * first) / second : inherentLoss
  return feasibleInherentLoss(next, limitBps)
}

/** The more, the better: how likely what was observed is, and how much is gained by the rate. */
export const objective = (
  observations: LossObservations.LossObservations,
  inherentLoss: number,
  limitBps: number
): number => {
  const rateBias = bias(observations.lossRatio, limitBps)
  let logsOf = Number.NaN
  let lostLog = 0
  let receivedLog = 0
  let sum = 0
  for (let age = 0; age < LossObservations.length(observations); age++) {
    const at = LossObservations.indexOf(observations, age)
    const weight = LossObservations.weightOf(age) / bytesPerWeight
    const bytes = observations.bytes[at]!
    const lost = observations.lostBytes[at]!
    const probability = lossProbability(inherentLoss, limitBps, observations.sendBps[at]!)
    // Below the limit it is always the same.
    if (probability !== logsOf) {
      logsOf = probability
      lostLog = Math.log(probability)
      receivedLog = Math.log(1 - probability)
    }
    sum += weight * (lost * lostLog + (bytes - lost) * receivedLog + bytes * rateBias)
  }
  return sum
}

const bias = (lossRatio: number, limitBps: number): number => {
  const below = lossRatioBiasTurns - lossRatio
  const kbps = limitBps / 1000
  return (below / (biasSmoothing + Math.abs(below))) * (biasLinear * kbps + biasLogarithmic * Math.log(1 + kbps))
}
