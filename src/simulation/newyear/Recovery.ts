import * as GiveUpOrder from "../../throttle/GiveUpOrder.ts"
import * as FluidRelay from "./FluidRelay.ts"

/**
 * How soon a relay has given everything back: from when its calls would fit again with all that they can have, to when nothing is
 * given up any more. Calls that began at midnight last for minutes: that time is theirs, not the throttle's. Changed in place.
 */
export interface Recovery {
  fitsFromMs: number | undefined
  isWholeFromMs: number | undefined
}

/** Below this nothing need be given up. Share. */
const fitsBelow = GiveUpOrder.steps[0]!.fromUtilization

export const make = (): Recovery => ({ fitsFromMs: undefined, isWholeFromMs: undefined })

/** After midnight's rate is over. */
export const step = (self: Recovery, relay: FluidRelay.FluidRelay, nowMs: number): void => {
  if (FluidRelay.demandPerSecond(relay, 0) >= fitsBelow * relay.capacityPerSecond) {
    // Others have come meanwhile: it is not to be blamed for those.
    if (self.isWholeFromMs === undefined) self.fitsFromMs = undefined
    return
  }
  self.fitsFromMs ??= nowMs
  const { extrasWithheld, level } = relay.shedding
  if (level === 0 && extrasWithheld === 0) self.isWholeFromMs ??= nowMs
}

/** Of the slowest relay; `null`: one has not recovered. */
export const secondsOf = (recoveries: ReadonlyArray<Recovery>): number | null =>
  recoveries.reduce<number | null>(
    (slowest, { fitsFromMs, isWholeFromMs }) =>
      slowest === null || fitsFromMs === undefined || isWholeFromMs === undefined
        ? null
        : Math.max(slowest, (isWholeFromMs - fitsFromMs) / 1000),
    0
  )
