/**
 * Measurements of one kind, in bounded memory: when it is full every second one is dropped, and from then on every second
 * one is kept. No dice, and the same on every machine. Count, mean and maximum are of all of them. Changed in place.
 */
export interface Samples {
  readonly kept: Float64Array
  keptCount: number
  /** One in so many is kept. */
  stride: number
  count: number
  sum: number
  max: number
}

export const make = (capacity = 4096): Samples => ({
  kept: new Float64Array(capacity),
  keptCount: 0,
  stride: 1,
  count: 0,
  sum: 0,
  max: -Infinity
})

export const add = (self: Samples, value: number): void => {
  if (self.count % self.stride === 0) {
    if (self.keptCount === self.kept.length) thin(self)
    if (self.count % self.stride === 0) self.kept[self.keptCount++] = value
  }
  self.count++
  self.sum += value
  if (value > self.max) self.max = value
}

const thin = (self: Samples): void => {
  self.keptCount = self.kept.length / 2
  for (let i = 0; i < self.keptCount; i++) self.kept[i] = self.kept[2 * i]!
  self.stride *= 2
}

/** NaN of none. */
export const mean = ({ count, sum }: Samples): number => sum / count

/** The smallest kept value that at least this share, 0..1, is not above; NaN of none. */
export const quantile = (self: Samples, share: number): number => {
  const sorted = self.kept.slice(0, self.keptCount).sort()
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? NaN
}
