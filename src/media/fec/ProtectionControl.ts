import * as PlayoutBudget from "../PlayoutBudget.ts"
import * as FecEncoder from "./FecEncoder.ts"
import * as LossWindow from "./LossWindow.ts"
import * as RecentLoss from "./RecentLoss.ts"
import * as ResidualLoss from "./ResidualLoss.ts"

/**
 * Says when one leg's packets are to be protected with repair packets, with how many, and of which kind. Resending is
 * cheaper: it costs what is lost and no more. So it is for when a resend comes too late, or does not come. Owned by one
 * leg, changed in place.
 */
export interface ProtectionControl {
  /** Parity and nothing else. */
  readonly isParityOnly: boolean
  readonly losses: LossWindow.LossWindow
  /** Repair packets for each packet: 0 is off, 0.5 the most. */
  ratio: number
  kind: Kind
  /** How long blocks may be, and from which age on the end of a video frame ends them. Milliseconds. */
  blockMs: number
  frameEndAfterMs: number
  isOn: boolean
  /** No resend comes in time: what repair packets leave is lost. */
  isAlone: boolean
  /** Of the newest time, the older the less: over ten seconds, without what was self-made, and over two. */
  readonly recent: RecentLoss.RecentLoss
  readonly newest: RecentLoss.RecentLoss
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
  /** How many packets it speaks of. */
  packets: number
  /** Of them at their first passage, share. */
  lossRatio: number
  /** How many packets in a row were lost, on average; 0 when none was. */
  meanBurst: number
  roundTripMs: number
  /** Packets in a block, on average. */
  blockPackets: number
  /** Neither recovered nor sent again in time, share of the packets sent. */
  residualLossRatio: number
  /** The sender sends more than the path carries, or its estimate falls for that reason: loss is self-made. */
  isOverusing: boolean
  /** A relay is busy: there are to be no repair packets for now, whatever the loss. */
  isWithheld: boolean
  /** What repair packets may take of the estimate, for each byte of media. */
  budgetShare: number
}

export const residualOnAbove = 0.005
export const ratioMax = 0.5
/** More than the loss that nine reports of ten do not exceed: a block can be unlucky. */
export const lossFactor = 1.3
export const lossShare = 0.9
/** What is left of the losses, where no resend comes in time. Share. */
export const aloneTarget = 0.0031
/** The loss of this time counts. Milliseconds. */
export const lossSpanMs = 5000
/** Nothing lost for this long: nothing to protect from. Milliseconds. */
export const quietMs = 5000
/** After loss that was self-made it stays off for this long: repair packets would add to it. Milliseconds. */
export const overuseHoldMs = 2000
/**
 * More than half as many repair packets as packets can give back, of which as much is lost: they would be in vain, and whoever
 * loses so much has most often done it himself. Share, of so many packets.
 */
const hopelessAbove = 0.3
const hopelessPacketsMin = 100
/** It has repaired what was the reason to begin; whether the reason is gone shows when it ends. Milliseconds. */
export const patienceMsMin = 10_000
export const patienceMsMax = 160_000
/** A round trip is short enough again when it takes this share of what a resend may take. */
const roundTripOffShare = 0.8
/** Blocks beside resends. A frame that ends so long after the first packet of its block ends it. Milliseconds. */
const beside = { blockMs: FecEncoder.blockMsDefault, frameEndAfterMs: FecEncoder.frameEndAfterMsDefault }
/** Alone: as long as the budget lets them be. Of thirty frames a second that are paced most blocks have three. */
const alone = { blockMs: PlayoutBudget.blockMsMax, frameEndAfterMs: PlayoutBudget.blockMsMax - 12 }
/** Mean burst from which one repair packet a block is too few, and below which it does. Packets. */
export const burstAbove = 1.5
export const burstBelow = 1.25
/** More loss than this makes two losses in one block common. Share. */
export const parityLossMax = 0.05
const parityLossAgain = 0.03
/** Share of a new report in the mean burst. */
const burstGain = 0.1

export const make = (isParityOnly = false): ProtectionControl => ({
  isParityOnly,
  losses: LossWindow.make(),
  ratio: 0,
  kind: "Parity",
  ...beside,
  isOn: false,
  isAlone: false,
  recent: RecentLoss.make(10_000),
  newest: RecentLoss.make(2000),
  meanBurst: 1,
  lastLossAtMs: -Infinity,
  lastOverusingAtMs: -Infinity,
  lastReasonAtMs: -Infinity,
  patienceMs: patienceMsMin,
  offAtMs: -Infinity
})

/** Call for every feedback report that speaks of packets. */
export const handleReport = (self: ProtectionControl, report: Report, nowMs: number): void => {
  const { lossRatio, meanBurst } = report
  if (!report.isOverusing) {
    LossWindow.add(self.losses, lossRatio, nowMs)
    RecentLoss.add(self.recent, report.packets, lossRatio, nowMs)
  }
  RecentLoss.add(self.newest, report.packets, lossRatio, nowMs)
  if (report.isOverusing || isHopeless(self)) self.lastOverusingAtMs = nowMs
  if (lossRatio > 0) self.lastLossAtMs = nowMs
  if (meanBurst >= 1) self.meanBurst += (meanBurst - self.meanBurst) * burstGain
  const p90 = LossWindow.percentile(self.losses, lossShare, lossSpanMs, nowMs)
  noteAlone(self, report)
  noteKind(self, nowMs)
  if (self.isAlone || report.residualLossRatio > residualOnAbove) self.lastReasonAtMs = nowMs
  const wanted = !report.isWithheld && isWanted(self, nowMs)
  if (wanted && !self.isOn) start(self, nowMs)
  if (!wanted && self.isOn) stop(self, nowMs)
  if (!self.isOn) self.ratio = 0
  else {
    const wantedRatio = Math.max(lossFactor * p90, self.isAlone ? aloneRatio(self, report) : 0)
    self.ratio = Math.max(0, Math.min(ratioMax, wantedRatio, report.budgetShare))
  }
}

const isHopeless = ({ newest }: ProtectionControl): boolean =>
  newest.packets >= hopelessPacketsMin && RecentLoss.lossRatio(newest) > hopelessAbove

/** Once it is so, a little less will do. */
const noteAlone = (self: ProtectionControl, { roundTripMs }: Report): void => {
  const longestMs = PlayoutBudget.playoutBudgetMs - PlayoutBudget.detectionMs
  self.isAlone = roundTripMs > longestMs * (self.isAlone ? roundTripOffShare : 1)
  const { blockMs, frameEndAfterMs } = self.isAlone ? alone : beside
  self.blockMs = blockMs
  self.frameEndAfterMs = frameEndAfterMs
}

/** Of the newest ten seconds, the older the less, without what was self-made. Share. */
export const recentLossRatio = ({ recent }: ProtectionControl): number => RecentLoss.lossRatio(recent)

/** With parity the ratio says how long blocks are. As long as they have been would be as short as it has made them. */
const aloneRatio = (self: ProtectionControl, { blockPackets }: Report): number =>
  self.kind === "Parity"
    ? ResidualLoss.parityRatioFor(recentLossRatio(self), aloneTarget, ratioMax)
    : ResidualLoss.ratioFor(blockPackets, recentLossRatio(self), aloneTarget, ratioMax)

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
  if (self.isParityOnly) return
  const loss = LossWindow.mean(self.losses, lossSpanMs, nowMs)
  if (self.isAlone || self.meanBurst >= burstAbove || loss > parityLossMax) self.kind = "ReedSolomon"
  else if (self.meanBurst <= burstBelow && loss < parityLossAgain) self.kind = "Parity"
}
