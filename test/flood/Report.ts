import type { CallClass } from "../../src/protocol/CallClass.ts"
import type { Machine } from "../bench/Machine.ts"
import * as Statistics from "../bench/Statistics.ts"
import * as CallMix from "./CallMix.ts"
import * as DelayLog from "./DelayLog.ts"
import * as Figures from "./Figures.ts"
import type * as Order from "./Order.ts"
import type { Round } from "./Round.ts"
import type * as Tally from "./Tally.ts"
import * as Timeline from "./Timeline.ts"
import * as Verdict from "./Verdict.ts"

/** `null` when there was no packet. */
export interface Delays {
  readonly p50: number | null
  readonly p99: number | null
}

/** One class in one phase, of all rounds together. */
export interface PhaseRow extends Tally.Outcomes {
  readonly phase: Timeline.Phase
  readonly class: CallClass
  /** Of audio; in the flood, of calls that went on when it began. */
  readonly relayDelayMs: Delays
  /** In the flood, of calls that came with it; `null` in other phases. */
  readonly relayDelayMsOfNew: Delays | null
}

export interface Report {
  readonly phases: ReadonlyArray<PhaseRow>
  /** The longest of all rounds; `null`: in one of them not at all. */
  readonly recoverySeconds: number | null
  readonly seed: number
  readonly capacity: number
  readonly timeline: Timeline.Timeline
  readonly verdicts: ReadonlyArray<Verdict.Verdict>
  readonly relay: { readonly residentBytesMax: number; readonly cpuCoresMean: number }
  readonly machine: Machine
  readonly notes: ReadonlyArray<string>
  readonly rounds: ReadonlyArray<RoundReport>
  /** What came of the same flood without the throttle. */
  readonly withoutThrottle?: ReadonlyArray<PhaseRow>
}

/** One round, with what it was in every second. */
export interface RoundReport {
  readonly throttle: Order.ThrottleKind
  readonly isVoid: boolean
  readonly figures: Figures.Figures
  readonly generator: Own
  readonly observer: Own
  readonly relaySeconds: ReadonlyArray<RelaySecond>
  /** Since the start of the round, by class. */
  readonly classSeconds: ReadonlyArray<Tally.SecondTally["outcomes"]>
}

/** What the process itself did. */
type Own = Pick<Order.GeneratorAnswer, "latenessMs" | "turnsSkipped" | "reasons" | "cpuSeconds">
const ownOf = ({ cpuSeconds, latenessMs, reasons, turnsSkipped }: Order.GeneratorAnswer): Own => ({
  latenessMs,
  turnsSkipped,
  reasons,
  cpuSeconds
})

export interface RelaySecond {
  readonly packetsInPerSecond: number
  readonly packetsOutPerSecond: number
  /** Of its core. */
  readonly cpuRatio: number
  readonly residentBytes: number
  /** What the host has taken away of the relay's core and of the callers'. Milliseconds. */
  readonly stolenMs: number
}

const hundredth = (value: number): number => Math.round(100 * value) / 100

const delaysOf = (logs: ReadonlyArray<DelayLog.DelayLog>): Delays => {
  const sum = DelayLog.sumOf(logs)
  const at = (share: number) => (DelayLog.countOf(sum) === 0 ? null : hundredth(DelayLog.quantileMs(sum, share)))
  return { p50: at(0.5), p99: at(0.99) }
}

const phaseRows = (rounds: ReadonlyArray<Round>): ReadonlyArray<PhaseRow> =>
  Timeline.phases.flatMap((phase) =>
    CallMix.classes.map((callClass): PhaseRow => {
      const ofRow = (answer: Order.GeneratorAnswer) =>
        answer.phases.filter((each) => each.phase === phase && each.callClass === callClass)
      const tallies = rounds.flatMap(({ generator, observer }) => [...ofRow(generator), ...ofRow(observer)])
      // Where there are calls that are observed, theirs are the delays of those that went on before.
      const observed = rounds
        .flatMap(({ observer }) => ofRow(observer))
        .filter(({ outcomes }) => outcomes.audioHeard > 0)
      const sum = (what: keyof Tally.Outcomes) => tallies.reduce((sum, { outcomes }) => sum + outcomes[what], 0)
      const earlier = (observed.length > 0 ? observed : tallies).map(({ delaysEarlier }) => delaysEarlier)
      const ofNew = tallies.map(({ delaysNew }) => delaysNew)
      return {
        phase,
        class: callClass,
        offered: sum("offered"),
        admitted: sum("admitted"),
        refused: sum("refused"),
        torn: sum("torn"),
        unanswered: sum("unanswered"),
        ongoingDropped: sum("ongoingDropped"),
        audioWanted: sum("audioWanted"),
        audioHeard: sum("audioHeard"),
        relayDelayMs: delaysOf(phase === "flood" || observed.length > 0 ? earlier : [...earlier, ...ofNew]),
        relayDelayMsOfNew: phase === "flood" ? delaysOf(ofNew) : null
      }
    })
  )

const relaySeconds = ({ samples }: Round): ReadonlyArray<RelaySecond> =>
  samples.slice(1).map((sample, at) => {
    const before = samples[at]!
    const seconds = (sample.atMs - before.atMs) / 1000
    return {
      packetsInPerSecond: Math.round((sample.packetsIn - before.packetsIn) / seconds),
      packetsOutPerSecond: Math.round((sample.packetsOut - before.packetsOut) / seconds),
      cpuRatio: hundredth((sample.cpuSeconds - before.cpuSeconds) / seconds),
      residentBytes: sample.residentBytes,
      stolenMs: sample.stolenMs - before.stolenMs
    }
  })

export const make = (
  about: Pick<Report, "seed" | "capacity" | "timeline" | "machine" | "notes">,
  rounds: ReadonlyArray<Round>
): Report => {
  const judged = rounds.map((round) => ({ round, figures: Figures.of(round, about.timeline) }))
  const those = (kind: Order.ThrottleKind) => judged.filter(({ round }) => round.throttle === kind)
  const adaptive = those("adaptive").filter(({ figures }) => !Verdict.isVoid(figures))
  // Without the throttle the generator suffers with its calls, which is no reason to look away.
  const off = those("off")
  const main = [adaptive, those("adaptive"), off].find(({ length }) => length > 0)!
  const recoveries = main.map(({ figures }) => figures.recoverySeconds ?? Infinity)
  const all = main.flatMap(({ round }) => relaySeconds(round))
  return {
    phases: phaseRows(main.map(({ round }) => round)),
    recoverySeconds: Number.isFinite(Math.max(...recoveries)) ? Math.max(...recoveries) : null,
    verdicts: Verdict.make(
      adaptive.map(({ figures }) => figures),
      off.map(({ figures }) => figures)
    ),
    relay: {
      residentBytesMax: Math.max(0, ...main.map(({ figures }) => figures.residentBytesMax)),
      cpuCoresMean: hundredth(all.reduce((sum, { cpuRatio }) => sum + cpuRatio, 0) / all.length)
    },
    ...about,
    rounds: judged.map(({ figures, round }): RoundReport => {
      return {
        throttle: round.throttle,
        isVoid: Verdict.isVoid(figures),
        figures,
        generator: ownOf(round.generator),
        observer: ownOf(round.observer),
        relaySeconds: relaySeconds(round),
        classSeconds: round.generator.seconds.map(({ outcomes }) => outcomes)
      }
    }),
    ...(off.length > 0 && main !== off ? { withoutThrottle: phaseRows(off.map(({ round }) => round)) } : {})
  }
}

/** What does not hold, a line each. */
export const failuresOf = ({ rounds, verdicts }: Report): ReadonlyArray<string> => [
  ...verdicts
    .filter(({ holds }) => !holds)
    .map(({ measured, name, rule }) => `${name}: ${rule}; measured: ${measured}`),
  ...(rounds.some(({ throttle }) => throttle === "adaptive") && verdicts.length < 2
    ? ["every round with the throttle is void: the machine had too much to do, or its host; try again later"]
    : [])
]

const columns = ["phase", "class", "offered", "admitted", "refused", "dropped", "p50", "p99", "p99 of new"]

const cellsOf = (row: PhaseRow): ReadonlyArray<string> => {
  const number = (value: number | null | undefined) => Statistics.formatNumber(value ?? NaN, 1)
  const { admitted, offered, ongoingDropped, phase, refused, relayDelayMs, relayDelayMsOfNew } = row
  const delays = [relayDelayMs.p50, relayDelayMs.p99, relayDelayMsOfNew?.p99].map(number)
  return [phase, row.class, ...[offered, admitted, refused, ongoingDropped].map(String), ...delays]
}

const table = (rows: ReadonlyArray<PhaseRow>): ReadonlyArray<string> => {
  const lines = [columns, ...rows.map(cellsOf)]
  const widths = columns.map((_, column) => Math.max(...lines.map((cells) => cells[column]!.length)))
  return lines.map((cells) =>
    cells.map((cell, column) => (column < 2 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!))).join("  ")
  )
}

/** For people. Delays in milliseconds. */
export const format = (report: Report): ReadonlyArray<string> => {
  const { capacity, machine, notes, phases, recoverySeconds, relay, seed, verdicts, withoutThrottle } = report
  return [
    `${machine.cpu}, ${machine.cores} cores, Node ${machine.node}; seed ${seed}, a relay of ${capacity} packets a second`,
    ...notes,
    "",
    ...table(phases),
    ...(withoutThrottle === undefined ? [] : ["", "without the throttle:", ...table(withoutThrottle)]),
    "",
    `back to normal: ${recoverySeconds === null ? "never" : `after ${recoverySeconds} s`}; ${Math.round(relay.residentBytesMax / 1024 ** 2)} MB resident, ${relay.cpuCoresMean} of its core`,
    ...verdicts.map(
      ({ holds, measured, name, rule }) => `${holds ? "holds " : "BROKEN"} ${name}: ${rule}; measured: ${measured}`
    )
  ]
}
