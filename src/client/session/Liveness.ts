import * as SendLeg from "../../media/SendLeg.ts"

/**
 * Whether the relay is still there. Any frame or message of it is a sign of life; while media flows there is one at least
 * every 100 ms, for who receives media reports on it. Silence makes the relay suspect, not dead: it is pinged at once and
 * often, and until it is heard again somebody else may take over. While the device's own machine stands still it hears
 * nobody: that time is no silence. Changed in place; reads no clock.
 */
export interface Liveness {
  polledAtMs: number
  /** The last sign of life, and for how long the device has stood still since. Milliseconds. */
  heardAtMs: number
  stoodStillMs: number
  /** Since when media flows, either way; Infinity: it does not. Milliseconds. */
  mediaSinceMs: number
  lastPingAtMs: number
  suspicion: Suspicion | undefined
}

interface Suspicion {
  readonly sinceMs: number
  /** What had been heard until then: anything later refutes it. */
  readonly heardAtMs: number
  /** The relay is given so long to refute it, whatever silence is borne otherwise. Milliseconds. */
  readonly patienceMs: number
}

/** What is known of the relay. All times are of one monotonic clock. Milliseconds. */
export interface Signs {
  readonly lastHeardAtMs: number
  /** Of media, sent or received. */
  readonly lastMediaAtMs: number
  readonly roundTripMs: number
}

export interface Step {
  /** To be sent now. */
  readonly ping: boolean
  readonly change: "suspected" | "recovered" | undefined
  /** The relay has been silent for too long: somebody else is to take over. */
  readonly isLost: boolean
}

export const pingEveryMs = 5000
export const pingEveryMsSuspect = 150
/** Silence while media flows. */
export const suspectAfterMs = 300
/** A ping without an answer while nothing flows: the first RTO of RFC 8489 section 6.2.1. */
export const pingAnswerMs = 500
/**
 * Not polled for longer than this the device has stood still, for the rest of the time: with 100 ms between reports so much makes no
 * silence, and who is never polled more often still finds out that a relay is silent. Milliseconds.
 */
const standstillMs = 150

export const make = (nowMs: number): Liveness => ({
  polledAtMs: nowMs,
  heardAtMs: -Infinity,
  stoodStillMs: 0,
  mediaSinceMs: Infinity,
  lastPingAtMs: nowMs,
  suspicion: undefined
})

/** Something speaks against the path: it has to be proved anew, for which there are `patienceMs`. */
export const suspect = (self: Liveness, signs: Signs, patienceMs: number, nowMs: number): void => {
  self.suspicion = { sinceMs: nowMs, heardAtMs: signs.lastHeardAtMs, patienceMs }
  self.lastPingAtMs = -Infinity
}

/** The relay has said itself that it does not know the session: what it still sends refutes nothing. */
export const renounce = (self: Liveness, nowMs: number): void => {
  self.suspicion = { sinceMs: nowMs, heardAtMs: Infinity, patienceMs: 0 }
  self.lastPingAtMs = -Infinity
}

/** Whether nothing has refuted the suspicion so far. */
export const isSuspect = ({ suspicion }: Liveness, { lastHeardAtMs }: Pick<Signs, "lastHeardAtMs">): boolean =>
  suspicion !== undefined && lastHeardAtMs <= suspicion.heardAtMs

/** Another relay has taken over. */
export const restart = (self: Liveness, nowMs: number): void => {
  self.polledAtMs = nowMs
  self.heardAtMs = -Infinity
  self.stoodStillMs = 0
  self.mediaSinceMs = Infinity
  self.lastPingAtMs = nowMs
  self.suspicion = undefined
}

/**
 * To be called often: every 50 ms or more, and at `nextDeadlineMs`. `silenceMs` is how much silence is borne, at least
 * `suspectAfterMs`, before the relay is lost.
 */
export const poll = (self: Liveness, signs: Signs, silenceMs: number, nowMs: number): Step => {
  noticeStandstill(self, signs, nowMs)
  // When media has stopped the relay owes no reports.
  const flows = nowMs - signs.lastMediaAtMs < SendLeg.quietAfterMs
  self.mediaSinceMs = flows ? Math.min(self.mediaSinceMs, nowMs) : Infinity
  let change: Step["change"]
  if (self.suspicion === undefined) {
    if (isSilent(self, signs, nowMs)) {
      suspect(self, signs, 0, nowMs)
      change = "suspected"
    }
  } else if (!isSuspect(self, signs)) {
    self.suspicion = undefined
    change = "recovered"
  }
  const { suspicion } = self
  const ping = nowMs - self.lastPingAtMs >= (suspicion === undefined ? pingEveryMs : pingEveryMsSuspect)
  if (ping) self.lastPingAtMs = nowMs
  return { ping, change, isLost: suspicion !== undefined && nowMs >= lostAtMs(suspicion, silenceMs) }
}

/** What was sent to the device meanwhile is still to be read, and its own pings went out late. */
const noticeStandstill = (self: Liveness, { lastHeardAtMs }: Signs, nowMs: number): void => {
  const stoodStillMs = Math.max(0, nowMs - Math.max(self.polledAtMs, lastHeardAtMs) - standstillMs)
  self.stoodStillMs = (lastHeardAtMs > self.heardAtMs ? 0 : self.stoodStillMs) + stoodStillMs
  self.heardAtMs = lastHeardAtMs
  self.polledAtMs = nowMs
  // One that was answered stays where it was: the next is due in real time, for the sake of address translators.
  if (self.lastPingAtMs > lastHeardAtMs) self.lastPingAtMs += stoodStillMs
  const { suspicion } = self
  if (suspicion !== undefined) self.suspicion = { ...suspicion, sinceMs: suspicion.sinceMs + stoodStillMs }
}

/** Since when nothing was heard, later by as long as nothing could be. */
const silentSinceMs = ({ heardAtMs, stoodStillMs }: Liveness, lastHeardAtMs: number): number =>
  lastHeardAtMs > heardAtMs ? lastHeardAtMs : lastHeardAtMs + stoodStillMs

/** When the relay becomes suspect, or is lost, if it stays silent while media flows. Milliseconds; Infinity for never. */
export const nextDeadlineMs = (self: Liveness, signs: Signs, silenceMs: number): number =>
  self.suspicion === undefined
    ? Math.max(self.mediaSinceMs + signs.roundTripMs, silentSinceMs(self, signs.lastHeardAtMs)) + suspectAfterMs
    : lostAtMs(self.suspicion, silenceMs)

const lostAtMs = ({ patienceMs, sinceMs }: Suspicion, silenceMs: number): number =>
  sinceMs + Math.max(patienceMs, silenceMs - suspectAfterMs)

const isSilent = (self: Liveness, { lastHeardAtMs, roundTripMs }: Signs, nowMs: number): boolean => {
  // The first report on media that has just begun takes a round trip.
  const owesReports = nowMs - self.mediaSinceMs >= suspectAfterMs + roundTripMs
  const owesAnswer = self.lastPingAtMs > lastHeardAtMs && nowMs - self.lastPingAtMs >= pingAnswerMs + roundTripMs
  return owesAnswer || (owesReports && nowMs - silentSinceMs(self, lastHeardAtMs) >= suspectAfterMs)
}
