import { layersMax } from "./AllocationInput.ts"
import { type AllocationProblem } from "./AllocationProblem.ts"
import type { Scratch } from "./Scratch.ts"

/**
 * What a unit of a receiver's downlink is worth to him: the Lagrange multiplier of his knapsack. At this price each wish
 * takes what leaves it most, by itself, and together they fit.
 */

/** Halvings of the price. What then is still free is spent otherwise. */
const halvings = 12

/** The lowest price at which a demand fits. `highest`: one at which nothing is demanded. */
const lowest = (demand: (price: number) => number, capacity: number, highest: number): number => {
  if (demand(0) <= capacity) return 0
  let low = 0
  let high = highest
  for (let i = 0; i < halvings; i++) {
    const price = (low + high) / 2
    if (demand(price) <= capacity) high = price
    else low = price
  }
  return high
}

/**
 * As if a source could send any rate up to its highest. A unit is the rate of utility 1, so a wish of weight w takes
 * w / (price * ln 2) - 1 units: there the next one is worth the price.
 */
export const ideal = (problem: AllocationProblem, receiver: number): number => {
  const first = problem.wishStart[receiver]!
  const end = problem.wishStart[receiver + 1]!
  const demand = (price: number): number => {
    const scale = 1 / (price * Math.LN2)
    let sum = 0
    for (let wish = first; wish < end; wish++) {
      const units = problem.wishWeight[wish]! * scale - 1
      const unitsMax = problem.wishUnitsMax[wish]!
      if (units > 0) sum += units < unitsMax ? units : unitsMax
    }
    return sum
  }
  let highest = 0
  for (let wish = first; wish < end; wish++) highest = Math.max(highest, problem.wishWeight[wish]! / Math.LN2)
  return lowest(demand, problem.downlinkUnits[receiver]!, highest)
}

/** Of the options in the scratch. What each wish takes at this price is left there too. */
export const ofOptions = (scratch: Scratch, wishes: number, capacity: number): number => {
  const { optionCount, optionUnits, optionValues, taken } = scratch
  const demand = (price: number): number => {
    let sum = 0
    for (let item = 0; item < wishes; item++) {
      let best = 0
      let pick = -1
      const from = item * layersMax
      for (let at = from; at < from + optionCount[item]!; at++) {
        const left = optionValues[at]! - price * optionUnits[at]!
        if (left > best) {
          best = left
          pick = at
        }
      }
      taken[item] = pick < 0 ? -1 : pick - from
      if (pick >= 0) sum += optionUnits[pick]!
    }
    return sum
  }
  // Above what the best of all is worth a unit nothing is taken.
  let highest = 0
  for (let item = 0; item < wishes; item++) {
    const from = item * layersMax
    for (let at = from; at < from + optionCount[item]!; at++) {
      highest = Math.max(highest, optionValues[at]! / optionUnits[at]!)
    }
  }
  const price = lowest(demand, capacity, highest)
  demand(price)
  return price
}
