import type { CallClass } from "../../src/protocol/CallClass.ts"
import type { PlannedCall } from "./ArrivalPlan.ts"
import * as CallMix from "./CallMix.ts"
import * as DelayLog from "./DelayLog.ts"
import * as Timeline from "./Timeline.ts"

/**
 * What came of calls of one class in one phase, or in one second. A call counts where it was wanted; a call that was dropped,
 * where that happened.
 */
export interface Outcomes {
  offered: number
  admitted: number
  refused: number
  /** Of those, calls in which somebody was in already when another one was refused. */
  torn: number
  /** Nobody said no, but the join has failed. */
  unanswered: number
  ongoingDropped: number
  /** Packets of audio that somebody should hear, and those that somebody did. */
  audioWanted: number
  audioHeard: number
}

/** One class in one phase. */
export interface PhaseTally {
  readonly phase: Timeline.Phase
  readonly callClass: CallClass
  readonly outcomes: Outcomes
  /** Of audio: in calls that were wanted before the phase began, and in those that came with it. */
  readonly delaysEarlier: DelayLog.DelayLog
  readonly delaysNew: DelayLog.DelayLog
}

/** One second from the start of the round. */
export interface SecondTally {
  readonly outcomes: Readonly<Record<CallClass, Outcomes>>
  /** Of audio of calls of two without video. */
  readonly delays: DelayLog.DelayLog
}

/** All that a generator counts. Changed in place. */
export interface Tally {
  readonly timeline: Timeline.Timeline
  readonly phases: ReadonlyArray<PhaseTally>
  readonly seconds: ReadonlyArray<SecondTally>
  /** How late it was with what it had to send: one for each turn. */
  readonly lateness: DelayLog.DelayLog
  /** Turns that were left out, for it was much too late. */
  turnsSkipped: number
  /** Why calls were dropped, or got no answer, and how often. */
  readonly reasons: Map<string, number>
}

const noOutcomes = (): Outcomes => ({
  offered: 0,
  admitted: 0,
  refused: 0,
  torn: 0,
  unanswered: 0,
  ongoingDropped: 0,
  audioWanted: 0,
  audioHeard: 0
})

export const make = (timeline: Timeline.Timeline): Tally => ({
  timeline,
  phases: Timeline.phases.flatMap((phase) =>
    CallMix.classes.map((callClass) => ({
      phase,
      callClass,
      outcomes: noOutcomes(),
      delaysEarlier: DelayLog.make(),
      delaysNew: DelayLog.make()
    }))
  ),
  seconds: Array.from({ length: Math.ceil(Timeline.endMs(timeline) / 1000) }, () => ({
    outcomes: Object.fromEntries(CallMix.classes.map((each) => [each, noOutcomes()])) as Record<CallClass, Outcomes>,
    delays: DelayLog.make()
  })),
  lateness: DelayLog.make(),
  turnsSkipped: 0,
  reasons: new Map()
})

const phaseOf = ({ phases, timeline }: Tally, callClass: CallClass, atMs: number): PhaseTally | undefined => {
  const phase = Timeline.phaseAt(timeline, atMs)
  return phase && phases[Timeline.phases.indexOf(phase) * CallMix.classes.length + CallMix.classes.indexOf(callClass)]
}

const secondOf = ({ seconds }: Tally, atMs: number): SecondTally | undefined => seconds[Math.floor(atMs / 1000)]

export const count = (
  self: Tally,
  callClass: CallClass,
  what: keyof Outcomes,
  atMs: number,
  times: number = 1
): void => {
  const phase = phaseOf(self, callClass, atMs)
  if (phase !== undefined) phase.outcomes[what] += times
  const second = secondOf(self, atMs)
  if (second !== undefined) second.outcomes[callClass][what] += times
}

export const countReason = ({ reasons }: Tally, reason: string): void =>
  void reasons.set(reason, (reasons.get(reason) ?? 0) + 1)

/** Somebody hears a packet that was sent at this time, and was so long on its way. */
export const handleAudio = (self: Tally, plan: PlannedCall, sentAtMs: number, delayMs: number): void => {
  const { callClass } = plan
  count(self, callClass, "audioHeard", sentAtMs)
  const phase = phaseOf(self, callClass, sentAtMs)
  if (phase !== undefined) {
    const isEarlier = plan.atMs < Timeline.startMsOf(self.timeline, phase.phase)
    DelayLog.add(isEarlier ? phase.delaysEarlier : phase.delaysNew, delayMs)
  }
  if (callClass === "one-to-one-audio") {
    const second = secondOf(self, sentAtMs)
    if (second !== undefined) DelayLog.add(second.delays, delayMs)
  }
}

/** What is told of a whole run. `latenessMs` in milliseconds. */

export interface TallyReport {
  readonly phases: ReadonlyArray<PhaseTally>
  readonly seconds: ReadonlyArray<SecondTally>
  readonly latenessMs: { readonly p50: number; readonly p99: number; readonly max: number }
  readonly turnsSkipped: number
  readonly reasons: Readonly<Record<string, number>>
}

export const report = ({ lateness, phases, reasons, seconds, turnsSkipped }: Tally): TallyReport => ({
  phases,
  seconds,
  latenessMs: {
    p50: DelayLog.quantileMs(lateness, 0.5),
    p99: DelayLog.quantileMs(lateness, 0.99),
    max: DelayLog.quantileMs(lateness, 1)
  },
  turnsSkipped,
  reasons: Object.fromEntries(reasons)
})
