import * as CallMix from "./CallMix.ts"

/** New Year's Eve, as far as a fleet is concerned. Times are of the simulation, which begins with the warm-up. */
export interface Evening {
  readonly relays: number
  /** Of each relay. Packets a second. */
  readonly capacityPerSecond: number
  readonly lengthMeanMs: number
  /** Calls come at the rate of every evening, and at midnight at once at so many times this rate, until `midnightMs` have gone by. */
  readonly beforeMs: number
  readonly midnightMs: number
  readonly afterMs: number
  readonly riseFactor: number
  /** What the calls of every evening take of the fleet, if all are let in. Share. */
  readonly normalUtilization: number
  readonly isThrottled: boolean
}

export type Phase = "before" | "midnight" | "after"
export const phases: ReadonlyArray<Phase> = ["before", "midnight", "after"]

/** Until calls end as fast as they come: in so many mean lengths. */
const warmUpLengths = 3
const midnightMsMax = 20 * 60_000

export const normal: Evening = {
  relays: 4,
  capacityPerSecond: 100_000,
  lengthMeanMs: 180_000,
  beforeMs: 80 * 60_000,
  midnightMs: midnightMsMax,
  afterMs: 80 * 60_000,
  riseFactor: 8,
  normalUtilization: 0.6,
  isThrottled: true
}

/** So long an evening, with midnight in its middle. */
export const ofHours = (hours: number, options: Partial<Evening> = {}): Evening => {
  const restMs = hours * 3_600_000 - midnightMsMax
  return { ...normal, beforeMs: restMs / 2, afterMs: restMs / 2, ...options }
}

export const warmUpMs = ({ lengthMeanMs }: Evening): number => warmUpLengths * lengthMeanMs
export const midnightAtMs = (self: Evening): number => warmUpMs(self) + self.beforeMs
export const endMs = (self: Evening): number => midnightAtMs(self) + self.midnightMs + self.afterMs

/** `undefined`: the evening has not begun, nothing is counted. */
export const phaseAt = (self: Evening, atMs: number): Phase | undefined => {
  const fromMidnightMs = atMs - midnightAtMs(self)
  if (fromMidnightMs < 0) return atMs < warmUpMs(self) ? undefined : "before"
  return fromMidnightMs < self.midnightMs ? "midnight" : "after"
}

/** At most, which is at midnight. Calls a second. */
export const callsPerSecondMax = (self: Evening): number => callsPerSecond(self) * self.riseFactor

/** Of that what comes at this time. Share. */
export const shareAt = (self: Evening, atMs: number): number =>
  phaseAt(self, atMs) === "midnight" ? 1 : 1 / self.riseFactor

const callsPerSecond = ({ capacityPerSecond, lengthMeanMs, normalUtilization, relays }: Evening): number =>
  (normalUtilization * capacityPerSecond * relays * 1000) / (lengthMeanMs * CallMix.packetsOfCall(lengthMeanMs))
