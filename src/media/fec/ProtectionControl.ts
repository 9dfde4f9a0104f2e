import * as LossWindow from "./LossWindow.ts"

/**
 * Says when one leg's packets are to be protected with repair packets, with how many, and of which kind. Resending is
 * cheaper: it costs what is lost and no more. So it is for when a resend comes too late, or does not come. Owned by one
 * leg, changed in place.
 */
export interface ProtectionControl {
  readonly losses: LossWindow.LossWindow
  /** Repair packets for each packet: 0 is off, 0.5 the most. */
  ratio: number
  kind: Kind
  isOn: boolean
  meanBurst: number
  lastLossAtMs: number
  lastOverusingAtMs: number
  /** When there was a reason last: a resend too late, or loss after it. */
  lastReasonAtMs: number
  /** How long there must be no reason until it is off. Grows each time it turns out to have been too early. */
  patienceMs: number
  offAtMs: number
}

/** One exclusive or a block, or as many repair packets as the block has earned. */
export type Kind = "Parity" | "ReedSolomon"

/** What the leg's feedback and its owner know. One is made per leg and filled again for every report. */
export interface Report {
  /** Of packets at their first passage, share. */
  lossRatio: number
  /** How many packets in a row were lost, on average; 0 when none was. */
  meanBurst: number
  roundTripMs: number
  /** How long a packet may be late until it is of no use. */
  playoutBudgetMs: number
  /** Lost, and neither sent again in time nor recovered, share. */
  residualLossRatio: number
  /** The sender sends more than the path carries, or its estimate falls for that reason: loss is self-made. */
  isOverusing: boolean
  /** What repair packets may take of the estimate, for each byte of media. */
  budgetShare: number
}

/** Until a loss is seen and a request is sent: the next packet, some reordering, a tick of the timers. Milliseconds. */
export const detectionMs = 20
export const residualOnAbove = 0.005
export const ratioMax = 0.5
/** More than the loss that nine reports of ten do not exceed: a block can be unlucky. */
export const lossFactor = 1.3
export const lossShare = 0.9
/** The loss of this time counts. Milliseconds. */
export const lossSpanMs = 5000
/** Nothing lost for this long: nothing to protect from. Milliseconds. */
export const quietMs = 5000
/** After loss that was self-made it stays off for this long: repair packets would add to it. Milliseconds. */
export const overuseHoldMs = 2000
/** It has repaired what was the reason to begin; whether the reason is gone shows when it ends. Milliseconds. */
export const patienceMsMin = 10_000
export const patienceMsMax = 160_000
/** A round trip is short enough again when it takes this share of the budget. */
const roundTripOffShare = 0.8
/** Mean burst from which one repair packet a block is too few, and below which it does. Packets. */
export const burstAbove = 1.5
export const burstBelow = 1.25
/** More loss than this makes two losses in one block common. Share. */
export const parityLossMax = 0.05
const parityLossAgain = 0.03
/** Share of a new report in the mean burst. */
const burstGain = 0.1

export const make = (): ProtectionControl => ({
  losses: LossWindow.make(),
  ratio: 0,
  kind: "Parity",
  isOn: false,
  meanBurst: 1,
  lastLossAtMs: -Infinity,
  lastOverusingAtMs: -Infinity,
  lastReasonAtMs: -Infinity,
  patienceMs: patienceMsMin,
  offAtMs: -Infinity
})

/** Call for every feedback report. */
export const handleReport = (self: ProtectionControl, report: Report, nowMs: number): void => {
  const { lossRatio, meanBurst } = report
  if (report.isOverusing) self.lastOverusingAtMs = nowMs
  else LossWindow.add(self.losses, lossRatio, nowMs)
  if (lossRatio > 0) self.lastLossAtMs = nowMs
  if (meanBurst >= 1) self.meanBurst += (meanBurst - self.meanBurst) * burstGain
  const p90 = LossWindow.percentile(self.losses, lossShare, lossSpanMs, nowMs)
  noteKind(self, nowMs)
  if (hasReason(self, report)) self.lastReasonAtMs = nowMs
  const wanted = isWanted(self, nowMs)
  if (wanted && !self.isOn) start(self, nowMs)
  if (!wanted && self.isOn) stop(self, nowMs)
  self.ratio = self.isOn ? Math.max(0, Math.min(ratioMax, lossFactor * p90, report.budgetShare)) : 0
}

/** Once it is on, a little less will do. */
const hasReason = (self: ProtectionControl, report: Report): boolean => {
  const { playoutBudgetMs, residualLossRatio, roundTripMs } = report
  if (residualLossRatio > residualOnAbove) return true
  return roundTripMs + detectionMs > playoutBudgetMs * (self.isOn ? roundTripOffShare : 1)
}

const isWanted = (self: ProtectionControl, nowMs: number): boolean => {
  if (nowMs - self.lastOverusingAtMs < overuseHoldMs) return false
  if (nowMs - self.lastLossAtMs >= quietMs) return false
  return self.isOn ? nowMs - self.lastReasonAtMs < self.patienceMs : self.lastReasonAtMs === nowMs
}

/** It was off for no longer than it had been patient: the reason had not gone, it had only been repaired. */
const start = (self: ProtectionControl, nowMs: number): void => {
  self.isOn = true
  const tooEarly = nowMs - self.offAtMs < self.patienceMs
  self.patienceMs = tooEarly ? Math.min(patienceMsMax, self.patienceMs * 2) : patienceMsMin
}

/** An end for another cause than patience says nothing of it. */
const stop = (self: ProtectionControl, nowMs: number): void => {
  self.isOn = false
  self.offAtMs = nowMs - self.lastReasonAtMs >= self.patienceMs ? nowMs : -Infinity
}

const noteKind = (self: ProtectionControl, nowMs: number): void => {
  const loss = LossWindow.mean(self.losses, lossSpanMs, nowMs)
  if (self.meanBurst >= burstAbove || loss > parityLossMax) self.kind = "ReedSolomon"
  else if (self.meanBurst <= burstBelow && loss < parityLossAgain) self.kind = "Parity"
}
