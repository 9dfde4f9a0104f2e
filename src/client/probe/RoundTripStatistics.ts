/**
 * What a series of requests says about a path. Pure: how the requests were sent and when the answers came is somebody
 * else's. Whoever has to choose between relays compares these.
 */
export interface RoundTripStatistics {
  readonly requests: number
  readonly answered: number
  /** Share of the requests without an answer, 0..1; 0 when nothing was asked. */
  readonly lossRatio: number
  /** `undefined` when nothing was answered. */
  readonly rttMs: RoundTrips | undefined
  /**
   * Mean difference between each round trip and the one answered before it, in the order of asking. This is what RFC 3550
   * section 6.4.1 smooths by a sixteenth; a series is too short for the smoothing, which would start at zero.
   * `undefined` with less than two answers. Milliseconds.
   */
  readonly jitterMs: number | undefined
}

/** All are round trips that were measured, but the median of an even number of them. Milliseconds. */
export interface RoundTrips {
  readonly min: number
  /** Of an even number of round trips the middle between the two in the middle. */
  readonly median: number
  /** At least 95 of 100 were not longer: by nearest rank, so of fewer than 20 it is the longest. */
  readonly p95: number
  readonly max: number
}

/** In the order of asking, one entry a request: its round trip in milliseconds, or `undefined` for no answer. */
export const of = (series: ReadonlyArray<number | undefined>): RoundTripStatistics => {
  const measuredMs = series.filter((rttMs) => rttMs !== undefined)
  const requests = series.length
  return {
    requests,
    answered: measuredMs.length,
    lossRatio: requests === 0 ? 0 : (requests - measuredMs.length) / requests,
    rttMs: measuredMs.length === 0 ? undefined : roundTripsOf(measuredMs.toSorted((a, b) => a - b)),
    jitterMs: jitterOf(measuredMs)
  }
}

const roundTripsOf = (sortedMs: ReadonlyArray<number>): RoundTrips => {
  const count = sortedMs.length
  return {
    min: sortedMs[0]!,
    median: (sortedMs[(count - 1) >> 1]! + sortedMs[count >> 1]!) / 2,
    // 19 / 20 is exact where 0.95 is not: 20 * 0.95 must not come out above 19.
    p95: sortedMs[Math.ceil((count * 19) / 20) - 1]!,
    max: sortedMs.at(-1)!
  }
}

const jitterOf = (measuredMs: ReadonlyArray<number>): number | undefined => {
  if (measuredMs.length < 2) return undefined
  let sumMs = 0
  for (let i = 1; i < measuredMs.length; i++) sumMs += Math.abs(measuredMs[i]! - measuredMs[i - 1]!)
  return sumMs / (measuredMs.length - 1)
}

/**
 * Sorts the best first: by median round trip in whole milliseconds, since less is noise, then by loss, then by what is
 * left of the median. Who has answered nothing is last.
 */
export const compare = (a: RoundTripStatistics, b: RoundTripStatistics): number => {
  if (a.rttMs === undefined || b.rttMs === undefined) {
    return Number(a.rttMs === undefined) - Number(b.rttMs === undefined)
  }
  return (
    Math.round(a.rttMs.median) - Math.round(b.rttMs.median) ||
    a.lossRatio - b.lossRatio ||
    a.rttMs.median - b.rttMs.median
  )
}
