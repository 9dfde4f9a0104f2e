import { type AllocationProblem, wishValue } from "./AllocationProblem.ts"
import * as Decision from "./Decision.ts"
import * as LayerOffers from "./LayerOffers.ts"
import * as RateLadder from "./RateLadder.ts"
import * as ReceiverChoice from "./ReceiverChoice.ts"
import * as ReceiverPrice from "./ReceiverPrice.ts"
import type { Scratch } from "./Scratch.ts"
import * as UplinkShare from "./UplinkShare.ts"

/**
 * All sources and receivers together, by price. Receivers put a price on their downlink as if every rate were sent
 * (knapsack); each sender chooses the few that leave his receivers most at these prices (merge); receivers choose among
 * them, and what they have left or lack corrects the price (reduction). The best of some rounds counts.
 */

/** Later rounds seldom find anything better. */
const rounds = 2

/** What each rung leaves each wisher of a source, at the price of his receiver. */
const fillGains = (problem: AllocationProblem, source: number, prices: Float64Array, scratch: Scratch): void => {
  const from = problem.wishersStart[source]!
  const count = problem.wishersStart[source + 1]! - from
  for (let i = 0; i < count; i++) {
    const wish = problem.wishers[from + i]!
    const receiver = problem.wishReceiver[wish]!
    const capacity = problem.downlinkUnits[receiver]!
    for (let mask = problem.rungMask[source]!; mask !== 0; mask &= mask - 1) {
      const rung = 31 - Math.clz32(mask & -mask)
      const units = RateLadder.rungUnits[rung]!
      const isTooMuch = units > capacity || rung > problem.wishRungMax[wish]!
      scratch.gains[rung * count + i] = isTooMuch ? 0 : wishValue(problem, wish, rung) - prices[receiver]! * units
    }
  }
}

const offer = (problem: AllocationProblem, prices: Float64Array, rungs: Int8Array, scratch: Scratch): void => {
  for (let sender = 0; sender < problem.sourcesOf.length; sender++) {
    const sources = problem.sourcesOf[sender]!
    for (let at = 0; at < sources.length; at++) {
      fillGains(problem, sources[at]!, prices, scratch)
      const table = UplinkShare.tableAt(scratch, at)
      LayerOffers.tabulate(problem, sources[at]!, problem.uplinkUnits[sender]!, scratch, table)
    }
    UplinkShare.share(problem, sender, rungs, scratch)
  }
}

export const find = (problem: AllocationProblem, scratch: Scratch): Decision.Decision => {
  const best = Decision.make(problem)
  const now = Decision.make(problem)
  const prices = Float64Array.from({ length: problem.receiverCount }, (_, receiver) =>
    ReceiverPrice.ideal(problem, receiver)
  )
  let bestUtility = 0
  for (let round = 0; round < rounds; round++) {
    offer(problem, prices, now.rungs, scratch)
    for (let receiver = 0; receiver < problem.receiverCount; receiver++) {
      const price = ReceiverChoice.chooseWithPrice(problem, now.rungs, receiver, now.choices, scratch)
      // Half of the way: all move at once, and would all come back.
      prices[receiver] = (prices[receiver]! + price) / 2
    }
    const utility = Decision.utility(problem, now)
    if (utility > bestUtility) {
      bestUtility = utility
      Decision.copyInto(now, best)
    }
  }
  return best
}
