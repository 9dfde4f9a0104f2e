/** Numbers in 0..1 that are the same for the same seed: mulberry32. */
export const from = (seed: number) => {
  let state = seed | 0
  return (): number => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Whether the next packet is lost: each by itself. */
export const randomLoss = (next: () => number, lossRatio: number) => (): boolean => next() < lossRatio

/** The same share, in bursts of this length on average (Gilbert). */
export const burstLoss = (next: () => number, lossRatio: number, meanBurst: number) => {
  const leave = 1 / meanBurst
  const enter = (leave * lossRatio) / (1 - lossRatio)
  let isBad = false
  return (): boolean => (isBad = isBad ? next() >= leave : next() < enter)
}
