/** How far a message may be late behind the newest, as in RFC 4303 §3.4.3 and RFC 3711 §3.3.2. Messages. */
export const windowSize = 64

const allSeen = (1n << BigInt(windowSize)) - 1n

/**
 * The counters of one session that have been seen. Owned by the session and changed in place. Ask it only about
 * messages whose integrity is verified: a forged counter would push the window on.
 */
export interface ReplayWindow {
  /** The highest counter accepted. A counter has 64 bits on the wire, of which senders use 53. */
  highest: number
  /** Bit n: the counter `highest - n` has been accepted. 64 bits. */
  seen: bigint
}

export const make = (): ReplayWindow => ({ highest: -1, seen: 0n })

/** Whatever has not come by now is too late: what is not known to be new is not believed. */
export const close = (self: ReplayWindow): void => {
  self.seen = allSeen
}

/** Whether the counter is new: true once for each, false again and for what is too old to tell. */
export const accept = (self: ReplayWindow, counter: number): boolean => {
  const ahead = counter - self.highest
  if (ahead > 0) {
    const kept = ahead < windowSize ? BigInt.asUintN(windowSize, self.seen << BigInt(ahead)) : 0n
    self.seen = kept | 1n
    self.highest = counter
    return true
  }
  if (-ahead >= windowSize) return false
  const bit = 1n << BigInt(-ahead)
  if ((self.seen & bit) !== 0n) return false
  self.seen |= bit
  return true
}
