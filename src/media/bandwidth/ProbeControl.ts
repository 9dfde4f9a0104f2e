/**
 * When to send faster than the estimate for a moment, to see whether the path holds more, and how fast: libwebrtc
 * ProbeController. It plans; the owner polls, sends, measures with ProbeResults and tells the result. Owned by exactly one
 * leg and changed in place.
 */
export interface ProbeControl {
  readonly minBps: number
  /** No probe is faster. Bits a second. */
  readonly maxBps: number
  /** The probe that `poll` has given out last: its rate, its number, how much of it is to be sent at least. */
  probeBps: number
  probeId: number
  packetsMin: number
  bytesMin: number
  estimateBps: number
  limit: Limit
  phase: Phase
  /** What the first probes are multiples of. Bits a second. */
  readonly startBps: number
  /** How often they may still be planned; 0 as soon as any probe has shown something. */
  startsLeft: number
  /** Planned and not given out: at most two, 0 is none. */
  plannedBps: number
  plannedNextBps: number
  /** Whether they are those of the start. */
  isStartPlanned: boolean
  plannedAtMs: number
  /** How long what is planned lasts at its rate. Milliseconds. */
  plannedMs: number
  /** A result of at least this is worth another probe. Infinity: none is. */
  furtherFromBps: number
  /** When the last probe was planned. */
  probedAtMs: number
  congestedAtMs: number
  isPeriodic: boolean
  periodicSinceMs: number
  periodicUntilMs: number
  /** The last time that the estimate fell by much, and from where. */
  droppedAtMs: number
  beforeDropBps: number
  probedDropAtMs: number
}

/** What holds the estimate down. libwebrtc BandwidthLimitedCause. */
export const Limit = {
  None: 0,
  /** Losses, and the estimate rises: a probe goes no further than 1.5 times. */
  LossRecovering: 1,
  /** Overuse or losses now: no probe. */
  Congestion: 2
} as const
export type Limit = (typeof Limit)[keyof typeof Limit]

const Phase = { Initial: 0, Waiting: 1, Complete: 2 } as const
type Phase = (typeof Phase)[keyof typeof Phase]

/** libwebrtc ProbeControllerConfig first_ and second_exponential_probe_scale, of the start rate. */
export const startScales = [3, 6] as const
/**
 * The first probes are sent a second time when after so long none has shown anything: losses, or a machine that stands still for a
 * moment, may have spoiled them, and until there is another the start rate is all there is. Milliseconds.
 */
export const startAgainMs = 400
const startsMax = 2
/** libwebrtc further_exponential_probe_scale, of a result. */
export const furtherScale = 2
/** libwebrtc further_probe_threshold: share of the probed rate that a result must reach. */
export const furtherThreshold = 0.7
/** Above the estimate, the same for all: a probe at a multiple would give most to those who have most. Bits a second. */
export const periodicStepBps = 500_000
/** libwebrtc alr_probing_interval is 5000; growth without probes is 120 kbit/s in a second, and so slow here. Milliseconds. */
export const periodicEveryMs = 1500
/** And not before the path has been free of congestion for so long: until then its capacity is known well enough. Milliseconds. */
export const periodicAfterCongestionMs = 3000
/** libwebrtc loss_limited_probe_scale, of the estimate. */
export const recoveringScale = 1.5
/** libwebrtc kBitrateDropThreshold: the estimate falls below this share of itself. */
export const dropThreshold = 0.66
/** libwebrtc kBitrateDropTimeout. Milliseconds. */
export const dropForgottenAfterMs = 5000
/** libwebrtc kProbeFractionAfterDrop, of the rate before. */
export const afterDropScale = 0.85
/** libwebrtc kMinTimeBetweenAlrProbes. Milliseconds. */
const afterDropEveryMs = 5000
/** libwebrtc kAlrEndedTimeout: so long after periodic probing has ended it still counts. Milliseconds. */
const periodicLingersMs = 3000
/** libwebrtc kProbeUncertainty: what is as near is known already. Share. */
const uncertainty = 0.05
/** libwebrtc kMaxWaitingTimeForProbingResult. Milliseconds. */
export const answerMsMax = 1000
/** libwebrtc BitrateProber kProbeClusterTimeout: planned and not sent for so long, it is dropped. Milliseconds. */
export const plannedMsMax = 5000
/** libwebrtc min_probe_packets_sent. */
export const packetsMin = 5
/** libwebrtc min_probe_duration is 15: in that time, jitter of 5 ms makes a rate of nearly any other. Milliseconds. */
export const probeMsMin = 30
/** What goes on from a result may be longer, and is less blurred by jitter: most of it is known to fit. Milliseconds. */
export const furtherMs = 60
/** Numbers of probes start anew after this one; 0 is no probe. */
const probeIdMax = 0xffff

export const make = (options: {
  readonly startBps: number
  readonly minBps: number
  readonly maxBps: number
}): ProbeControl => ({
  minBps: options.minBps,
  maxBps: options.maxBps,
  probeBps: 0,
  probeId: 0,
  packetsMin,
  bytesMin: 0,
  estimateBps: Math.min(options.maxBps, Math.max(options.minBps, options.startBps)),
  limit: Limit.None,
  phase: Phase.Initial,
  startBps: Math.min(options.maxBps, Math.max(options.minBps, options.startBps)),
  startsLeft: startsMax,
  plannedBps: 0,
  plannedNextBps: 0,
  isStartPlanned: false,
  plannedAtMs: -Infinity,
  plannedMs: probeMsMin,
  furtherFromBps: Infinity,
  probedAtMs: -Infinity,
  congestedAtMs: -Infinity,
  isPeriodic: false,
  periodicSinceMs: -Infinity,
  periodicUntilMs: -Infinity,
  droppedAtMs: -Infinity,
  beforeDropBps: 0,
  probedDropAtMs: -Infinity
})

export const setEstimate = (self: ProbeControl, rateBps: number, nowMs: number): void => {
  if (Number.isNaN(rateBps)) return
  const estimateBps = within(self, rateBps)
  if (estimateBps < dropThreshold * self.estimateBps) {
    self.droppedAtMs = nowMs
    self.beforeDropBps = self.estimateBps
  }
  self.estimateBps = estimateBps
}

export const setLimit = (self: ProbeControl, limit: Limit, nowMs: number): void => {
  self.limit = limit
  if (limit === Limit.Congestion) self.congestedAtMs = nowMs
}

/**
 * Whether to probe every now and then without another reason. The owner decides it by what the sender wants and the path has
 * in its queue; libwebrtc does it while the application is limited. Telling the same again changes nothing.
 */
export const setPeriodic = (self: ProbeControl, isPeriodic: boolean, nowMs: number): void => {
  if (isPeriodic === self.isPeriodic) return
  self.isPeriodic = isPeriodic
  if (isPeriodic) self.periodicSinceMs = nowMs
  else self.periodicUntilMs = nowMs
}

/** Overuse has ended: if the estimate has just fallen by much, look whether what was before is there again. */
export const requestAfterDrop = (self: ProbeControl, nowMs: number): void => {
  const lingers = self.isPeriodic || isWithin(self.periodicUntilMs, periodicLingersMs, nowMs)
  if (!lingers || self.phase !== Phase.Complete || self.plannedBps > 0) return
  // Not further from what is believed than at the start: on a path that has become narrow more of it would be a queue.
  const probeBps = Math.min(afterDropScale * self.beforeDropBps, startScales[1] * self.estimateBps)
  const isNews = probeBps * (1 - uncertainty) > self.estimateBps
  if (!isNews || !isWithin(self.droppedAtMs, dropForgottenAfterMs, nowMs)) return
  if (isWithin(self.probedDropAtMs, afterDropEveryMs, nowMs)) return
  if (plan(self, probeBps, 0, false, nowMs)) self.probedDropAtMs = nowMs
}

/** What a probe has shown, of ProbeResults. */
export const handleResult = (self: ProbeControl, resultBps: number, nowMs: number): void => {
  self.startsLeft = 0
  if (self.phase !== Phase.Waiting || !(resultBps >= self.furtherFromBps)) return
  if (plan(self, furtherScale * resultBps, 0, true, nowMs)) self.plannedMs = furtherMs
}

/**
 * True: a probe is to be sent now, as the fields say. Poll again when it has been sent. `isBusy`: there is no room for others than
 * those of the start. What is due meanwhile is not made up for, or all legs would probe at once when there is room again.
 */
export const poll = (self: ProbeControl, nowMs: number, isBusy = false): boolean => {
  forgetTheFuture(self, nowMs)
  if (self.phase === Phase.Initial || (isAnswerOverdue(self, nowMs) && self.startsLeft > 0)) {
    complete(self)
    self.startsLeft--
    self.isStartPlanned = plan(self, startScales[0] * self.startBps, startScales[1] * self.startBps, true, nowMs)
  }
  if (isAnswerOverdue(self, nowMs)) complete(self)
  if (self.plannedBps > 0 && nowMs >= self.plannedAtMs + plannedMsMax) dropPlanned(self)
  if (nowMs >= periodicDueMs(self)) plan(self, self.estimateBps + periodicStepBps, 0, true, nowMs)
  if (isBusy && !self.isStartPlanned) dropPlanned(self)
  if (self.plannedBps === 0) return false
  if (self.limit === Limit.Congestion) {
    dropPlanned(self)
    return false
  }
  self.probeBps = self.plannedBps
  self.probeId = self.probeId < probeIdMax ? self.probeId + 1 : 1
  self.bytesMin = Math.ceil((self.probeBps * self.plannedMs) / 8000)
  self.plannedBps = self.plannedNextBps
  self.plannedNextBps = 0
  return true
}

/** When to poll next. Milliseconds; -Infinity: at once, Infinity: when something has changed. */
export const nextDeadlineMs = (self: ProbeControl): number => {
  if (self.plannedBps > 0 || self.phase === Phase.Initial) return -Infinity
  return self.phase === Phase.Waiting ? answerDueMs(self) : periodicDueMs(self)
}

const answerDueMs = ({ probedAtMs, startsLeft }: ProbeControl): number =>
  probedAtMs + (startsLeft > 0 ? startAgainMs : answerMsMax)

const isAnswerOverdue = (self: ProbeControl, nowMs: number): boolean =>
  self.phase === Phase.Waiting && nowMs >= answerDueMs(self)

/** False when there is nothing to find out, or this is not the moment. */
const plan = (self: ProbeControl, rateBps: number, nextBps: number, isFurther: boolean, nowMs: number): boolean => {
  if (!canProbe(self)) return false
  const isRecovering = self.limit === Limit.LossRecovering
  const highestBps = isRecovering ? Math.min(self.maxBps, recoveringScale * self.estimateBps) : self.maxBps
  self.plannedBps = Math.max(self.minBps, Math.min(highestBps, rateBps))
  const secondBps = Math.min(highestBps, nextBps)
  // Where both are bounded, the second would be the first again.
  self.plannedNextBps = secondBps > self.plannedBps ? secondBps : 0
  self.isStartPlanned = false
  self.plannedAtMs = nowMs
  self.plannedMs = probeMsMin
  self.probedAtMs = nowMs
  const lastBps = Math.max(self.plannedBps, self.plannedNextBps)
  const goesOn = isFurther && lastBps < highestBps
  self.phase = goesOn || self.startsLeft > 0 ? Phase.Waiting : Phase.Complete
  self.furtherFromBps = goesOn ? lastBps * furtherThreshold : Infinity
  return true
}

const canProbe = (self: ProbeControl): boolean => self.limit !== Limit.Congestion && self.estimateBps < self.maxBps

/** Infinity when none is due for this reason. */
const periodicDueMs = (self: ProbeControl): number => {
  if (!self.isPeriodic || self.phase !== Phase.Complete || !canProbe(self)) return Infinity
  const afterProbeMs = Math.max(self.periodicSinceMs, self.probedAtMs) + periodicEveryMs
  return Math.max(afterProbeMs, self.congestedAtMs + periodicAfterCongestionMs)
}

const complete = (self: ProbeControl): void => {
  self.phase = Phase.Complete
  self.furtherFromBps = Infinity
}

const dropPlanned = (self: ProbeControl): void => {
  self.plannedBps = 0
  self.plannedNextBps = 0
}

/** The clock was set back: what would lie ahead is taken to be now, for nobody is to wait for it. */
const forgetTheFuture = (self: ProbeControl, nowMs: number): void => {
  self.plannedAtMs = Math.min(self.plannedAtMs, nowMs)
  self.probedAtMs = Math.min(self.probedAtMs, nowMs)
  self.periodicSinceMs = Math.min(self.periodicSinceMs, nowMs)
  self.congestedAtMs = Math.min(self.congestedAtMs, nowMs)
}

const within = (self: ProbeControl, rateBps: number): number => Math.min(self.maxBps, Math.max(self.minBps, rateBps))

/** False as well when the clock has been set back. */
const isWithin = (sinceMs: number, forMs: number, nowMs: number): boolean => nowMs >= sinceMs && nowMs - sinceMs < forMs
