import type { CallClass } from "../../src/protocol/CallClass.ts"
import * as CallMix from "./CallMix.ts"
import * as DelayLog from "./DelayLog.ts"
import type { Round } from "./Round.ts"
import type * as Tally from "./Tally.ts"
import * as Timeline from "./Timeline.ts"

/** What is judged of a round. Times in milliseconds. */
export interface Figures {
  readonly ongoingDropped: number
  /** Of audio of calls of two without video that go on all the time: normally, and in the flood. */
  readonly normalP99Ms: number
  readonly floodP99Ms: number
  /** Of audio in the flood, of all calls that went on. 0 to 1. */
  readonly lostRatio: number
  readonly seconds: ReadonlyArray<Second>
  /** `null`: it was not back to normal in time. */
  readonly recoverySeconds: number | null
  readonly residentBytesMax: number
  /** How late the observer was with what it had to send. */
  readonly latenessP99Ms: number
}

/** One second of the counted phases. */
export interface Second {
  readonly phase: Timeline.Phase
  /** Since its phase began. */
  readonly second: number
  readonly offered: Sides
  readonly admitted: Sides
  readonly refused: number
  readonly delayP99Ms: number | null
}

/** Calls of two, and those of more. */
export interface Sides {
  readonly oneToOne: number
  readonly group: number
}

/** A second is as before if the 99th percentile is at most so much above the worst second of the normal phase. Milliseconds. */
const asBeforeMs = 5
/** So many seconds in a row are no accident. */
const steadySeconds = 3

/** The first second from which on nothing is refused and, for a while at least, packets take no longer than before. */
export const recoveryOf = (seconds: ReadonlyArray<Second>): number | null => {
  const limitMs =
    Math.max(...seconds.filter(({ phase }) => phase === "normal").map(({ delayP99Ms }) => delayP99Ms ?? 0)) + asBeforeMs
  const after = seconds.filter(({ phase }) => phase === "after")
  const isCalm = ({ delayP99Ms }: Second) => delayP99Ms !== null && delayP99Ms <= limitMs
  const found = after.findIndex((_, at) => {
    const steady = after.slice(at, at + steadySeconds)
    return (
      steady.length === steadySeconds && steady.every(isCalm) && after.slice(at).every(({ refused }) => refused === 0)
    )
  })
  return found < 0 ? null : found
}

export const secondsOf = (
  timeline: Timeline.Timeline,
  reports: ReadonlyArray<Tally.SecondReport>
): ReadonlyArray<Second> =>
  reports.flatMap(({ delayP99Ms, outcomes }, at) => {
    const phase = Timeline.phaseAt(timeline, at * 1000)
    if (phase === undefined) return []
    const sum = (what: "offered" | "admitted" | "refused", wanted: (callClass: CallClass) => boolean) =>
      CallMix.classes.filter(wanted).reduce((sum, callClass) => sum + outcomes[callClass][what], 0)
    const sides = (what: "offered" | "admitted"): Sides => ({
      oneToOne: sum(what, (callClass) => !CallMix.isGroup(callClass)),
      group: sum(what, CallMix.isGroup)
    })
    return [
      {
        phase,
        second: at - Timeline.startMsOf(timeline, phase) / 1000,
        offered: sides("offered"),
        admitted: sides("admitted"),
        refused: sum("refused", () => true),
        delayP99Ms
      }
    ]
  })

export const of = (
  { generator, observer, samples }: Pick<Round, "generator" | "observer" | "samples">,
  timeline: Timeline.Timeline
): Figures => {
  const seconds = secondsOf(timeline, withDelaysOf(generator.seconds, observer.seconds))
  const all = [...generator.phases, ...observer.phases]
  const inFlood = all.filter(({ phase }) => phase === "flood")
  const sum = (tallies: ReadonlyArray<Tally.PhaseTally>, what: keyof Tally.Outcomes) =>
    tallies.reduce((sum, { outcomes }) => sum + outcomes[what], 0)
  const p99MsOf = (wanted: Timeline.Phase) =>
    DelayLog.quantileMs(
      observer.phases.find(({ callClass, phase }) => phase === wanted && callClass === "one-to-one-audio")!
        .delaysEarlier,
      0.99
    )
  return {
    ongoingDropped: sum(all, "ongoingDropped"),
    normalP99Ms: p99MsOf("normal"),
    floodP99Ms: p99MsOf("flood"),
    lostRatio: 1 - sum(inFlood, "audioHeard") / sum(inFlood, "audioWanted"),
    seconds,
    recoverySeconds: recoveryOf(seconds),
    residentBytesMax: Math.max(...samples.map(({ residentBytes }) => residentBytes)),
    latenessP99Ms: observer.latenessMs.p99
  }
}

/** Who comes and goes, as the generator has it; how long packets took, as the observer has it. */
const withDelaysOf = (
  reports: ReadonlyArray<Tally.SecondReport>,
  observed: ReadonlyArray<Tally.SecondReport>
): ReadonlyArray<Tally.SecondReport> =>
  reports.map((report, at) => ({ ...report, delayP99Ms: observed[at]?.delayP99Ms ?? null }))
