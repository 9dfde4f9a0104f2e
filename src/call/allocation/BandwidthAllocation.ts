import type { Allocation, AllocationInput } from "./AllocationInput.ts"
import * as AllocationProblem from "./AllocationProblem.ts"
import * as BestAllocation from "./BestAllocation.ts"
import * as Decision from "./Decision.ts"
import * as KeptAllocation from "./KeptAllocation.ts"
import * as Scratch from "./Scratch.ts"
import * as SizeSplit from "./SizeSplit.ts"

/**
 * Which sender of a call sends which simulcast layers at which bitrate, and which receiver gets which layer of whom.
 *
 * Maximizes the sum over receivers and the videos that they want of weight * log2(1 + kbps / 50), within every uplink and
 * every downlink. After GSO-Simulcast (Lin et al., SIGCOMM 2022): knapsack, merge, reduction.
 */

/**
 * Left free by whatever is decided anew once something has been decided. Estimates that wobble by 5 % around a point are then
 * never below what was chosen when they were highest: 1.05 * 0.9 < 0.95.
 */
const roomRatio = 0.1
/** Wishes of all receivers of a small call. */
const smallWishesMax = 30
/** The most work that is spent on coming to rest. */
const turnsMax = 4

/**
 * The same input gives the same output. With `before`, what was decided then stays where it still fits and nothing else is
 * clearly better. No input of numbers makes it throw: capacities that are no numbers are none, unknown sources and senders get
 * nothing.
 */
export const allocate = (input: AllocationInput, before?: KeptAllocation.Before): Allocation => {
  const problem = AllocationProblem.make(input)
  const scratch = Scratch.make(problem)
  const roomy = AllocationProblem.withRoom(problem, input, roomRatio)
  let past = before
  if (past === undefined) {
    const best = findAnew(problem, roomy, scratch)
    const isSplit = SizeSplit.splitAll(problem, best)
    if (isSplit) Decision.dropUnused(problem, best)
    past = { input, allocation: Decision.toAllocation(problem, input, best) }
    if (!isSplit) return past.allocation
  }
  const fresh = BestAllocation.find(roomy, scratch)
  for (let turn = 1; ; turn++) {
    const decision = KeptAllocation.choose(problem, roomy, fresh, past, scratch)
    const isSplit = SizeSplit.splitAll(roomy, decision)
    if (isSplit) Decision.dropUnused(problem, decision)
    past = { input, allocation: Decision.toAllocation(problem, input, decision) }
    // What a lower layer spares somebody may use: until that has been found, the same input would have another answer next time.
    if (!isSplit || turn === turnsMax) return past.allocation
  }
}

/**
 * In a small call a search with less room may find what is better than what one with all of it has found, and the next
 * decision would change to that.
 */
const findAnew = (
  problem: AllocationProblem.AllocationProblem,
  roomy: AllocationProblem.AllocationProblem,
  scratch: Scratch.Scratch
) => {
  const best = BestAllocation.find(problem, scratch)
  if (problem.wishers.length > smallWishesMax) return best
  const other = BestAllocation.find(roomy, scratch)
  return Decision.utility(problem, other) > Decision.utility(problem, best) ? other : best
}
