import * as WithheldPackets from "../../media/WithheldPackets.ts"
import type { QualityExtra } from "../../protocol/QualityExtra.ts"

/** What this device and the relay go without, as the relay has said last. Changed in place. */
export interface WithheldExtras {
  /** In the order in which they are given up. */
  extras: ReadonlyArray<QualityExtra>
  /** Of the directive that has said it; -1: nothing was said in this session. */
  counter: number
  /** The part of it that the legs of the device's port obey. */
  readonly packets: WithheldPackets.WithheldPackets
}

const nothing: ReadonlyArray<QualityExtra> = []
const nothingSaid = -1

export const make = (): WithheldExtras => ({ extras: nothing, counter: nothingSaid, packets: WithheldPackets.make() })

/** Of one session the highest counter counts. True when something else is withheld than before. */
export const handleDirective = (
  self: WithheldExtras,
  counter: number,
  extras: ReadonlyArray<QualityExtra>
): boolean => {
  if (counter <= self.counter) return false
  self.counter = counter
  return follow(self, extras)
}

/** A session begins, with nothing withheld. True when something was. */
export const restart = (self: WithheldExtras): boolean => {
  self.counter = nothingSaid
  return follow(self, nothing)
}

const follow = (self: WithheldExtras, extras: ReadonlyArray<QualityExtra>): boolean => {
  const before = self.extras
  if (extras.length === before.length && extras.every((extra) => before.includes(extra))) return false
  self.extras = extras
  WithheldPackets.withhold(self.packets, extras)
  return true
}
