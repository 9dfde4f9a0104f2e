/** A published figure, what was measured of it, and whether it holds. Percent of change, unless said otherwise. */
export interface Claim {
  readonly claim: string
  readonly source: string
  readonly expected: number
  /** Over the seeds. */
  readonly measured: number
  /** In which the true value lies, 95 times in 100. */
  readonly ci95: readonly [number, number]
  readonly holds: boolean
  /** Of events that are counted: how many in a minute of a call, before and after. */
  readonly perMinute?: readonly [before: number, after: number]
}

/** The article that this design rests on. */
const source = "Improving International Calls (Meta, At Scale)"

/** An estimate with its interval. */
export interface Estimate {
  readonly measured: number
  readonly ci95: readonly [number, number]
}

export const make = (claim: string, expected: number, { ci95, measured }: Estimate, holds: boolean): Claim => ({
  claim,
  source,
  expected,
  measured,
  ci95,
  holds
})

/** Of the normal distribution, both sides together 5 %. */
const z95 = 1.96

export const changePercent = (before: number, after: number): number => (100 * after) / before - 100

export const mean = (values: ReadonlyArray<number>): number => sum(values) / values.length

/** Of one value for each seed, at least two: one tells nothing of how much they differ. */
export const meanOf = (values: ReadonlyArray<number>): Estimate => {
  const middle = mean(values)
  return estimate(middle, z95 * standardError(values.map((value) => value - middle)))
}

/** One seed's calls, before and after. */
export type Pair = readonly [before: number, after: number]

/**
 * The change of the sum over all seeds of what is counted, and often 0 in one call. The interval is that of a ratio of
 * paired means, linearized (Cochran, Sampling Techniques, chapter 6). That is no interval where nothing is left after: then
 * it goes up to what three would be, which are seen at least once 95 times in 100 (Hanley and Lippman-Hand, 1983).
 */
export const changeOfSums = (pairs: ReadonlyArray<Pair>): Estimate => {
  const before = mean(pairs.map((pair) => pair[0]))
  // Nothing can become less of what there is none.
  if (before === 0) return estimate(0, 0)
  const ratio = mean(pairs.map((pair) => pair[1])) / before
  if (ratio === 0) return { measured: -100, ci95: [-100, rounded((100 * 3) / (before * pairs.length) - 100)] }
  const error = standardError(pairs.map((pair) => pair[1] - ratio * pair[0])) / before
  return estimate(100 * ratio - 100, 100 * z95 * error)
}

/** Of a mean, from what each value differs from it. */
const standardError = (residuals: ReadonlyArray<number>): number => {
  const variance = sum(residuals.map((residual) => residual * residual)) / (residuals.length - 1)
  return Math.sqrt(variance / residuals.length)
}

const estimate = (measured: number, margin: number): Estimate => ({
  measured: rounded(measured),
  ci95: [rounded(measured - margin), rounded(measured + margin)]
})

export const rounded = (value: number): number => Math.round(value * 100) / 100

const sum = (values: ReadonlyArray<number>): number => values.reduce((before, value) => before + value, 0)
