import { layersMax } from "./AllocationInput.ts"
import type { AllocationProblem } from "./AllocationProblem.ts"
import * as Decision from "./Decision.ts"
import * as LayerMerge from "./LayerMerge.ts"
import * as RateLadder from "./RateLadder.ts"

/**
 * Who shows a picture small gains nothing by a large one, and loses nothing: by utility alone he would get whatever the others
 * get. So a lower layer is sent for such receivers, where the sender has room for it and it spares their downlinks more.
 */

/** The lowest rung of a layer that is all that a wish can use; `off` when that is beyond the layer. */
const enoughFor = (problem: AllocationProblem, wish: number, at: number): number => {
  const units = problem.wishUnitsMax[wish]!
  for (let rung = problem.rungLow[at]!; rung <= problem.rungHigh[at]!; rung++) {
    if (RateLadder.rungUnits[rung]! >= units) return rung
  }
  return RateLadder.off
}

/** What the wishers of a source would be spared if a layer were sent at this rung. `take`: they take it. Units. */
const spared = (
  problem: AllocationProblem,
  decision: Decision.Decision,
  source: number,
  [layer, rung]: readonly [layer: number, rung: number],
  take: boolean
): number => {
  const at = source * layersMax + layer
  let units = 0
  for (let i = problem.wishersStart[source]!; i < problem.wishersStart[source + 1]!; i++) {
    const wish = problem.wishers[i]!
    if (decision.choices[wish]! < 0 || layer > problem.wishLayerMax[wish]!) continue
    const enough = enoughFor(problem, wish, at)
    const less = RateLadder.rungUnits[Decision.rungOfWish(problem, decision, wish)]! - RateLadder.rungUnits[rung]!
    if (enough < 0 || enough > rung || less <= 0) continue
    units += less
    if (take) decision.choices[wish] = layer
  }
  return units
}

const splitSource = (problem: AllocationProblem, decision: Decision.Decision, source: number): boolean => {
  const { rungs } = decision
  const sender = problem.senderOf[source]!
  let isSplit = false
  for (let layer = 0; layer < layersMax; layer++) {
    const at = source * layersMax + layer
    if (rungs[at]! >= 0) continue
    const freeUnits = (problem.uplinkUnits[sender] ?? 0) - Decision.uplinkUsed(problem, rungs, sender)
    let best = RateLadder.off
    let bestUnits = 0
    for (let rung = problem.rungLow[at]!; rung <= problem.rungHigh[at]!; rung++) {
      const costUnits = RateLadder.rungUnits[rung]!
      if (costUnits > freeUnits || LayerMerge.isCloseBelow(rungs, source, rung, layer)) continue
      const units = spared(problem, decision, source, [layer, rung], false) - costUnits
      if (units <= bestUnits) continue
      best = rung
      bestUnits = units
    }
    if (best < 0) continue
    spared(problem, decision, source, [layer, best], true)
    rungs[at] = best
    isSplit = true
  }
  return isSplit
}

/** Whether anything has become another. */
export const splitAll = (problem: AllocationProblem, decision: Decision.Decision): boolean => {
  let isSplit = false
  for (let source = 0; source < problem.sourceCount; source++) {
    const isKnown = problem.sourcesOf[problem.senderOf[source]!] !== undefined
    if (isKnown && splitSource(problem, decision, source)) isSplit = true
  }
  return isSplit
}
