import * as RateTrace from "./RateTrace.ts"

/** What a link carries over time. */
export type Rate =
  /** Infinity: no limit. Bits a second. */
  | { readonly kind: "constant"; readonly rateBps: number }
  /** By time, the first from 0 on; the last for ever. Rates above 0. */
  | { readonly kind: "steps"; readonly steps: ReadonlyArray<{ readonly fromMs: number; readonly rateBps: number }> }
  | { readonly kind: "trace"; readonly trace: RateTrace.RateTrace }

export const unlimited: Rate = { kind: "constant", rateBps: Infinity }

/** Serves packets one after another. Owned by one link, changed in place; asked in the order of time. */
export interface Bottleneck {
  readonly rate: Rate
  /** When all that it was given has left. Milliseconds. */
  busyUntilMs: number
  /** Of steps: the one that was in force last. Of a trace: the opportunity that is being used. */
  at: number
  /** Of a trace: what is left of that opportunity. Bytes. */
  leftBytes: number
}

export const make = (rate: Rate): Bottleneck => ({
  rate,
  busyUntilMs: 0,
  at: 0,
  leftBytes: RateTrace.opportunityBytes
})

/** Takes a packet behind all others and returns when its last byte leaves. */
export const serve = (self: Bottleneck, nowMs: number, sizeBytes: number): number => {
  const { rate } = self
  const startMs = Math.max(nowMs, self.busyUntilMs)
  if (rate.kind === "constant") self.busyUntilMs = startMs + (sizeBytes * 8000) / rate.rateBps
  else if (rate.kind === "steps") self.busyUntilMs = serveInSteps(self, rate.steps, startMs, sizeBytes * 8000)
  else self.busyUntilMs = serveInTrace(self, rate.trace, nowMs, sizeBytes)
  return self.busyUntilMs
}

const serveInSteps = (
  self: Bottleneck,
  steps: ReadonlyArray<{ readonly fromMs: number; readonly rateBps: number }>,
  startMs: number,
  milliBits: number
): number => {
  let timeMs = startMs
  let left = milliBits
  while (true) {
    const endMs = steps[self.at + 1]?.fromMs ?? Infinity
    if (timeMs < endMs) {
      const { rateBps } = steps[self.at]!
      if (timeMs + left / rateBps <= endMs) return timeMs + left / rateBps
      left -= (endMs - timeMs) * rateBps
      timeMs = endMs
    }
    self.at++
  }
}

/** An opportunity that finds nothing waiting is lost; what one packet leaves of it is the next one's. As Mahimahi does. */
const serveInTrace = (self: Bottleneck, trace: RateTrace.RateTrace, nowMs: number, sizeBytes: number): number => {
  let left = sizeBytes
  if (RateTrace.opportunityMs(trace, self.at) < nowMs) {
    self.at = RateTrace.countBefore(trace, nowMs)
    self.leftBytes = RateTrace.opportunityBytes
  }
  while (left > self.leftBytes) {
    left -= self.leftBytes
    self.at++
    self.leftBytes = RateTrace.opportunityBytes
  }
  self.leftBytes -= left
  return RateTrace.opportunityMs(trace, self.at)
}

/** What could have been carried: the mean over a time. Bits a second. */
export const capacityBps = (rate: Rate, fromMs: number, untilMs: number): number => {
  if (rate.kind === "constant") return rate.rateBps
  if (rate.kind === "trace") return RateTrace.capacityBps(rate.trace, fromMs, untilMs)
  let total = 0
  for (let i = 0; i < rate.steps.length; i++) {
    const startMs = Math.max(fromMs, rate.steps[i]!.fromMs)
    const endMs = Math.min(untilMs, rate.steps[i + 1]?.fromMs ?? Infinity)
    if (endMs > startMs) total += (endMs - startMs) * rate.steps[i]!.rateBps
  }
  return total / (untilMs - fromMs)
}
