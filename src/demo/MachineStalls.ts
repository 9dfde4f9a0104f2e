import { Clock, Effect, FileSystem, Schedule, Schema } from "effect"

/** A time in which the machine did not run all that was ready to run. Monotonic clock of the machine, milliseconds. */
export interface Stall {
  readonly fromMs: number
  readonly untilMs: number
  /** Of the time between the two: how long a processor did nothing for this machine. Milliseconds. */
  readonly stalledMs: number
  /** The rest of it, if all processors had to catch up with that; or else 0. Milliseconds. */
  readonly catchUpMs: number
}

/** What stood in the way of a demo without being part of it, as it prints it. */
export const StallReport = Schema.Struct({
  /** How long a processor stood still, in all. Milliseconds. */
  totalMs: Schema.Finite,
  /** How long all had to catch up with that, in all. Milliseconds. */
  catchUpMs: Schema.Finite,
  /** Without a break. Milliseconds. */
  longestMs: Schema.Finite
})
export type StallReport = typeof StallReport.Type

const lookEveryMs = 25
/** A timer of a process that does nothing is late by less, whatever else this machine computes. Milliseconds. */
const wakeLateMs = 20
/** proc(5): what /proc/stat counts in, on every platform that Node runs on. Milliseconds. */
const tickMs = 10

/** Of one processor, since the start. Milliseconds. */
export interface ProcessorTime {
  /** It had nothing to run. */
  readonly idleMs: number
  /** It had, and the host ran something else. */
  readonly stolenMs: number
}

/** Of each processor, from the text of /proc/stat: the fourth and the eighth number of its line, proc(5). Of another text nothing. */
export const processorTimes = (procStat: string): ReadonlyArray<ProcessorTime> =>
  procStat
    .split("\n")
    .filter((line) => /^cpu\d/.test(line))
    .map((line) => {
      const ticks = line.split(/\s+/).map((text) => Number(text) || 0)
      return { idleMs: tickMs * (ticks[4] ?? 0), stolenMs: tickMs * (ticks[8] ?? 0) }
    })

export interface Look {
  readonly atMs: number
  readonly processors: ReadonlyArray<ProcessorTime>
}

/** The most that one of the processors has had more of. */
const mostOf = (before: Look, after: Look, what: keyof ProcessorTime): number =>
  Math.max(0, ...after.processors.map((now, place) => now[what] - (before.processors[place] ?? now)[what]))

/** On a machine that is busy for four fifths of the time, what has piled up takes four times as long as it took to pile up. */
const catchUpRatio = 4

const hadNothingToRun = (before: Look, after: Look): boolean =>
  after.processors.length === 0 || mostOf(before, after, "idleMs") > 0

/** What two looks after one another tell. `owedMs`: how much of the time before has yet to be caught up with, at most. */
export const stallBetween = (before: Look, after: Look, owedMs: number): Stall => {
  const tookMs = after.atMs - before.atMs
  const lateMs = tookMs - lookEveryMs
  // The host's ticks are coarse, and what it took from a processor that slept shows in the timer alone.
  const stolenMs = Math.max(mostOf(before, after, "stolenMs"), lateMs > wakeLateMs ? lateMs : 0)
  const stalledMs = Math.min(tookMs, stolenMs)
  const catchUpMs = hadNothingToRun(before, after) ? 0 : Math.min(owedMs, tookMs - stalledMs)
  return { fromMs: before.atMs, untilMs: after.atMs, stalledMs, catchUpMs }
}

/** What has to be caught up with after a stall: nothing of before it, where a processor had nothing to run. Milliseconds. */
export const owedAfter = (before: Look, after: Look, { catchUpMs, stalledMs }: Stall, owedMs: number): number =>
  catchUpRatio * stalledMs + (hadNothingToRun(before, after) ? 0 : owedMs - catchUpMs)

/** How long the machine stood still between two moments, or caught up with that. Milliseconds. */
export const stalledBetween = (stalls: ReadonlyArray<Stall>, fromMs: number, untilMs: number): number =>
  stalls.reduce(
    (sum, stall) => (stall.untilMs > fromMs && stall.fromMs < untilMs ? sum + stall.stalledMs + stall.catchUpMs : sum),
    0
  )

export const report = (stalls: ReadonlyArray<Stall>): StallReport => {
  let totalMs = 0
  let catchUpMs = 0
  let longestMs = 0
  let sinceMs = 0
  let endedAtMs = -Infinity
  for (const stall of stalls) {
    sinceMs = stall.fromMs > endedAtMs || stall.stalledMs === 0 ? stall.stalledMs : sinceMs + stall.stalledMs
    endedAtMs = stall.untilMs
    totalMs += stall.stalledMs
    catchUpMs += stall.catchUpMs
    longestMs = Math.max(longestMs, sinceMs)
  }
  return { totalMs: Math.round(totalMs), catchUpMs: Math.round(catchUpMs), longestMs: Math.round(longestMs) }
}

/**
 * Watches, until the scope ends, for moments in which this process is woken late or, on Linux, the host takes a processor
 * away. This process does next to nothing itself, and what is to be judged is in others: so what they are slow at is no
 * stall. The array grows.
 */
export const watch = Effect.gen(function* () {
  const clock = yield* Clock.Clock
  const fileSystem = yield* FileSystem.FileSystem
  const look: Effect.Effect<Look> = Effect.map(
    Effect.orElseSucceed(fileSystem.readFileString("/proc/stat"), () => ""),
    (text) => ({ atMs: Number(clock.monotonicTimeNanosUnsafe()) / 1_000_000, processors: processorTimes(text) })
  )
  const stalls: Array<Stall> = []
  let before = yield* look
  let owedMs = 0
  const next = Effect.map(look, (after) => {
    const stall = stallBetween(before, after, owedMs)
    owedMs = owedAfter(before, after, stall, owedMs)
    if (stall.stalledMs + stall.catchUpMs > 0) stalls.push(stall)
    before = after
  })
  yield* Effect.forkScoped(Effect.repeat(next, Schedule.spaced(lookEveryMs)))
  const seen: ReadonlyArray<Stall> = stalls
  return seen
})
