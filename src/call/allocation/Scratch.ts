import { layersMax } from "./AllocationInput.ts"
import type { AllocationProblem } from "./AllocationProblem.ts"
import * as RateLadder from "./RateLadder.ts"

/** Cells of a knapsack (wishes times units) up to which it is solved exactly; beyond it, by price. */
const exactCellsMax = 8000
/** The same for the knapsacks of all receivers together, so that large calls are as quick as small ones. */
const exactCellsOfAll = 40_000

/** Most that one source can cost: three layers on different rungs. Units. */
export const sourceUnitsMax = RateLadder.rungUnits.slice(-layersMax).reduce((sum, units) => sum + units)

/** Memory that the steps of one search write over again and again. */
export interface Scratch {
  /** Cells of a knapsack up to which it is solved exactly. */
  readonly exactCells: number
  /** A knapsack: best value for each capacity, and for each of its items the option that was taken. */
  readonly best: Float64Array
  readonly picks: Int8Array
  /** Of each wish of one receiver the layers that it can choose from, `layersMax` places each: what it costs, what it is worth. */
  readonly optionUnits: Int32Array
  readonly optionValues: Float64Array
  readonly optionLayers: Int8Array
  readonly optionCount: Int8Array
  /** Of each of these wishes the option that is taken, or -1. */
  readonly taken: Int8Array
  /** Of each receiver the price by which he has chosen last when what was decided was kept; not a number when he has not yet. */
  readonly keptPrices: Float64Array
  /** What each rung gains each wisher of one source, rung by rung. */
  readonly gains: Float64Array
  /** The best that each wisher has of the layers chosen so far, for each number of layers. */
  readonly tops: ReadonlyArray<Float64Array>
  /** Of a sender each source's table, and their sums so far. */
  readonly tables: Array<OfferTable>
}

/** Of one source, for all it may cost: the most that it can gain, and the rungs with which it does. */
export interface OfferTable {
  /** -1: nothing costs just this. */
  readonly values: Float64Array
  /** Four bits for each layer: its rung plus one. */
  readonly packed: Int32Array
}

export const makeTable = (): OfferTable => ({
  values: new Float64Array(sourceUnitsMax + 1),
  packed: new Int32Array(sourceUnitsMax + 1)
})

/** Capacity up to which the best values of a knapsack can be asked for. Units. */
export const capacityMax = exactCellsMax

export const make = (problem: AllocationProblem): Scratch => {
  let wishesMax = 0
  for (let receiver = 0; receiver < problem.receiverCount; receiver++) {
    wishesMax = Math.max(wishesMax, problem.wishStart[receiver + 1]! - problem.wishStart[receiver]!)
  }
  let wishersMax = 0
  for (let source = 0; source < problem.sourceCount; source++) {
    wishersMax = Math.max(wishersMax, problem.wishersStart[source + 1]! - problem.wishersStart[source]!)
  }
  const exactCells = Math.min(exactCellsMax, Math.floor(exactCellsOfAll / Math.max(1, problem.receiverCount)))
  return {
    exactCells,
    best: new Float64Array(exactCellsMax + 1),
    picks: new Int8Array(exactCells),
    optionUnits: new Int32Array(wishesMax * layersMax),
    optionValues: new Float64Array(wishesMax * layersMax),
    optionLayers: new Int8Array(wishesMax * layersMax),
    optionCount: new Int8Array(wishesMax),
    taken: new Int8Array(wishesMax),
    keptPrices: new Float64Array(problem.receiverCount).fill(NaN),
    gains: new Float64Array(RateLadder.rungCount * wishersMax),
    tops: Array.from({ length: layersMax + 1 }, () => new Float64Array(wishersMax)),
    tables: []
  }
}
