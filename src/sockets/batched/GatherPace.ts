/**
 * Whether a reader that has taken in everything waits for the next datagram, or lets some gather first. To gather pays
 * where datagrams come so close together that one who goes to sleep is woken at once; it costs a waking for nothing where
 * they stop. Changed in place.
 */
export interface GatherPace {
  gathers: boolean
  /** Wakings in a row, each soon after the one before. */
  closeInRow: number
  lastAtMs: number
}

const closeInRowMin = 2

export const make = (): GatherPace => ({ gathers: false, closeInRow: 0, lastAtMs: -Infinity })

/** Call for every waking, with what it found; `closeMs` is how long datagrams would gather. */
export const handleWaking = (self: GatherPace, packets: number, nowMs: number, closeMs: number): void => {
  self.closeInRow = nowMs - self.lastAtMs < closeMs ? self.closeInRow + 1 : 0
  self.lastAtMs = nowMs
  self.gathers = self.gathers ? packets > 0 : self.closeInRow >= closeInRowMin
  if (!self.gathers && packets === 0) self.closeInRow = 0
}
