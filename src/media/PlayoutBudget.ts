/**
 * How long a repair may take on one hop. The sender does not know how long the device at the end of the path waits before it
 * plays. One of ours waits as long as its path makes it, 400 ms at most, and 300 are a conversation still (ITU-T G.114); a call
 * over two relays has three hops that may lose the same packet: each has a third of that. Milliseconds.
 */
export const playoutBudgetMs = 100

/** Until a loss is seen and a request is sent: the next packet, some reordering, a tick of the timers. Milliseconds. */
export const detectionMs = 20

/** A block ends so long before the budget does: the pacer has held its packets back, timers tick, and the path has jitter. Milliseconds. */
const blockMarginMs = 20

/** The longest block of repair packets: what is lost first of it waits for its end. Milliseconds. */
export const blockMsMax = playoutBudgetMs - blockMarginMs

/**
 * How long the receiver may wait for repair packets before it asks: until one request is just in time still, or, where none
 * is, as long as blocks last. Milliseconds.
 */
export const recoveryWaitMs = (roundTripMs: number): number => {
  const leftMs = playoutBudgetMs - detectionMs - roundTripMs
  return leftMs >= 0 ? leftMs : blockMsMax
}
