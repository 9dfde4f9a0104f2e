import type { QualityExtra } from "../protocol/QualityExtra.ts"

/**
 * Which packets that nobody has asked for are not sent now, because a relay is busy. One for all legs of a port: its owner changes
 * it in place, and the legs look at it when they would send some. Resends are never withheld.
 */
export interface WithheldPackets {
  /** Repair packets, and padding that shows how much more a path carries, but for that of the start. */
  fec: boolean
  /** Second copies of audio. */
  duplication: boolean
}

export const make = (): WithheldPackets => ({ fec: false, duplication: false })

/** From now on exactly this is withheld. Extras that are no packets of their own do not concern it. */
export const withhold = (self: WithheldPackets, extras: ReadonlyArray<QualityExtra>): void => {
  self.fec = extras.includes("fec")
  self.duplication = extras.includes("duplication")
}
