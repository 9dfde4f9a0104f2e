import * as ReceiverRates from "./ReceiverRates.ts"

/**
 * The rate at which one video stream is of use to those who receive it, as its sender is told: with the leg's next report
 * when it has become another, and otherwise about every second, as often as it is found anew: a report may be lost, and
 * what is old counts no more. Owned by the leg that the stream comes from.
 */
export interface RateNotice {
  readonly ssrc: number
  /** The last that is known, and since when. Bits a second. */
  bps: number
  atMs: number
  /** It waits to be told. */
  isPending: boolean
  /** NaN before the first. Bits a second. */
  toldBps: number
  toldAtMs: number
}

/** Who sends need not be told of less. Share. */
export const changeMin = 0.03
/** What stays as it is, not more often, however many receivers it is found anew for. Milliseconds. */
export const repeatMs = 500

export const make = (ssrc: number): RateNotice => ({
  ssrc,
  bps: NaN,
  atMs: -Infinity,
  isPending: false,
  toldBps: NaN,
  toldAtMs: -Infinity
})

/** What is known now, never NaN. A rate that nobody brings up to date is not repeated: it ends with whoever had it. */
export const handleRate = (self: RateNotice, bps: number, nowMs: number): void => {
  self.bps = bps
  self.atMs = nowMs
  // False when nothing has been told yet.
  const isKnown = Math.abs(bps - self.toldBps) <= changeMin * self.toldBps
  self.isPending = !isKnown || nowMs - self.toldAtMs >= repeatMs
}

/** Whether to tell it now; the caller does. What has waited until nobody would tell it any more is dropped. */
export const poll = (self: RateNotice, nowMs: number): boolean => {
  if (!self.isPending) return false
  self.isPending = false
  if (nowMs - self.atMs >= ReceiverRates.forgottenAfterMs) return false
  self.toldBps = self.bps
  self.toldAtMs = nowMs
  return true
}
