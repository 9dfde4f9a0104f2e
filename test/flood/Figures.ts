import type { CallClass } from "../../src/protocol/CallClass.ts"
import * as CallMix from "./CallMix.ts"
import * as DelayLog from "./DelayLog.ts"
import type { Round } from "./Round.ts"
import type * as Tally from "./Tally.ts"
import * as Timeline from "./Timeline.ts"

/** What is judged of a round. Times in milliseconds. */
export interface Figures {
  readonly ongoingDropped: number
  /** Of audio of calls of two without video that go on all the time, in seconds that count: normally, and in the flood. */
  readonly normalP99Ms: number
  readonly floodP99Ms: number
  /** The same of all seconds. */
  readonly normalP99OfAllMs: number
  readonly floodP99OfAllMs: number
  /** Seconds that count, of those of the phase that has the fewest of them. 0 to 1. */
  readonly countedRatio: number
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
  /** What the host took of the two cores. Milliseconds. */
  readonly stolenMs: number
}

/** Packets that wait for the host to give a core back say nothing of the relay. Milliseconds in a second, counted in tens. */
export const stolenMsMax = 20

/** Whether the delays of a second are the relay's own. */
export const counts = ({ stolenMs }: Pick<Second, "stolenMs">): boolean => stolenMs <= stolenMsMax

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
  const normal = seconds.filter((second) => second.phase === "normal" && counts(second))
  const limitMs = Math.max(...normal.map(({ delayP99Ms }) => delayP99Ms ?? 0)) + asBeforeMs
  const isCalm = ({ delayP99Ms }: Second) => delayP99Ms !== null && delayP99Ms <= limitMs
  const after = seconds.filter(({ phase }) => phase === "after")
  const open = after.slice(after.findLastIndex(({ refused }) => refused > 0) + 1).filter(counts)
  const found = open.findIndex((_, at) => {
    const steady = open.slice(at, at + steadySeconds)
    return steady.length === steadySeconds && steady.every(isCalm)
  })
  return open[found]?.second ?? null
}

/** Who comes and goes, as the generator has it; how long packets took, as the observer has it. */
const secondsOf = (
  { generator, observer, samples }: Pick<Round, "generator" | "observer" | "samples">,
  timeline: Timeline.Timeline
): ReadonlyArray<Second> =>
  generator.seconds.flatMap(({ outcomes }, at) => {
    const phase = Timeline.phaseAt(timeline, at * 1000)
    if (phase === undefined) return []
    const sum = (what: "offered" | "admitted" | "refused", wanted: (callClass: CallClass) => boolean) =>
      CallMix.classes.filter(wanted).reduce((sum, callClass) => sum + outcomes[callClass][what], 0)
    const sides = (what: "offered" | "admitted"): Sides => ({
      oneToOne: sum(what, (callClass) => !CallMix.isGroup(callClass)),
      group: sum(what, CallMix.isGroup)
    })
    const delays = observer.seconds[at]?.delays ?? DelayLog.make()
    const [before, after] = samples.slice(at - Timeline.startMsOf(timeline, "normal") / 1000)
    return [
      {
        phase,
        second: at - Timeline.startMsOf(timeline, phase) / 1000,
        offered: sides("offered"),
        admitted: sides("admitted"),
        refused: sum("refused", () => true),
        delayP99Ms: DelayLog.countOf(delays) === 0 ? null : DelayLog.quantileMs(delays, 0.99),
        stolenMs: before === undefined || after === undefined ? 0 : after.stolenMs - before.stolenMs
      }
    ]
  })

export const of = (round: Pick<Round, "generator" | "observer" | "samples">, timeline: Timeline.Timeline): Figures => {
  const { generator, observer, samples } = round
  const seconds = secondsOf(round, timeline)
  const all = [...generator.phases, ...observer.phases]
  const inFlood = all.filter(({ phase }) => phase === "flood")
  const sum = (tallies: ReadonlyArray<Tally.PhaseTally>, what: keyof Tally.Outcomes) =>
    tallies.reduce((sum, { outcomes }) => sum + outcomes[what], 0)
  const ofPhase = (wanted: Timeline.Phase) => seconds.filter(({ phase }) => phase === wanted)
  const p99MsOf = (wanted: Timeline.Phase, isWanted: (second: Second) => boolean) => {
    const from = Timeline.startMsOf(timeline, wanted) / 1000
    const logs = ofPhase(wanted)
      .filter(isWanted)
      .map(({ second }) => observer.seconds[from + second]!.delays)
    return DelayLog.quantileMs(DelayLog.sumOf(logs), 0.99)
  }
  const any = () => true
  const countedRatioOf = (wanted: Timeline.Phase) => ofPhase(wanted).filter(counts).length / ofPhase(wanted).length
  return {
    ongoingDropped: sum(all, "ongoingDropped"),
    normalP99Ms: p99MsOf("normal", counts),
    floodP99Ms: p99MsOf("flood", counts),
    normalP99OfAllMs: p99MsOf("normal", any),
    floodP99OfAllMs: p99MsOf("flood", any),
    countedRatio: Math.min(countedRatioOf("normal"), countedRatioOf("flood")),
    lostRatio: 1 - sum(inFlood, "audioHeard") / sum(inFlood, "audioWanted"),
    seconds,
    recoverySeconds: recoveryOf(seconds),
    residentBytesMax: Math.max(...samples.map(({ residentBytes }) => residentBytes)),
    latenessP99Ms: observer.latenessMs.p99
  }
}
