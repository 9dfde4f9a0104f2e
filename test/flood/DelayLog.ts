/**
 * How long packets took, as counts by length: a round has a million of them. Each bucket is 2 % longer than the one before it,
 * so every figure is right to that. Changed in place.
 */
export interface DelayLog {
  readonly counts: Array<number>
}

/** The first bucket ends here, and all that is shorter is in it. Milliseconds. */
const shortestMs = 0.02
const growth = 1.02
/** The last has all that is longer than 12 s. */
const buckets = 672

export const make = (): DelayLog => ({ counts: new Array<number>(buckets).fill(0) })

export const add = ({ counts }: DelayLog, delayMs: number): void => {
  const bucket = Math.ceil(Math.log(Math.max(shortestMs, delayMs) / shortestMs) / Math.log(growth))
  counts[Math.min(buckets - 1, bucket)]!++
}

/** All that is in any of them. */
export const sumOf = (logs: ReadonlyArray<DelayLog>): DelayLog => ({
  counts: make().counts.map((_, bucket) => logs.reduce((sum, { counts }) => sum + counts[bucket]!, 0))
})

export const countOf = ({ counts }: DelayLog): number => counts.reduce((sum, count) => sum + count, 0)

/** What this share of the packets does not exceed, to the end of its bucket. Milliseconds; NaN of none. */
export const quantileMs = (self: DelayLog, share: number): number => {
  const count = countOf(self)
  if (count === 0) return NaN
  let left = Math.ceil(share * count)
  return shortestMs * growth ** self.counts.findIndex((inBucket) => (left -= inBucket) <= 0)
}
