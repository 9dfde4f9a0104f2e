/**
 * Whether a reader that the first datagram wakes waits for those that come in the same turn of the event loop. To wait
 * costs a turn more, which is half of what a lone datagram costs; not to wait makes batches of one, which cost most when
 * datagrams come close together.
 */
export interface WakePace {
  waits: boolean
  /** Batches in a row that speak for the other way. */
  against: number
  lastAtMs: number
}

/** A turn of the event loop takes about as long. Milliseconds. */
const closeTogetherMs = 0.02
const againstMax = 8

export const make = (): WakePace => ({ waits: false, against: 0, lastAtMs: -Infinity })

/** Call for every batch that a reader was woken for. */
export const handleBatch = (self: WakePace, packets: number, nowMs: number): void => {
  const isAgainst = self.waits ? packets === 1 : nowMs - self.lastAtMs < closeTogetherMs
  self.lastAtMs = nowMs
  self.against = isAgainst ? self.against + 1 : 0
  if (self.against < againstMax) return
  self.waits = !self.waits
  self.against = 0
}
