import type { RelayId } from "../protocol/Ids.ts"
import * as QualityExtra from "../protocol/QualityExtra.ts"
import type { CallState } from "./CallState.ts"

/**
 * What busy relays withhold from one call, as of their last reports: ephemeral, of its owner. A report in which nothing is said
 * of it takes it back. Reads no clock.
 */
export interface Relief {
  readonly byRelay: Map<RelayId, Known>
}

interface Known {
  /** As in the report. Not 0. */
  readonly bits: number
  readonly extras: ReadonlySet<QualityExtra.QualityExtra>
  readonly atMs: number
}

/** By relay; of one that is not there: nothing. */
export type Withheld = ReadonlyMap<RelayId, ReadonlySet<QualityExtra.QualityExtra>>

/**
 * A relay at which the call rests reports it every 10 s, and it may rest because its video is withheld. So two reports may be
 * lost. Milliseconds.
 */
export const forgottenAfterMs = 30_000

export const make = (): Relief => ({ byRelay: new Map() })

/** Whether it is news. `bits`: left out in the report of a relay that withholds nothing. */
export const handleReport = (self: Relief, relay: RelayId, bits: number = 0, nowMs: number): boolean => {
  const before = self.byRelay.get(relay)
  if (bits === 0) return self.byRelay.delete(relay)
  const extras = before?.bits === bits ? before.extras : new Set(QualityExtra.fromBits(bits))
  self.byRelay.set(relay, { bits, extras, atMs: nowMs })
  return before?.bits !== bits
}

/** Of the call's present relays. What has not been repeated for too long is forgotten, and so is what is of none. */
export const withheld = ({ byRelay }: Relief, { relays }: CallState, nowMs: number): Withheld => {
  const present = new Set(relays.map(({ id }) => id))
  for (const [relay, { atMs }] of byRelay) {
    if (!present.has(relay) || nowMs - atMs >= forgottenAfterMs) byRelay.delete(relay)
  }
  return new Map([...byRelay].map(([relay, { extras }]) => [relay, extras]))
}
