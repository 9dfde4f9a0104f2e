import type { AllocationProblem } from "./AllocationProblem.ts"
import * as LayerOffers from "./LayerOffers.ts"
import { makeTable, type OfferTable, type Scratch, sourceUnitsMax } from "./Scratch.ts"

/** How the sources of one sender share his uplink: the most that they gain together, by their tables. */

/** Where the table of a sender's `at`-th source is, made when first needed. */
export const tableAt = (scratch: Scratch, at: number): OfferTable => (scratch.tables[at] ??= makeTable())

/** What the best of a table costs, within so many units; of equals the cheapest. */
export const bestCost = ({ values }: OfferTable, unitsMax: number): number => {
  let best = 0
  for (let cost = 1; cost <= Math.min(unitsMax, sourceUnitsMax); cost++) {
    if (values[cost]! > values[best]!) best = cost
  }
  return best
}

/** Several sources: a knapsack whose items are the sources, and whose options are the rows of their tables. */
const shareAmong = (sources: ReadonlyArray<number>, uplinkUnits: number, rungs: Int8Array, scratch: Scratch): void => {
  const width = uplinkUnits + 1
  let sums = new Float64Array(width)
  const costs = new Int16Array(width * sources.length)
  for (let at = 0; at < sources.length; at++) {
    const { values } = tableAt(scratch, at)
    const next = new Float64Array(width)
    for (let units = 0; units < width; units++) {
      let best = sums[units]!
      let bestOwn = 0
      for (let own = 1; own <= Math.min(units, sourceUnitsMax); own++) {
        if (values[own]! < 0) continue
        const sum = sums[units - own]! + values[own]!
        if (sum > best) {
          best = sum
          bestOwn = own
        }
      }
      next[units] = best
      costs[at * width + units] = bestOwn
    }
    sums = next
  }
  let left = uplinkUnits
  for (let at = sources.length - 1; at >= 0; at--) {
    const own = costs[at * width + left]!
    LayerOffers.unpack(tableAt(scratch, at).packed[own]!, sources[at]!, rungs)
    left -= own
  }
}

/** Writes the rungs of all sources of a sender. Their tables are filled, in the order of his sources. */
export const share = (problem: AllocationProblem, sender: number, rungs: Int8Array, scratch: Scratch): void => {
  const sources = problem.sourcesOf[sender]!
  const uplinkUnits = problem.uplinkUnits[sender]!
  let alone = 0
  for (let at = 0; at < sources.length; at++) {
    const table = tableAt(scratch, at)
    const cost = bestCost(table, uplinkUnits)
    LayerOffers.unpack(table.packed[cost]!, sources[at]!, rungs)
    alone += cost
  }
  if (alone > uplinkUnits) shareAmong(sources, uplinkUnits, rungs, scratch)
}
