import { layersMax } from "./AllocationInput.ts"
import type { AllocationProblem } from "./AllocationProblem.ts"
import * as RateLadder from "./RateLadder.ts"
import { type OfferTable, type Scratch, sourceUnitsMax } from "./Scratch.ts"

/**
 * Which rungs a source should send in its layers, for all that they may cost. Every set of rungs is tried, the higher layer
 * with the higher rung: at most 576 of 15 rungs. Since ranges of layers do not fall, nothing is missed by that.
 */

/** Gains smaller than that are rounding. */
const gainMin = 1e-9

interface Search {
  readonly problem: AllocationProblem
  readonly source: number
  readonly wisherCount: number
  readonly budgetUnits: number
  readonly scratch: Scratch
  readonly table: OfferTable
  /** Wishers looked at. */
  steps: number
}

/** Tries all rungs from `lowest` for a layer and those above it, on top of layers that cost `units` and gain `gain`. */
const extend = (
  search: Search,
  layer: number,
  lowest: number,
  units: number,
  packed: number,
  gain: number,
  depth: number
): void => {
  if (layer >= layersMax) return
  extend(search, layer + 1, lowest, units, packed, gain, depth)
  const { budgetUnits, problem, scratch, source, table, wisherCount } = search
  const { gains } = scratch
  const at = source * layersMax + layer
  const before = scratch.tops[depth]!
  const top = scratch.tops[depth + 1]!
  for (let rung = Math.max(lowest, problem.rungLow[at]!); rung <= problem.rungHigh[at]!; rung++) {
    const cost = units + RateLadder.rungUnits[rung]!
    if (cost > budgetUnits) return
    let sum = 0
    search.steps += wisherCount
    for (let i = 0, j = rung * wisherCount; i < wisherCount; i++, j++) {
      const had = before[i]!
      const gained = gains[j]!
      // Not Math.max, which looks for -0 and NaN: this is the innermost loop of large calls.
      const value = gained > had ? gained : had
      top[i] = value
      sum += value
    }
    // Nobody takes this rung: the same layers without it are tried as well.
    if (sum <= gain + gainMin) continue
    const packedNow = packed | ((rung + 1) << (4 * layer))
    if (sum > table.values[cost]! + gainMin) {
      table.values[cost] = sum
      table.packed[cost] = packedNow
    }
    extend(search, layer + 1, rung + 1, cost, packedNow, sum, depth + 1)
  }
}

/**
 * Fills the table of a source, and returns how many steps that took. `gains` of the scratch says what each rung gains each of
 * its wishers, rung by rung; what is not above 0 is not taken.
 */
export const tabulate = (
  problem: AllocationProblem,
  source: number,
  budgetUnits: number,
  scratch: Scratch,
  table: OfferTable
): number => {
  const wisherCount = problem.wishersStart[source + 1]! - problem.wishersStart[source]!
  table.values.fill(-1)
  table.values[0] = 0
  table.packed[0] = 0
  if (wisherCount === 0) return 0
  scratch.tops[0]!.fill(0, 0, wisherCount)
  const budget = Math.min(budgetUnits, sourceUnitsMax)
  const search: Search = { problem, source, wisherCount, budgetUnits: budget, scratch, table, steps: 0 }
  extend(search, 0, 0, 0, 0, 0, 0)
  return search.steps
}

/** Writes the layers that a table has packed into `rungs`. */
export const unpack = (packed: number, source: number, rungs: Int8Array): void => {
  for (let layer = 0; layer < layersMax; layer++) {
    rungs[source * layersMax + layer] = ((packed >> (4 * layer)) & 15) - 1
  }
}

/** What the present rungs of a source gain, by the same measure as the table. */
export const gainOf = (problem: AllocationProblem, source: number, rungs: Int8Array, scratch: Scratch): number => {
  const wisherCount = problem.wishersStart[source + 1]! - problem.wishersStart[source]!
  let sum = 0
  for (let i = 0; i < wisherCount; i++) {
    let best = 0
    for (let layer = 0; layer < layersMax; layer++) {
      const rung = rungs[source * layersMax + layer]!
      if (rung >= 0) best = Math.max(best, scratch.gains[rung * wisherCount + i]!)
    }
    sum += best
  }
  return sum
}
