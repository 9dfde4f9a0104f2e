import { layersMax } from "./AllocationInput.ts"
import { type AllocationProblem, wishValue } from "./AllocationProblem.ts"
import * as Decision from "./Decision.ts"
import * as RateLadder from "./RateLadder.ts"

/**
 * Two layers that differ by less than 2x cost a second encoding and two half-used streams. They become one, unless those
 * who receive the source would lose by it.
 */

/** Layers closer than this should be one. Ratio of their rates: half of what GSO-Simulcast and encoders have between layers. */
const closeRatio = 2
/** What two close layers must be worth above one. Share of the utility that the source has. */
const splitGainRatio = 0.02

/** The next lower layer of a source below a rung, or -1. */
const layerBelow = (rungs: Int8Array, source: number, rung: number): number => {
  let below = -1
  let belowRung: number = RateLadder.off
  for (let layer = 0; layer < layersMax; layer++) {
    const other = rungs[source * layersMax + layer]!
    if (other >= 0 && other < rung && other > belowRung) {
      below = layer
      belowRung = other
    }
  }
  return below
}

const isClose = (rung: number, above: number): boolean =>
  RateLadder.rungUnits[above]! < closeRatio * RateLadder.rungUnits[rung]!

/** Whether a layer at this rung would reach or come close to one that is above it now. */
export const isCloseBelow = (rungs: Int8Array, source: number, rung: number, layer: number): boolean => {
  for (let other = 0; other < layersMax; other++) {
    const above = rungs[source * layersMax + other]!
    if (other !== layer && above >= rung && isClose(rung, above)) return true
  }
  return false
}

/** Utility that a source gives to all its receivers. */
export const utilityOfSource = (problem: AllocationProblem, decision: Decision.Decision, source: number): number => {
  let sum = 0
  for (let i = problem.wishersStart[source]!; i < problem.wishersStart[source + 1]!; i++) {
    sum += Decision.valueOfWish(problem, decision, problem.wishers[i]!)
  }
  return sum
}

/**
 * Moves all who have layer `from` to `to`, where they may have it and it fits, else to `otherwise`. Returns what is lost. With
 * `isTrial` all stays as it is.
 */
const move = (
  problem: AllocationProblem,
  decision: Decision.Decision,
  source: number,
  [from, to, otherwise]: readonly [from: number, to: number, otherwise: number],
  isTrial: boolean
): number => {
  const rungOf = (layer: number): number => (layer < 0 ? RateLadder.off : decision.rungs[source * layersMax + layer]!)
  const more = RateLadder.rungUnits[rungOf(to)]! - RateLadder.rungUnits[rungOf(from)]!
  let lost = 0
  for (let i = problem.wishersStart[source]!; i < problem.wishersStart[source + 1]!; i++) {
    const wish = problem.wishers[i]!
    if (decision.choices[wish] !== from) continue
    const receiver = problem.wishReceiver[wish]!
    const fits = Decision.downlinkUsed(problem, decision, receiver) + more <= problem.downlinkUnits[receiver]!
    const layer = to <= problem.wishLayerMax[wish]! && (more <= 0 || fits) ? to : otherwise
    const rung = rungOf(layer)
    lost += wishValue(problem, wish, rungOf(from)) - (rung < 0 ? 0 : wishValue(problem, wish, rung))
    if (!isTrial) decision.choices[wish] = layer
  }
  return lost
}

/** Merges the first two layers of a source that are close and not worth it. False: there are none. */
const mergeOnce = (problem: AllocationProblem, decision: Decision.Decision, source: number): boolean => {
  const { rungs } = decision
  for (let high = 0; high < layersMax; high++) {
    const highRung = rungs[source * layersMax + high]!
    const low = highRung < 0 ? -1 : layerBelow(rungs, source, highRung)
    if (low < 0) continue
    const lowRung = rungs[source * layersMax + low]!
    if (!isClose(lowRung, highRung)) continue
    const down = [high, low, low] as const
    const up = [low, high, layerBelow(rungs, source, lowRung)] as const
    const lostDown = move(problem, decision, source, down, true)
    const lostUp = move(problem, decision, source, up, true)
    const chosen = lostUp <= lostDown ? up : down
    if (Math.min(lostUp, lostDown) > splitGainRatio * utilityOfSource(problem, decision, source)) continue
    move(problem, decision, source, chosen, false)
    rungs[source * layersMax + chosen[0]] = RateLadder.off
    return true
  }
  return false
}

export const mergeAll = (problem: AllocationProblem, decision: Decision.Decision): void => {
  for (let source = 0; source < problem.sourceCount; source++) {
    while (mergeOnce(problem, decision, source));
  }
}
