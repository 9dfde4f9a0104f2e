/**
 * Max-min fairness: streams that share a path get what they use, and of what is left all the same. So one that sends little
 * leaves its room to the others, and who sends much takes it from nobody who sends less.
 */

/** A stream may need so many times what it has sent lately before anybody looks again. */
export const growthFactor = 1.5

/**
 * The rate up to which each of the streams may go. `demandsBps` is what each would use, Infinity if that is not known; it is
 * put in order. Streams that need nothing have no share, and may begin at the same rate. Bits a second.
 */
export const shareBps = (freeBps: number, demandsBps: Array<number>): number => {
  demandsBps.sort((a, b) => a - b)
  let leftBps = Math.max(0, freeBps)
  let sharing = demandsBps.length
  let reachedBps = 0
  for (const demandBps of demandsBps) {
    if (demandBps > 0 && demandBps * sharing > leftBps) return leftBps / sharing
    leftBps -= demandBps
    sharing--
    reachedBps = demandBps
  }
  // Everybody has enough: what is left is everybody's as well.
  const active = demandsBps.reduce((count, demandBps) => (demandBps > 0 ? count + 1 : count), 0)
  return reachedBps + leftBps / Math.max(1, active)
}
