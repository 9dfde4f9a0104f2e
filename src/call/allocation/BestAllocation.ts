import type { AllocationProblem } from "./AllocationProblem.ts"
import * as Decision from "./Decision.ts"
import * as FreeRoom from "./FreeRoom.ts"
import * as LayerMerge from "./LayerMerge.ts"
import * as PricedOffers from "./PricedOffers.ts"
import type { Scratch } from "./Scratch.ts"
import * as SenderResponse from "./SenderResponse.ts"

/** The best that is found for a whole call when nothing has been decided before. */

/** Work of improving what was found by price, in steps of a nanosecond or two: enough for calls of some participants. */
const stepsMax = 400_000
/** Less is rounding. */
const gainRatioMin = 1e-9

/** Whether a climb from `decision` leads higher than `best`, which it then becomes. */
const isHigher = (
  climb: SenderResponse.Climb,
  decision: Decision.Decision,
  first: number,
  best: Decision.Decision
): boolean => {
  SenderResponse.climb(climb, decision, first)
  if (Decision.utility(climb.problem, decision) <= Decision.utility(climb.problem, best) * (1 + gainRatioMin))
    return false
  Decision.copyInto(decision, best)
  return true
}

/**
 * Climbs from what was found by price, and from nothing. Then each sender in turn is silent while the others do their
 * best without him, and comes in again: that leads over what no one alone gets over. As far as the steps go.
 */
const climbed = (problem: AllocationProblem, scratch: Scratch): Decision.Decision => {
  const climb: SenderResponse.Climb = { problem, scratch, stepsLeft: stepsMax }
  const best = PricedOffers.find(problem, scratch)
  const tried = Decision.make(problem)
  SenderResponse.climb(climb, best, 0)
  isHigher(climb, tried, 0, best)
  const senders = problem.sourcesOf.length
  for (let sender = 0, without = 0; without < senders && climb.stepsLeft > 0; sender = (sender + 1) % senders) {
    Decision.copyInto(best, tried)
    for (const source of problem.sourcesOf[sender]!) Decision.switchOff(tried, source)
    without = isHigher(climb, tried, (sender + 1) % senders, best) ? 0 : without + 1
  }
  return best
}

export const find = (problem: AllocationProblem, scratch: Scratch): Decision.Decision => {
  const decision = climbed(problem, scratch)
  Decision.dropUnused(problem, decision)
  FreeRoom.fill(problem, decision)
  LayerMerge.mergeAll(problem, decision)
  // A merge gives room back. It comes last as well, so that it finds nothing when the same is asked again.
  FreeRoom.fill(problem, decision)
  LayerMerge.mergeAll(problem, decision)
  Decision.dropUnused(problem, decision)
  return decision
}
