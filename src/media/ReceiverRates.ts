/**
 * What the other side of a leg has told of video that is sent on it: the rate that is of use to those who receive it, by
 * SSRC. What is not repeated is forgotten, so that nobody stays slow for a receiver who has gone. Owned by one side of one
 * leg and changed in place.
 */
export interface ReceiverRates {
  readonly told: Map<number, Told>
}

interface Told {
  bps: number
  atMs: number
}

/** It is repeated about every second: two of those reports may be lost. Milliseconds. */
export const forgottenAfterMs = 3000

export const make = (): ReceiverRates => ({ told: new Map() })

/** The owner takes only streams that it sends: so there are never more than it has. */
export const handleRate = (self: ReceiverRates, ssrc: number, bps: number, nowMs: number): void => {
  const known = self.told.get(ssrc)
  if (known === undefined) {
    forget(self, nowMs)
    self.told.set(ssrc, { bps, atMs: nowMs })
    return
  }
  known.bps = bps
  known.atMs = nowMs
}

/** Of one stream. Bits a second, with all headers; NaN: not known. */
export const rateBps = ({ told }: ReceiverRates, ssrc: number, nowMs: number): number => {
  const known = told.get(ssrc)
  return known !== undefined && nowMs - known.atMs < forgottenAfterMs ? known.bps : NaN
}

/** Of all streams of which something is known together; Infinity: of none. */
export const totalBps = (self: ReceiverRates, nowMs: number): number => {
  forget(self, nowMs)
  if (self.told.size === 0) return Infinity
  let total = 0
  for (const { bps } of self.told.values()) total += bps
  return total
}

const forget = ({ told }: ReceiverRates, nowMs: number): void => {
  for (const [ssrc, { atMs }] of told) if (nowMs - atMs >= forgottenAfterMs) told.delete(ssrc)
}
