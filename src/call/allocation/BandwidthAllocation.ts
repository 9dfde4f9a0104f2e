import type { Allocation, AllocationInput } from "./AllocationInput.ts"
import * as AllocationProblem from "./AllocationProblem.ts"
import * as BestAllocation from "./BestAllocation.ts"
import * as Decision from "./Decision.ts"
import * as KeptAllocation from "./KeptAllocation.ts"
import * as Scratch from "./Scratch.ts"

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

/**
 * The same input gives the same output. With `before`, what was decided then stays where it still fits and nothing else is
 * clearly better. No input of numbers makes it throw: capacities that are no numbers are none, unknown sources and senders get
 * nothing.
 */
export const allocate = (input: AllocationInput, before?: KeptAllocation.Before): Allocation => {
  const problem = AllocationProblem.make(input)
  const scratch = Scratch.make(problem)
  if (before === undefined) return Decision.toAllocation(problem, input, BestAllocation.find(problem, scratch))
  const roomy = AllocationProblem.withRoom(problem, input, roomRatio)
  const fresh = BestAllocation.find(roomy, scratch)
  const decision = KeptAllocation.choose(problem, roomy, fresh, before, scratch)
  return Decision.toAllocation(problem, input, decision)
}
