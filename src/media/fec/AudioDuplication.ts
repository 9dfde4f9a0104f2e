import * as LossWindow from "./LossWindow.ts"

/**
 * Says whether each audio packet of a leg is to be sent a second time, and how much later. The copy has the same repair
 * sequence and R set, as a resend has: nothing is wrapped or read, so it works for what is encrypted, and the receiver's
 * NackGenerator drops what comes twice. Owned by one leg, changed in place; it sends nothing.
 */
export interface AudioDuplication {
  readonly losses: LossWindow.LossWindow
  /** How often each packet is sent again: 0 or 1. */
  copies: number
  /** How many packet times later: 1, or 2 when losses come in bursts. */
  distance: number
  /** Of the loss. A report without loss says nothing of it. */
  meanBurst: number
  /** When it was switched on or off last, or reports began. Milliseconds. */
  sinceMs: number
  lastReportAtMs: number
}

/** On when the mean loss of the last two seconds is at least this. Share. */
export const onAbove = 0.03
export const onAfterMs = 2000
/** Off when the mean loss of the last ten is below this. Share. */
export const offBelow = 0.01
export const offAfterMs = 10_000
/** A second packet in a row is lost so often that a copy in it would be of little use: packets in a burst, on average. */
export const burstAbove = 1.5
export const burstBelow = 1.25
/** Share of a new report in the mean burst: reports with loss come some times a second. */
const burstGain = 0.1
/** Reports that stay out this long are of another time: the leg was idle. Milliseconds. */
const idleAfterMs = 2000

export const make = (): AudioDuplication => ({
  losses: LossWindow.make(),
  copies: 0,
  distance: 1,
  meanBurst: 1,
  sinceMs: 0,
  lastReportAtMs: -Infinity
})

/** Call for every feedback report. `meanBurst`: how many packets in a row were lost, on average; 0 when none was. */
export const handleReport = (self: AudioDuplication, lossRatio: number, meanBurst: number, nowMs: number): void => {
  if (nowMs - self.lastReportAtMs > idleAfterMs) {
    self.losses.count = 0
    self.sinceMs = nowMs
  }
  self.lastReportAtMs = nowMs
  LossWindow.add(self.losses, lossRatio, nowMs)
  if (meanBurst >= 1) self.meanBurst += (meanBurst - self.meanBurst) * burstGain
  const sinceMs = nowMs - self.sinceMs
  const isOn = self.copies > 0
  const changes = isOn
    ? sinceMs >= offAfterMs && LossWindow.mean(self.losses, offAfterMs, nowMs) < offBelow
    : sinceMs >= onAfterMs && LossWindow.mean(self.losses, onAfterMs, nowMs) >= onAbove
  if (changes) {
    self.copies = isOn ? 0 : 1
    self.sinceMs = nowMs
  }
  if (self.meanBurst >= burstAbove) self.distance = 2
  else if (self.meanBurst <= burstBelow) self.distance = 1
}
