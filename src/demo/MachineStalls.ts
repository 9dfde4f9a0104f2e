import { Clock, Effect, FileSystem, Schedule, Schema } from "effect"

/** A time in which the machine did not run all that was ready to run. Monotonic clock of the machine, milliseconds. */
export interface Stall {
  readonly fromMs: number
  readonly untilMs: number
  /** Of the time between the two: how long a processor did nothing for this machine, or all had to catch up. Milliseconds. */
  readonly stalledMs: number
}

/** What stood in the way of a demo without being part of it, as it prints it. */
export const StallReport = Schema.Struct({
  /** How long a processor stood still or all had to catch up with that, in all. Milliseconds. */
  totalMs: Schema.Finite,
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

/**
 * What two looks after one another tell. `isBehind`: the machine has stood still, and since then no processor has had nothing to
 * run: what had piled up is still being caught up with.
 */
export const stallBetween = (before: Look, after: Look, isBehind: boolean): Stall => {
  const tookMs = after.atMs - before.atMs
  const lateMs = tookMs - lookEveryMs
  const isCatchingUp = isBehind && after.processors.length > 0 && mostOf(before, after, "idleMs") === 0
  // The host's ticks are coarse, and what it took from a processor that slept shows in the timer alone.
  const stalledMs = Math.max(mostOf(before, after, "stolenMs"), lateMs > wakeLateMs ? lateMs : 0)
  return {
    fromMs: before.atMs,
    untilMs: after.atMs,
    stalledMs: isCatchingUp ? tookMs : Math.min(tookMs, stalledMs)
  }
}

/** How long the machine stood still between two moments. Milliseconds. */
export const stalledBetween = (stalls: ReadonlyArray<Stall>, fromMs: number, untilMs: number): number =>
  stalls.reduce((sum, stall) => (stall.untilMs > fromMs && stall.fromMs < untilMs ? sum + stall.stalledMs : sum), 0)

export const report = (stalls: ReadonlyArray<Stall>): StallReport => {
  let totalMs = 0
  let longestMs = 0
  let sinceMs = 0
  let endedAtMs = -Infinity
  for (const { fromMs, stalledMs, untilMs } of stalls) {
    sinceMs = fromMs > endedAtMs ? stalledMs : sinceMs + stalledMs
    endedAtMs = untilMs
    totalMs += stalledMs
    longestMs = Math.max(longestMs, sinceMs)
  }
  return { totalMs: Math.round(totalMs), longestMs: Math.round(longestMs) }
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
  const next = Effect.map(look, (after) => {
    const stall = stallBetween(before, after, stalls.at(-1)?.untilMs === before.atMs)
    if (stall.stalledMs > 0) stalls.push(stall)
    before = after
  })
  yield* Effect.forkScoped(Effect.repeat(next, Schedule.spaced(lookEveryMs)))
  const seen: ReadonlyArray<Stall> = stalls
  return seen
})
