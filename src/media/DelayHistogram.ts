/**
 * How late things come, as shares of what was noted: libwebrtc's NetEq keeps it so (UnderrunOptimizer, Histogram). What is
 * new counts more than what is old; as long as there is little, everything counts alike. Changed in place.
 */
export interface DelayHistogram {
  /** By delay, `bucketMs` each; the last has all that is longer. Their sum is 1 after the first. */
  readonly shares: Float64Array
  samples: number
}

/** libwebrtc kBucketSizeMs and kDelayBuckets. */
export const bucketMs = 20
const buckets = 100
/** What is left of everything older with each sample. libwebrtc DelayManager::Config forget_factor. */
const forgetFactor = 0.983
/** Of the first samples each gets so many times its even share. libwebrtc start_forget_weight. */
const startWeight = 2

export const make = (): DelayHistogram => ({ shares: new Float64Array(buckets), samples: 0 })

export const clear = (self: DelayHistogram): void => {
  self.shares.fill(0)
  self.samples = 0
}

export const add = (self: DelayHistogram, delayMs: number): void => {
  const { shares } = self
  self.samples++
  const kept = Math.min(forgetFactor, Math.max(0, 1 - startWeight / (self.samples + 1)))
  for (let i = 0; i < buckets; i++) shares[i]! *= kept
  shares[Math.min(buckets - 1, Math.max(0, Math.floor(delayMs / bucketMs)))]! += 1 - kept
}

/** The delay that this share, 0..1, does not exceed, to the end of its bucket. Milliseconds; 0 of none. */
export const quantileMs = ({ samples, shares }: DelayHistogram, share: number): number => {
  if (samples === 0) return 0
  let left = share
  for (let i = 0; i < buckets; i++) {
    left -= shares[i]!
    if (left <= 0) return (i + 1) * bucketMs
  }
  return buckets * bucketMs
}
