import type { AllocationProblem } from "./AllocationProblem.ts"
import * as Decision from "./Decision.ts"
import * as FreeRoom from "./FreeRoom.ts"
import * as LayerMerge from "./LayerMerge.ts"
import * as PricedOffers from "./PricedOffers.ts"
import * as RateLadder from "./RateLadder.ts"
import type { Scratch } from "./Scratch.ts"
import * as SenderResponse from "./SenderResponse.ts"

/** The best that is found for a whole call when nothing has been decided before. */

/** Work of improving what was found by price, in steps of two or three nanoseconds: enough for calls of some participants. */
const stepsMax = 200_000
/** Of all receivers. With more, what is found by price is within 0.2 % of what any climb found, and a sweep takes 100 ms. */
const wishesMax = 1000
/** Climbs in small calls: of 400 calls of four, one to three were below 97 % of the best with three starts, none with twenty. */
const startsMax = 20

/** Climbs from `decision`, and makes it the best if that leads higher. */
const climbFrom = (climb: SenderResponse.Climb, decision: Decision.Decision, best: Decision.Decision): void => {
  SenderResponse.climb(climb, decision)
  if (Decision.utility(climb.problem, decision) > Decision.utility(climb.problem, best))
    Decision.copyInto(decision, best)
}

/** Climbs with two thirds of a receiver's downlink, and then with all of it: so that two videos make room for a third. */
const squeeze = (
  climb: SenderResponse.Climb,
  receiver: number,
  best: Decision.Decision,
  tried: Decision.Decision
): void => {
  const downlinkUnits = climb.problem.downlinkUnits.slice()
  downlinkUnits[receiver] = Math.floor((2 * downlinkUnits[receiver]!) / 3)
  const squeezed = { ...climb, problem: { ...climb.problem, downlinkUnits } }
  Decision.copyInto(best, tried)
  SenderResponse.climb(squeezed, tried)
  climb.stepsLeft = squeezed.stepsLeft
  climbFrom(climb, tried, best)
}

/** Somewhere among all that could be sent. `number`: the next of a fixed row of numbers, which is returned. */
const scatter = (problem: AllocationProblem, decision: Decision.Decision, number: number): number => {
  const { rungs } = decision
  let next = number
  for (let at = 0; at < rungs.length; at++) {
    // Numerical Recipes' generator: the same row each time, so that the same input has the same answer.
    next = (Math.imul(next, 1_664_525) + 1_013_904_223) >>> 0
    const count = problem.rungHigh[at]! - problem.rungLow[at]! + 1
    const pick = count > 0 ? (next >>> 16) % (count + 1) : 0
    rungs[at] = pick === 0 ? RateLadder.off : problem.rungLow[at]! + pick - 1
  }
  for (let sender = 0; sender < problem.sourcesOf.length; sender++) {
    if (Decision.uplinkUsed(problem, rungs, sender) <= problem.uplinkUnits[sender]!) continue
    for (const source of problem.sourcesOf[sender]!) Decision.switchOff(decision, source)
  }
  return next
}

/** The highest of some climbs: from what was found by price, from nothing, and from here and there, as far as the steps go. */
const climbed = (problem: AllocationProblem, scratch: Scratch): Decision.Decision => {
  const climb: SenderResponse.Climb = { problem, scratch, stepsLeft: stepsMax }
  const best = PricedOffers.find(problem, scratch)
  if (problem.wishers.length > wishesMax) return best
  const tried = Decision.make(problem)
  SenderResponse.climb(climb, best)
  let number = 0
  for (let start = 0; start < startsMax && climb.stepsLeft > 0; start++) {
    climbFrom(climb, tried, best)
    number = scatter(problem, tried, number)
  }
  for (let receiver = 0; receiver < problem.receiverCount && climb.stepsLeft > 0; receiver++) {
    squeeze(climb, receiver, best, tried)
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
