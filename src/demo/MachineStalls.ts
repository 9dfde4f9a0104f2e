import { Clock, Effect, FileSystem, Schedule, Schema } from "effect"

/** A time in which the machine did not run what was ready to run. Monotonic clock of the machine, milliseconds. */
export interface Stall {
  readonly fromMs: number
  readonly untilMs: number
  /** Of the time between the two: how long at least one processor did nothing for this machine. Milliseconds. */
  readonly stalledMs: number
}

/** What stood in the way of a demo without being part of it, as it prints it. */
export const StallReport = Schema.Struct({
  /** How long at least one of the processors stood still, in all. Milliseconds. */
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

/**
 * How long each processor was ready to run something and the host ran something else, since the start, in milliseconds:
 * the eighth number of each `cpuN` line of /proc/stat, proc(5). Of a text that is none: nothing.
 */
export const stolenMsOf = (procStat: string): ReadonlyArray<number> =>
  procStat
    .split("\n")
    .filter((line) => /^cpu\d/.test(line))
    .map((line) => tickMs * (Number(line.split(/\s+/)[8]) || 0))

interface Look {
  readonly atMs: number
  readonly stolenMs: ReadonlyArray<number>
}

/** What two looks after one another tell; both start with what was seen before. */
export const stallBetween = (before: Look, after: Look): Stall => {
  const tookMs = after.atMs - before.atMs
  const lateMs = tookMs - lookEveryMs
  const stolenMs = Math.max(0, ...after.stolenMs.map((stolen, cpu) => stolen - (before.stolenMs[cpu] ?? stolen)))
  return {
    fromMs: before.atMs,
    untilMs: after.atMs,
    // The host's ticks are coarse, and what it took from a processor that slept shows in the timer alone.
    stalledMs: Math.min(tookMs, Math.max(stolenMs, lateMs > wakeLateMs ? lateMs : 0))
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
    (text) => ({ atMs: Number(clock.monotonicTimeNanosUnsafe()) / 1_000_000, stolenMs: stolenMsOf(text) })
  )
  const stalls: Array<Stall> = []
  let before = yield* look
  const next = Effect.map(look, (after) => {
    const stall = stallBetween(before, after)
    if (stall.stalledMs > 0) stalls.push(stall)
    before = after
  })
  yield* Effect.forkScoped(Effect.repeat(next, Schedule.spaced(lookEveryMs)))
  const seen: ReadonlyArray<Stall> = stalls
  return seen
})
