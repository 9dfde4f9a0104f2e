import { Result } from "effect"
import * as Random from "./Random.ts"
import * as RateTrace from "./RateTrace.ts"

/** Traces of our own making, so that none is copied: a walk with a seed, in the shape that recordings of cells have. */
export interface Walk {
  readonly lengthMs: number
  /** What the walk is drawn back to, and the bounds that it keeps. Bits a second. */
  readonly meanBps: number
  readonly minBps: number
  readonly maxBps: number
  /** Standard deviation of one step, as a share of the rate. */
  readonly stepRatio: number
  /** Share of the distance to the mean that is made up for in a step. */
  readonly returnRatio: number
  /** Deep fades, exponential: how far apart and how long, on average; what is left of the rate. */
  readonly fadeEveryMs: number
  readonly fadeMs: number
  readonly fadeRatio: number
}

/** The rate stays for so long. Winstein et al. (Sprout, 2013) step a cell's rate every 20 ms. Milliseconds. */
const stepMs = 20

/** A telephone on the move in a cell that others use too. */
export const lte: Walk = {
  lengthMs: 60_000,
  meanBps: 4_000_000,
  minBps: 150_000,
  maxBps: 20_000_000,
  stepRatio: 0.08,
  returnRatio: 0.01,
  fadeEveryMs: 20_000,
  fadeMs: 600,
  fadeRatio: 0.05
}

export const generate = (walk: Walk, seed: string, name: string): RateTrace.RateTrace => {
  const steps = Random.make(seed, `${name} steps`)
  const fades = Random.make(seed, `${name} fades`)
  const timesMs: Array<number> = []
  let rateBps = walk.meanBps
  let isFading = false
  let changesAtMs = walk.fadeEveryMs * Random.exponential(fades)
  let credit = 0
  for (let timeMs = 1; timeMs < walk.lengthMs; timeMs++) {
    if (timeMs % stepMs === 0) {
      rateBps += rateBps * walk.stepRatio * Random.normal(steps) + (walk.meanBps - rateBps) * walk.returnRatio
      rateBps = Math.min(walk.maxBps, Math.max(walk.minBps, rateBps))
    }
    while (timeMs >= changesAtMs) {
      isFading = !isFading
      changesAtMs += (isFading ? walk.fadeMs : walk.fadeEveryMs) * Random.exponential(fades)
    }
    credit += (isFading ? rateBps * walk.fadeRatio : rateBps) / 8000
    for (; credit >= RateTrace.opportunityBytes; credit -= RateTrace.opportunityBytes) timesMs.push(timeMs)
  }
  timesMs.push(walk.lengthMs)
  return Result.getOrThrow(RateTrace.make(timesMs))
}
