/** A mean of several rounds, and where the true one lies 95 times in 100. */
export interface Interval {
  readonly mean: number
  readonly ci95: readonly [number, number]
}

/** Student's t, both sides together 5 %, for 1, 2, 3... degrees of freedom; behind the last that of the normal distribution. */
const t95 = [12.71, 4.3, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23, 2.2, 2.18, 2.16, 2.14, 2.13, 2.12, 2.11, 2.1]
const z95 = 1.96

/** Of one value the interval is everything: it tells nothing of how much they differ. */
export const meanOf = (values: ReadonlyArray<number>): Interval => {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  if (values.length < 2) return { mean, ci95: [-Infinity, Infinity] }
  const freedom = values.length - 1
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / freedom
  const margin = (t95[freedom - 1] ?? z95) * Math.sqrt(variance / values.length)
  return { mean, ci95: [mean - margin, mean + margin] }
}
