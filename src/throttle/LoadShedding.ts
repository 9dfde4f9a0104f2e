import { QualityExtra } from "../protocol/QualityExtra.ts"
import * as CallerSlot from "./CallerSlot.ts"
import * as GiveUpOrder from "./GiveUpOrder.ts"
import * as Load from "./Load.ts"
import * as OfferedCalls from "./OfferedCalls.ts"
import type { Priority } from "./Priority.ts"

/**
 * How much of the table a relay gives up: a cursor over its classes, and within a class over the callers. Reads no clock, and is
 * never changed: each step makes another.
 *
 * Two things move it. The share of what the relay can do that is in use sets it directly, for that is known before anybody
 * waits. And where packets wait all the same, whatever the reason, it goes up until fewer are let in, as in DAGOR.
 */
export interface LoadShedding {
  /** Steps of `GiveUpOrder` that are given up, the last of them in part. */
  readonly level: number
  /** Of that, what waiting has made of it. */
  readonly waitLevel: number
  /** Packets have waited too long all the while; nothing has, all the while. Milliseconds. */
  readonly waitingMs: number
  readonly calmMs: number
  /** As measured, without what was let in since. */
  readonly utilization: number
  /** Who was let in and is not in what was measured yet, of a group twice, and what each will use. */
  readonly pending: number
  readonly sharePerAdmission: number
  /** Extras that ongoing calls go without: so many, in their order. */
  readonly extrasWithheld: number
  /** There has been room for the last of them for so long, and has to be for so long before it is given back. Milliseconds. */
  readonly roomMs: number
  readonly neededMs: number
  /** What was needed when something was taken last, and how long ago something was given back. Milliseconds. */
  readonly patienceMs: number
  readonly sinceGivenBackMs: number
}

export const make = (): LoadShedding => ({
  level: 0,
  waitLevel: 0,
  waitingMs: 0,
  calmMs: 0,
  utilization: 0,
  pending: 0,
  sharePerAdmission: 0,
  extrasWithheld: 0,
  roomMs: 0,
  neededMs: neededMsMin,
  patienceMs: neededMsMin,
  sinceGivenBackMs: Infinity
})

/** The level falls no faster, so that a pause for breath brings nobody in who is in the way a moment later. Steps a second. */
const fallPerSecond = 2
/** Of those who are let in, so many fewer after a second in which packets have waited for as long as they may. Share. */
const cutPerSecond = 0.5
/** And the level rises at least by so much, also when nobody asks. Steps a second. */
const riseMinPerSecond = 0.5
/** A machine that has stood still for a moment is not overloaded: packets have to wait for longer than this. Milliseconds. */
const waitingMsMin = 500
/** After the last wait; then more are let in again. Milliseconds, and steps a second. */
const calmAfterMs = 1000
const waitFallPerSecond = 1
/**
 * Who was let in fades with this time constant, while more and more of him is seen in the load: he has to join, and what is measured
 * is smoothed. Both together make up to 1.3 of him, for to join is work too. Milliseconds.
 */
const pendingSpanMs = 1370
/** Who joins a group is sent what several say, and all of them what he says: he uses more than one of two. */
const groupWeight = 2
/** What one participant uses: of a relay with few of them it cannot be told from what the relay uses anyhow. Share. */
const shareMax = 0.02
const shareAtFirst = 0.001
const participantsMin = 20
/** An extra is given back when the level has been below its step by so much, for so long. */
const givenBackBelow = 0.5
const neededMsMin = 1500
/** What is given back and taken again within this time is given back later the next time: nobody likes pictures that come and go. */
const tooSoonMs = 20_000
/** So that all four are back within ten seconds in any case. */
const patienceMsMax = 5000

/** The next state, after `elapsedMs` in which the load has become this, and these calls were offered. */
export const step = (
  self: LoadShedding,
  load: Load.Load,
  offered: OfferedCalls.OfferedCalls,
  elapsedMs: number
): LoadShedding => {
  // A clock that jumps counts for no time at all, or for a second.
  const seconds = Math.min(1000, Math.max(0, elapsedMs || 0)) / 1000
  const utilization = Load.utilization(load)
  const pending = self.pending * Math.exp((-1000 * seconds) / pendingSpanMs)
  const sharePerAdmission = shareOf(load, utilization)
  const severity = Load.waitSeverity(load)
  const waitingMs = severity >= 1 ? self.waitingMs + seconds * 1000 : 0
  const calmMs = severity >= 1 ? 0 : self.calmMs + seconds * 1000
  const waitLevel = waitLevelOf(self, waitingMs > waitingMsMin ? severity : 0, calmMs, offered, seconds)
  const wanted = Math.max(waitLevel, GiveUpOrder.levelAt(utilization + pending * sharePerAdmission))
  const level = Math.max(wanted, self.level - fallPerSecond * seconds)
  return {
    level,
    waitLevel,
    waitingMs,
    calmMs,
    utilization,
    pending,
    sharePerAdmission,
    ...extrasOf(self, level, seconds)
  }
}

/** Somebody of this class has been let in who is no part of the measured load yet. */
export const admitted = (self: LoadShedding, priority: Priority): LoadShedding => {
  const pending = self.pending + (isOfGroup(priority) ? groupWeight : 1)
  const level = GiveUpOrder.levelAt(self.utilization + pending * self.sharePerAdmission)
  return { ...self, pending, level: Math.max(self.level, level) }
}

/** Whether a caller of this class is let in. `slot`: CallerSlot. */
export const admits = ({ level }: LoadShedding, priority: Priority, slot: number): boolean => {
  const at = GiveUpOrder.stepOf(priority)
  return at === undefined || slot < CallerSlot.slots * (1 - (level - at))
}

/** What ongoing calls go without, in the order in which it was given up. */
export const withheld = ({ extrasWithheld }: LoadShedding): ReadonlyArray<QualityExtra> =>
  QualityExtra.literals.slice(0, extrasWithheld)

/** How full the relay is, for those who choose among relays: where packets wait it is fuller than its figures say. */
export const fullness = ({ level, utilization }: LoadShedding): number =>
  level === 0 ? utilization : Math.max(utilization, GiveUpOrder.utilizationAt(level))

const isOfGroup = (priority: Priority): boolean =>
  priority === "group-join" || priority === "new-group-audio" || priority === "new-group-video"

const shareOf = ({ participants }: Load.Load, utilization: number): number =>
  participants >= participantsMin ? Math.min(shareMax, utilization / participants) : shareAtFirst

const waitLevelOf = (
  self: LoadShedding,
  severity: number,
  calmMs: number,
  offered: OfferedCalls.OfferedCalls,
  seconds: number
): number => {
  if (severity >= 1) {
    const kept = Math.max(0, 1 - cutPerSecond * severity * seconds)
    const cut = OfferedCalls.levelFor(offered, kept * OfferedCalls.admittedAt(offered, self.level))
    const least = Math.max(self.level, self.waitLevel) + riseMinPerSecond * severity * seconds
    return Math.min(GiveUpOrder.levelMax, Math.max(cut, least))
  }
  return calmMs < calmAfterMs ? self.waitLevel : Math.max(0, self.waitLevel - waitFallPerSecond * seconds)
}

/** Taken away at once, given back one after another. */
const extrasOf = (self: LoadShedding, level: number, seconds: number) => {
  const { extraSteps } = GiveUpOrder
  const { extrasWithheld, neededMs } = self
  const due = extraSteps.filter((step) => level > step).length
  const sinceGivenBackMs = self.sinceGivenBackMs + seconds * 1000
  if (due > extrasWithheld) {
    const patienceMs = sinceGivenBackMs < tooSoonMs ? Math.min(patienceMsMax, 2 * self.patienceMs) : neededMsMin
    return { extrasWithheld: due, roomMs: 0, neededMs: patienceMs, patienceMs, sinceGivenBackMs }
  }
  const { patienceMs } = self
  const hasRoom = due < extrasWithheld && (level < extraSteps[extrasWithheld - 1]! - givenBackBelow || level === 0)
  const roomMs = hasRoom ? self.roomMs + seconds * 1000 : 0
  return hasRoom && roomMs >= neededMs
    ? { extrasWithheld: extrasWithheld - 1, roomMs: 0, neededMs: neededMsMin, patienceMs, sinceGivenBackMs: 0 }
    : { extrasWithheld, roomMs, neededMs, patienceMs, sinceGivenBackMs }
}
