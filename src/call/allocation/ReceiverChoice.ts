import { layersMax } from "./AllocationInput.ts"
import type { AllocationProblem } from "./AllocationProblem.ts"
import * as Knapsack from "./Knapsack.ts"
import * as ReceiverOptions from "./ReceiverOptions.ts"
import * as ReceiverPrice from "./ReceiverPrice.ts"
import type { Scratch } from "./Scratch.ts"

/** What a receiver takes of what is sent: the most that it can be worth to him within his downlink. */

/** What is left after choosing by price goes to the step up that is worth most for its units, and so on. */
const spendRest = (scratch: Scratch, wishes: number, capacity: number): void => {
  const { optionCount, optionUnits, optionValues, taken } = scratch
  let left = capacity
  for (let item = 0; item < wishes; item++) {
    if (taken[item]! >= 0) left -= optionUnits[item * layersMax + taken[item]!]!
  }
  for (;;) {
    let bestRatio = 0
    let bestItem = -1
    let bestOption = -1
    let bestUnits = 0
    for (let item = 0; item < wishes; item++) {
      const from = item * layersMax
      const now = taken[item]!
      const unitsNow = now < 0 ? 0 : optionUnits[from + now]!
      const valueNow = now < 0 ? 0 : optionValues[from + now]!
      for (let option = 0; option < optionCount[item]!; option++) {
        const more = optionUnits[from + option]! - unitsNow
        if (more <= 0 || more > left) continue
        const ratio = (optionValues[from + option]! - valueNow) / more
        if (ratio <= bestRatio) continue
        bestRatio = ratio
        bestItem = item
        bestOption = option
        bestUnits = more
      }
    }
    if (bestItem < 0) return
    taken[bestItem] = bestOption
    left -= bestUnits
  }
}

/**
 * Writes the choice of one receiver into `choices`: exact unless he has many wishes, none of which is much of his downlink.
 * Returns the price that it was found by; `undefined` when there was none.
 */
export const choose = (
  problem: AllocationProblem,
  rungs: Int8Array,
  receiver: number,
  choices: Int8Array,
  scratch: Scratch
): number | undefined => {
  const capacity = problem.downlinkUnits[receiver]!
  let price: number | undefined = 0
  if (ReceiverOptions.list(problem, rungs, receiver, scratch) > capacity) {
    const wishes = problem.wishStart[receiver + 1]! - problem.wishStart[receiver]!
    if (wishes * (capacity + 1) <= scratch.exactCells) {
      Knapsack.solve(scratch, wishes, capacity)
      price = undefined
    } else {
      price = ReceiverPrice.ofOptions(scratch, wishes, capacity)
      spendRest(scratch, wishes, capacity)
    }
  }
  ReceiverOptions.writeTaken(problem, receiver, choices, scratch)
  return price
}

export const chooseAll = (problem: AllocationProblem, rungs: Int8Array, choices: Int8Array, scratch: Scratch): void => {
  for (let receiver = 0; receiver < problem.receiverCount; receiver++) {
    choose(problem, rungs, receiver, choices, scratch)
  }
}

/** The same, and returns what a unit of his downlink is worth to the receiver. */
export const chooseWithPrice = (
  problem: AllocationProblem,
  rungs: Int8Array,
  receiver: number,
  choices: Int8Array,
  scratch: Scratch
): number => {
  const price = choose(problem, rungs, receiver, choices, scratch)
  if (price !== undefined) return price
  const wishes = problem.wishStart[receiver + 1]! - problem.wishStart[receiver]!
  return ReceiverPrice.ofOptions(scratch, wishes, problem.downlinkUnits[receiver]!)
}
