import { Result, Schema } from "effect"

/**
 * What a link could carry, millisecond by millisecond, in the format of Mahimahi (Netravali et al., 2015): each line is
 * the time of one opportunity to deliver 1,504 bytes, and the whole is repeated with the length of its last line.
 */
export interface RateTrace {
  /** Never falling; the last is the length. Milliseconds. */
  readonly timesMs: Int32Array
  readonly lengthMs: number
}

/** Of one opportunity: an Ethernet frame's payload and what Mahimahi adds. Bytes. */
export const opportunityBytes = 1504

/** The text is no trace. */
export class InvalidTrace extends Schema.TaggedError<InvalidTrace>()("InvalidTrace", { message: Schema.String }) {}

const invalid = (message: string) => Result.fail(new InvalidTrace({ message }))

export const make = (timesMs: ArrayLike<number>): Result.Result<RateTrace, InvalidTrace> => {
  const lengthMs = timesMs[timesMs.length - 1] ?? 0
  if (lengthMs === 0) return invalid("a trace needs an opportunity later than 0 ms: its last line is its length")
  return Result.succeed({ timesMs: Int32Array.from(timesMs), lengthMs })
}

const digits = /^\d{1,9}$/

/** Reads a trace file: whole milliseconds, one a line, never falling. Empty lines are left out. */
export const parse = (text: string): Result.Result<RateTrace, InvalidTrace> => {
  const timesMs: Array<number> = []
  const lines = text.split("\n")
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i]!.trim()
    if (line === "") continue
    if (!digits.test(line)) return invalid(`line ${i + 1}: ${JSON.stringify(line)} is no whole number of milliseconds`)
    const timeMs = Number(line)
    const before = timesMs.at(-1) ?? 0
    if (timeMs < before) return invalid(`line ${i + 1}: ${timeMs} ms comes before ${before} ms`)
    timesMs.push(timeMs)
  }
  return make(timesMs)
}

export const format = ({ timesMs }: RateTrace): string => timesMs.join("\n") + "\n"

/** When opportunity `n` comes, counted from 0. Milliseconds. */
export const opportunityMs = ({ lengthMs, timesMs }: RateTrace, n: number): number => {
  const lap = Math.floor(n / timesMs.length)
  return lap * lengthMs + timesMs[n - lap * timesMs.length]!
}

/** How many opportunities come before this time. */
export const countBefore = (self: RateTrace, timeMs: number): number => {
  const { lengthMs, timesMs } = self
  if (timeMs <= 0) return 0
  // A lap's last opportunity is at its end: at the end itself that lap still counts.
  const lap = Math.ceil(timeMs / lengthMs) - 1
  const restMs = timeMs - lap * lengthMs
  let low = 0
  let high = timesMs.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (timesMs[middle]! < restMs) low = middle + 1
    else high = middle
  }
  // The next lap may begin at 0, which is this lap's end; no opportunity of it comes before that.
  return lap * timesMs.length + low
}

/** Mean over a time. Bits a second. */
export const capacityBps = (self: RateTrace, fromMs: number, untilMs: number): number =>
  ((countBefore(self, untilMs) - countBefore(self, fromMs)) * opportunityBytes * 8 * 1000) / (untilMs - fromMs)
