import { layersMax } from "./AllocationInput.ts"
import type { Scratch } from "./Scratch.ts"

/**
 * The multiple-choice knapsack of one receiver: of each wish at most one option, together within his downlink. Solved by
 * dynamic programming over whole units, so exactly. The options of his wishes are in the scratch, and so is what comes out.
 */

/** Takes the options of one more wish into account, for every capacity up to `capacity`. */
const addWish = (scratch: Scratch, item: number, capacity: number): void => {
  const { best, optionUnits, optionValues } = scratch
  const count = scratch.optionCount[item]!
  const at = item * layersMax
  // What does not exist fits nowhere.
  const units0 = count > 0 ? optionUnits[at]! : capacity + 1
  const units1 = count > 1 ? optionUnits[at + 1]! : capacity + 1
  const units2 = count > 2 ? optionUnits[at + 2]! : capacity + 1
  const value0 = optionValues[at]!
  const value1 = optionValues[at + 1]!
  const value2 = optionValues[at + 2]!
  // From above: what lies below is still without this wish.
  for (let units = capacity; units >= 0; units--) {
    let value = best[units]!
    if (units >= units0) {
      const with0 = best[units - units0]! + value0
      if (with0 > value) value = with0
    }
    if (units >= units1) {
      const with1 = best[units - units1]! + value1
      if (with1 > value) value = with1
    }
    if (units >= units2) {
      const with2 = best[units - units2]! + value2
      if (with2 > value) value = with2
    }
    best[units] = value
  }
}

/** The same, and notes which option is taken at each capacity. */
const addWishWithPicks = (scratch: Scratch, item: number, capacity: number): void => {
  const { best, optionUnits, optionValues, picks } = scratch
  const count = scratch.optionCount[item]!
  const picksFrom = item * (capacity + 1)
  for (let units = capacity; units >= 0; units--) {
    let value = best[units]!
    let pick = -1
    for (let option = 0, at = item * layersMax; option < count; option++, at++) {
      const rest = units - optionUnits[at]!
      if (rest < 0) continue
      const more = best[rest]! + optionValues[at]!
      if (more > value) {
        value = more
        pick = option
      }
    }
    best[units] = value
    picks[picksFrom + units] = pick
  }
}

/** Takes the best options of so many wishes. `wishes * (capacity + 1)` is `exactCells` at most. */
export const solve = (scratch: Scratch, wishes: number, capacity: number): void => {
  scratch.best.fill(0, 0, capacity + 1)
  for (let item = 0; item < wishes; item++) addWishWithPicks(scratch, item, capacity)
  let left = capacity
  for (let item = wishes - 1; item >= 0; item--) {
    const pick = scratch.picks[item * (capacity + 1) + left]!
    scratch.taken[item] = pick
    if (pick >= 0) left -= scratch.optionUnits[item * layersMax + pick]!
  }
}

/**
 * Leaves in the scratch's `best` what all wishes but one are worth at every capacity up to `capacity`, at most `capacityMax`.
 * Returns the number of steps that took.
 */
export const valuesWithout = (scratch: Scratch, wishes: number, without: number, capacity: number): number => {
  scratch.best.fill(0, 0, capacity + 1)
  let steps = capacity
  for (let item = 0; item < wishes; item++) {
    if (item === without || scratch.optionCount[item] === 0) continue
    addWish(scratch, item, capacity)
    steps += scratch.optionCount[item]! * capacity
  }
  return steps
}
