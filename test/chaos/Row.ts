import * as Statistics from "../bench/Statistics.ts"
import type { ChaosEvent, Limits } from "./ChaosEvent.ts"
import type { Round } from "./Round.ts"

/** One event of the report: all of its rounds together. Times in milliseconds, to the tenth. */
export interface Row {
  readonly event: string
  readonly rounds: number
  /** Of all rounds together. */
  readonly callsBefore: number
  readonly callsLost: number
  /** Of the flows that were hit, each one's longest pause. */
  readonly gapMs: Gaps
  /** Of flows that had nothing to do with it. */
  readonly untouchedGapMsMax: number
  readonly membersLost: number
  readonly note: string
  /** As `gapMs.max`, counted from the first blow on, also where the promise counts from later. */
  readonly gapMsMaxOfAll: number
  /** Of the flows that were hit, without the event. */
  readonly baselineGapMs: Gaps
  /** Of flows between others in the calls that were hit. */
  readonly bystanderGapMsMax: number
  readonly untouchedP999Ms: number
  readonly untouchedBaselineP999Ms: number
  /** Missing: nothing but media was timed. */
  readonly timesMs?: Gaps
  readonly repeated: number
  readonly strangers: number
  readonly movesMax: number
  readonly movesFalse: number
  readonly cpuShare: number
  /** Promises that do not hold, a line each. */
  readonly broken: ReadonlyArray<string>
}

export interface Gaps {
  readonly p50: number
  readonly p95: number
  readonly max: number
}

const tenth = (value: number): number => Math.round(value * 10) / 10

/** Zeros when there are none. */
export const gapsOf = (values: ReadonlyArray<number>): Gaps => {
  const { p50, p95 } = Statistics.quantilesOf({ values: Float64Array.from(values), count: values.length })
  return { p50: tenth(p50), p95: tenth(p95), max: tenth(Math.max(0, ...values)) }
}

/** What all events promise to flows that have nothing to do with them. Milliseconds. */
const untouchedMaxMs = 120
const untouchedP999AboveBaselineMs = 20
/** What all events promise to flows between others of a call that was hit. Milliseconds. */
const bystanderMaxMs = 1500

const sum = (values: ReadonlyArray<number>): number => values.reduce((sum, value) => sum + value, 0)
const most = (values: ReadonlyArray<number>): number => Math.max(0, ...values)

/** Of one event; at least one round. */
export const make = ({ limits, name }: ChaosEvent, rounds: ReadonlyArray<Round>): Row => {
  const untouchedGaps = rounds.flatMap(({ gapsMs }) => gapsMs.untouched)
  const times = rounds.flatMap(({ blow }) => blow.timesMs ?? [])
  const figures = {
    event: name,
    rounds: rounds.length,
    callsBefore: sum(rounds.map(({ callsBefore }) => callsBefore)),
    callsLost: sum(rounds.map(({ callsLost }) => callsLost)),
    gapMs: gapsOf(rounds.flatMap(({ gapsMs }) => gapsMs.affected)),
    untouchedGapMsMax: tenth(most(untouchedGaps)),
    membersLost: sum(rounds.map(({ membersLost }) => membersLost)),
    note: [...new Set(rounds.flatMap(({ blow }) => blow.note ?? []))].join("; "),
    gapMsMaxOfAll: tenth(most(rounds.map(({ gapMsMaxOfAll }) => gapMsMaxOfAll))),
    baselineGapMs: gapsOf(rounds.flatMap(({ baselineGapsMs }) => baselineGapsMs)),
    bystanderGapMsMax: tenth(most(rounds.flatMap(({ gapsMs }) => gapsMs.bystander))),
    untouchedP999Ms: tenth(most(rounds.map(({ untouchedP999Ms }) => untouchedP999Ms))),
    untouchedBaselineP999Ms: tenth(most(rounds.map(({ baselineP999Ms }) => baselineP999Ms))),
    ...(times.length === 0 ? {} : { timesMs: gapsOf(times) }),
    // They count from the start of the generators.
    repeated: most(rounds.map(({ repeated }) => repeated)),
    strangers: most(rounds.map(({ strangers }) => strangers)),
    movesMax: most(rounds.map(({ movesMax }) => movesMax)),
    movesFalse: sum(rounds.map(({ movesFalse }) => movesFalse)),
    cpuShare: Math.round(100 * most(rounds.map(({ cpuShare }) => cpuShare))) / 100
  }
  const movesFalseMax = most(rounds.map(({ movesFalseMax }) => movesFalseMax))
  const broken = rounds.flatMap(({ blow }) => blow.broken ?? [])
  return { ...figures, broken: [...brokenBy(figures, movesFalseMax, limits), ...new Set(broken)] }
}

const brokenBy = (row: Omit<Row, "broken">, movesFalseMax: number, limits: Limits): ReadonlyArray<string> => {
  const { baselineGapMs, gapMs, timesMs } = row
  const within = (what: string, value: number, max: number | undefined) =>
    max === undefined || value <= max ? [] : [`${what} is ${tenth(value)}, more than ${tenth(max)}`]
  const above = limits.gapP95MsAboveBaseline
  return [
    ...within("calls lost", row.callsLost, 0),
    ...within("members lost", row.membersLost, 0),
    ...within("packets handed out twice or out of order", row.repeated, 0),
    ...within("packets of strangers", row.strangers, 0),
    ...within("gap p95, ms,", gapMs.p95, limits.gapP95Ms),
    ...within("gap max, ms,", gapMs.max, limits.gapMaxMs),
    ...within("gap p95, ms,", gapMs.p95, above === undefined ? undefined : baselineGapMs.p95 + above),
    ...within("time p95, ms,", timesMs?.p95 ?? 0, limits.timeP95Ms),
    ...within("false moves of one device", movesFalseMax, limits.movesFalseMax),
    ...within("moves of one device", row.movesMax, limits.movesMax),
    ...(limits.nobodyUntouched
      ? []
      : [
          ...within("gap max of others in the call, ms,", row.bystanderGapMsMax, bystanderMaxMs),
          ...within("gap max of the untouched, ms,", row.untouchedGapMsMax, untouchedMaxMs),
          ...within(
            "pause p99.9 of the untouched, ms,",
            row.untouchedP999Ms,
            row.untouchedBaselineP999Ms + untouchedP999AboveBaselineMs
          )
        ])
  ]
}
