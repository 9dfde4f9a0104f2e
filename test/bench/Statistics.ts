/** The middle of several measurements of one thing, and how far they lie apart. */
export interface Spread {
  readonly median: number
  readonly min: number
  readonly max: number
}

/** Of an even number of measurements, the mean of the two in the middle. */
export const spreadOf = (measured: ReadonlyArray<number>): Spread => {
  if (measured.length === 0) throw new RangeError("nothing was measured")
  const sorted = measured.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  const median = sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
  return { median, min: sorted[0]!, max: sorted.at(-1)! }
}

/** "1.12 (1.08 to 1.20)". */
export const formatSpread = ({ max, median, min }: Spread, digits: number): string =>
  `${formatNumber(median, digits)} (${formatNumber(min, digits)} to ${formatNumber(max, digits)})`

/**
 * "-" when nothing has come through in a round that was too short for a busy machine: what is divided by nothing is no number,
 * and `null` when it comes from another process.
 */
export const formatNumber = (value: number, digits: number): string =>
  Number.isFinite(value) ? value.toFixed(digits) : "-"

/** Many measurements of one run. One that finds no room any more is not kept. */
export interface Samples {
  readonly values: Float64Array
  count: number
}

export const makeSamples = (capacity: number): Samples => ({ values: new Float64Array(capacity), count: 0 })

export const addSample = (self: Samples, value: number): void => {
  if (self.count < self.values.length) self.values[self.count++] = value
}

/** The smallest value that at least so many of a hundred samples do not exceed. */
export interface Quantiles {
  readonly p50: number
  readonly p95: number
  readonly p99: number
}

/** By the nearest rank; zeros when there are no samples. */
export const quantilesOf = ({ count, values }: Samples): Quantiles => {
  const sorted = values.slice(0, count).sort()
  const at = (share: number) => sorted[Math.max(0, Math.ceil(share * count) - 1)] ?? 0
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99) }
}
