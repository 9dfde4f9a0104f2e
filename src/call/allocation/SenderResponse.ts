import { layersMax } from "./AllocationInput.ts"
import { type AllocationProblem, wishValue } from "./AllocationProblem.ts"
import * as Decision from "./Decision.ts"
import * as Knapsack from "./Knapsack.ts"
import * as LayerOffers from "./LayerOffers.ts"
import * as RateLadder from "./RateLadder.ts"
import * as ReceiverChoice from "./ReceiverChoice.ts"
import * as ReceiverOptions from "./ReceiverOptions.ts"
import { capacityMax, type Scratch } from "./Scratch.ts"
import * as UplinkShare from "./UplinkShare.ts"

/**
 * The best that one sender can do while the others stay as they are, found exactly: what a rung gains a receiver is what it is
 * worth to him, less what his other wishes lose by it. Repeated sender by sender it climbs to where nobody alone can do better.
 */

/** Gains smaller than that are rounding. */
const gainMin = 1e-9

/** Steps that it takes to list one wish's options. */
const stepsOfListing = 4

/** A climb, and the work that it may still do. Steps of a knapsack, or of trying layers. */
export interface Climb {
  readonly problem: AllocationProblem
  readonly scratch: Scratch
  stepsLeft: number
}

/** What each rung gains each wisher of a source. False: that is too much work. */
const fillGains = (climb: Climb, source: number, rungs: Int8Array): boolean => {
  const { problem, scratch } = climb
  const from = problem.wishersStart[source]!
  const count = problem.wishersStart[source + 1]! - from
  for (let i = 0; i < count; i++) {
    const wish = problem.wishers[from + i]!
    const receiver = problem.wishReceiver[wish]!
    const downlink = problem.downlinkUnits[receiver]!
    const first = problem.wishStart[receiver]!
    const wishes = problem.wishStart[receiver + 1]! - first
    // What the other wishes take when all fits. If that leaves enough for any rung, none costs them anything.
    const all = ReceiverOptions.list(problem, rungs, receiver, scratch)
    const own = scratch.taken[wish - first]!
    const others = own < 0 ? all : all - scratch.optionUnits[(wish - first) * layersMax + own]!
    const isTight = others + RateLadder.rungUnitsMax > downlink
    const capacity = Math.min(downlink, others)
    climb.stepsLeft -= stepsOfListing * wishes + RateLadder.rungCount
    if (isTight) {
      if (capacity > capacityMax) return false
      climb.stepsLeft -= Knapsack.valuesWithout(scratch, wishes, wish - first, capacity)
      if (climb.stepsLeft < 0) return false
    }
    for (let mask = problem.rungMask[source]!; mask !== 0; mask &= mask - 1) {
      const rung = 31 - Math.clz32(mask & -mask)
      const units = RateLadder.rungUnits[rung]!
      let gain = units > downlink || rung > problem.wishRungMax[wish]! ? 0 : wishValue(problem, wish, rung)
      if (isTight && gain > 0) gain += scratch.best[Math.min(capacity, downlink - units)]! - scratch.best[capacity]!
      scratch.gains[rung * count + i] = gain
    }
  }
  return true
}

const respondAlone = (climb: Climb, source: number, budgetUnits: number, rungs: Int8Array): boolean => {
  const { problem, scratch } = climb
  if (!fillGains(climb, source, rungs)) return false
  const table = UplinkShare.tableAt(scratch, 0)
  climb.stepsLeft -= LayerOffers.tabulate(problem, source, budgetUnits, scratch, table)
  const cost = UplinkShare.bestCost(table, budgetUnits)
  if (table.values[cost]! <= LayerOffers.gainOf(problem, source, rungs, scratch) + gainMin) return false
  LayerOffers.unpack(table.packed[cost]!, source, rungs)
  return true
}

const utilityOf = ({ problem, scratch }: Climb, decision: Decision.Decision, receivers: Iterable<number>): number => {
  let sum = 0
  for (const receiver of receivers) {
    ReceiverChoice.choose(problem, decision.rungs, receiver, decision.choices, scratch)
    sum += Decision.utilityOfReceiver(problem, decision, receiver)
  }
  return sum
}

/** Several sources of one sender at once. What each gains is counted as if the others did not change, so the sum is checked. */
const respondTogether = (climb: Climb, sender: number, decision: Decision.Decision): boolean => {
  const { problem, scratch } = climb
  const sources = problem.sourcesOf[sender]!
  const receivers = new Set<number>()
  for (let at = 0; at < sources.length; at++) {
    const source = sources[at]!
    if (!fillGains(climb, source, decision.rungs)) return false
    const table = UplinkShare.tableAt(scratch, at)
    climb.stepsLeft -= LayerOffers.tabulate(problem, source, problem.uplinkUnits[sender]!, scratch, table)
    for (let i = problem.wishersStart[source]!; i < problem.wishersStart[source + 1]!; i++) {
      receivers.add(problem.wishReceiver[problem.wishers[i]!]!)
    }
  }
  const before = decision.rungs.slice()
  const utilityBefore = utilityOf(climb, decision, receivers)
  UplinkShare.share(problem, sender, decision.rungs, scratch)
  if (utilityOf(climb, decision, receivers) > utilityBefore + gainMin) return true
  decision.rungs.set(before)
  return false
}

const respond = (climb: Climb, sender: number, decision: Decision.Decision): boolean => {
  const { problem } = climb
  const sources = problem.sourcesOf[sender]!
  if (sources.length > 1 && respondTogether(climb, sender, decision)) return true
  let isBetter = false
  for (const source of sources) {
    const used = Decision.uplinkUsed(problem, decision.rungs, sender) - Decision.sourceUsed(decision.rungs, source)
    if (respondAlone(climb, source, problem.uplinkUnits[sender]! - used, decision.rungs)) isBetter = true
  }
  return isBetter
}

/** Improves a decision in place until no sender alone can do better, or the work is spent. */
export const climb = (climb: Climb, decision: Decision.Decision): void => {
  const { problem, scratch } = climb
  const senders = problem.sourcesOf.length
  for (let sender = 0, unchanged = 0; unchanged < senders && climb.stepsLeft > 0; sender = (sender + 1) % senders) {
    unchanged = respond(climb, sender, decision) ? 0 : unchanged + 1
  }
  ReceiverChoice.chooseAll(problem, decision.rungs, decision.choices, scratch)
}
