import { layersMax } from "./AllocationInput.ts"
import { type AllocationProblem, wishValue } from "./AllocationProblem.ts"
import * as Decision from "./Decision.ts"
import * as LayerMerge from "./LayerMerge.ts"
import * as RateLadder from "./RateLadder.ts"

/** What nobody uses: layers are sent at a higher rung where the sender and all who receive them have room for it. */

interface Room {
  /** Of each sender and each receiver. Units. */
  readonly uplink: Int32Array
  readonly downlink: Int32Array
}

const roomOf = (problem: AllocationProblem, decision: Decision.Decision): Room => ({
  uplink: problem.uplinkUnits.map((units, sender) => units - Decision.uplinkUsed(problem, decision.rungs, sender)),
  downlink: problem.downlinkUnits.map((units, receiver) => units - Decision.downlinkUsed(problem, decision, receiver))
})

/** Takes the next rung of a layer, if that costs nobody anything and gains somebody something. */
const raise = (
  problem: AllocationProblem,
  { choices, rungs }: Decision.Decision,
  room: Room,
  source: number,
  layer: number
): boolean => {
  const at = source * layersMax + layer
  const rung = rungs[at]!
  if (rung < 0 || rung >= problem.rungHigh[at]!) return false
  const more = RateLadder.rungUnits[rung + 1]! - RateLadder.rungUnits[rung]!
  const sender = problem.senderOf[source]!
  if (more > room.uplink[sender]! || LayerMerge.isCloseBelow(rungs, source, rung + 1, layer)) return false
  const from = problem.wishersStart[source]!
  const end = problem.wishersStart[source + 1]!
  let gain = 0
  for (let i = from; i < end; i++) {
    const wish = problem.wishers[i]!
    if (choices[wish] !== layer) continue
    if (more > room.downlink[problem.wishReceiver[wish]!]!) return false
    gain += wishValue(problem, wish, rung + 1) - wishValue(problem, wish, rung)
  }
  if (gain <= 0) return false
  rungs[at] = rung + 1
  room.uplink[sender]! -= more
  for (let i = from; i < end; i++) {
    const wish = problem.wishers[i]!
    if (choices[wish] === layer) room.downlink[problem.wishReceiver[wish]!]! -= more
  }
  return true
}

/** Raises by one rung in turn, so that no source takes all. */
export const fill = (problem: AllocationProblem, decision: Decision.Decision): void => {
  const room = roomOf(problem, decision)
  for (let isRaised = true; isRaised;) {
    isRaised = false
    for (let source = 0; source < problem.sourceCount; source++) {
      for (let layer = 0; layer < layersMax; layer++) {
        if (raise(problem, decision, room, source, layer)) isRaised = true
      }
    }
  }
}
