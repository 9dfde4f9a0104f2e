import * as LegTable from "./LegTable.ts"
import * as LegTimers from "./LegTimers.ts"
import type { RelayLeg } from "./RelayLeg.ts"

/**
 * Legs that the plan needs no more. What is still on its way to them comes within a round trip or two, and goes where it
 * would have gone before: so a participant who comes to another relay loses nothing on the way.
 */
export type Lingering = Array<{ readonly leg: RelayLeg; readonly untilMs: number }>

/** As long as a device takes what its old relay still brings. Milliseconds. */
const lingerMs = 2000

export const add = (self: Lingering, leg: RelayLeg, nowMs: number): void => {
  // The streams have other legs now, which ask for their key frames.
  if (leg.carrier === undefined) leg.hop.keyFrames.length = 0
  self.push({ leg, untilMs: nowMs + lingerMs })
}

/** In the order of their coming. */
export const sweep = (
  self: Lingering,
  { legs, timers }: { readonly legs: LegTable.LegTable; readonly timers: LegTimers.LegTimers },
  nowMs: number
): void => {
  let over = 0
  while (over < self.length && self[over]!.untilMs <= nowMs) {
    const { leg } = self[over++]!
    LegTable.remove(legs, leg)
    LegTimers.remove(timers, leg)
  }
  if (over > 0) self.splice(0, over)
}
