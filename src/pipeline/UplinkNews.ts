/** What has been told of one device's uplink. Changed in place; reads no clock. */
export interface UplinkNews {
  /** NaN: nothing. Bits a second. */
  toldBps: number
  toldAtMs: number
}

/** What is no news. Share. */
const changeMin = 0.05
/** What stays as it is: a report may be lost, and a new owner knows nothing. Milliseconds. */
const repeatMs = 5000

export const make = (): UplinkNews => ({ toldBps: NaN, toldAtMs: -Infinity })

/** Whether the call's owner is to be told now; the caller does. `uplinkBps`: NaN as long as the device has said nothing. */
export const poll = (self: UplinkNews, uplinkBps: number, nowMs: number): boolean => {
  if (Number.isNaN(uplinkBps)) return false
  const isKnown = Math.abs(uplinkBps - self.toldBps) <= changeMin * self.toldBps
  if (isKnown && nowMs - self.toldAtMs < repeatMs) return false
  self.toldBps = uplinkBps
  self.toldAtMs = nowMs
  return true
}
