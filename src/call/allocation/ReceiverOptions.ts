import { layersMax } from "./AllocationInput.ts"
import { type AllocationProblem, wishValue } from "./AllocationProblem.ts"
import * as RateLadder from "./RateLadder.ts"
import type { Scratch } from "./Scratch.ts"

/** What a receiver can choose from: of each of his wishes, the layers that are sent and that it may have. */

/** Writes the options of all wishes of a receiver into the scratch, and takes the best of each. Returns what that costs. Units. */
export const list = (problem: AllocationProblem, rungs: Int8Array, receiver: number, scratch: Scratch): number => {
  const { optionCount, optionLayers, optionUnits, optionValues, taken } = scratch
  const first = problem.wishStart[receiver]!
  const end = problem.wishStart[receiver + 1]!
  let sum = 0
  for (let wish = first; wish < end; wish++) {
    const from = problem.wishSource[wish]! * layersMax
    const to = (wish - first) * layersMax
    let count = 0
    let best = -1
    for (let layer = 0; layer <= problem.wishLayerMax[wish]!; layer++) {
      const rung = rungs[from + layer]!
      if (rung < 0) continue
      const at = to + count
      optionUnits[at] = RateLadder.rungUnits[rung]!
      optionValues[at] = wishValue(problem, wish, rung)
      optionLayers[at] = layer
      // Of equals the cheapest: beyond the size at which it is shown, more is of no use.
      const more = best < 0 ? 1 : optionValues[at] - optionValues[to + best]!
      if (more > 0 || (more === 0 && optionUnits[at] < optionUnits[to + best]!)) best = count
      count++
    }
    optionCount[wish - first] = count
    taken[wish - first] = best
    if (best >= 0) sum += optionUnits[to + best]!
  }
  return sum
}

/**
 * What no choice of a receiver is worth more than: at any price of a unit, what each wish leaves at most by itself, and the price
 * of all units. Close to the best where the price is that of his knapsack.
 */
export const worthMost = (problem: AllocationProblem, rungs: Int8Array, receiver: number, price: number): number => {
  let sum = price * problem.downlinkUnits[receiver]!
  for (let wish = problem.wishStart[receiver]!; wish < problem.wishStart[receiver + 1]!; wish++) {
    const from = problem.wishSource[wish]! * layersMax
    let most = 0
    for (let at = from; at <= from + problem.wishLayerMax[wish]!; at++) {
      const rung = rungs[at]!
      if (rung < 0) continue
      const left = wishValue(problem, wish, rung) - price * RateLadder.rungUnits[rung]!
      if (left > most) most = left
    }
    sum += most
  }
  return sum
}

/** Notes the layers of the options that are taken. */
export const writeTaken = (
  problem: AllocationProblem,
  receiver: number,
  choices: Int8Array,
  scratch: Scratch
): void => {
  const first = problem.wishStart[receiver]!
  for (let wish = first; wish < problem.wishStart[receiver + 1]!; wish++) {
    const option = scratch.taken[wish - first]!
    choices[wish] = option < 0 ? -1 : scratch.optionLayers[(wish - first) * layersMax + option]!
  }
}
