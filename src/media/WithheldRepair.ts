import type { QualityExtra } from "../protocol/QualityExtra.ts"

/**
 * Which repair that nobody has asked for is not sent now, because a relay is busy. One for all legs of a port: its owner
 * changes it in place, and the legs look at it with every report of their receivers. Resends are never withheld.
 */
export interface WithheldRepair {
  /** Repair packets. */
  fec: boolean
  /** Second copies of audio. */
  duplication: boolean
}

export const make = (): WithheldRepair => ({ fec: false, duplication: false })

/** From now on exactly this is withheld. Extras that are no repair do not concern it. */
export const withhold = (self: WithheldRepair, extras: ReadonlyArray<QualityExtra>): void => {
  self.fec = extras.includes("fec")
  self.duplication = extras.includes("duplication")
}
