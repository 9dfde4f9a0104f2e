/**
 * How much repair packets may cost all legs of one port together, and what could not be done of them. A receiver that says
 * that it loses much, or a sender whose repair packets are hard to decode, takes no more than this from the others: beyond,
 * blocks get none, and are not decoded. Owned by the port, changed in place.
 */
export interface RepairWork {
  /** Bytes of packets that may be multiplied and added now. */
  budgetBytes: number
  refilledAtMs: number
  readonly undone: Record<Undone, number>
}

export const undoneReasons = [
  /** Repair packets that came, and contradict another, are too long, lie outside the window, or begin before it does. */
  "contradictory",
  /** Blocks that gave something that is no packet: a repair packet was not what it claimed to be. */
  "notPackets",
  /** Times that a block could have been recovered, and the batch had no room. */
  "batchFull",
  /** Repair packets that were not made, and times that a block was not recovered: the budget was spent. */
  "overBudget"
] as const
export type Undone = (typeof undoneReasons)[number]

/**
 * About a quarter of a core, which does 0.9 GB a second in whole blocks. 180 cameras of 187 packets a second at a third of
 * overhead.
 */
export const bytesPerSecond = 200_000_000
/** What may be saved up: of 100 ms. Bytes. */
export const budgetBytesMax = bytesPerSecond / 10

export const make = (): RepairWork => ({
  budgetBytes: budgetBytesMax,
  refilledAtMs: 0,
  undone: { contradictory: 0, notPackets: 0, batchFull: 0, overBudget: 0 }
})

/** Call often, while anything is sent or received. */
export const refill = (self: RepairWork, nowMs: number): void => {
  const earned = ((nowMs - self.refilledAtMs) * bytesPerSecond) / 1000
  if (!(earned > 0)) return
  self.budgetBytes = Math.min(budgetBytesMax, self.budgetBytes + earned)
  self.refilledAtMs = nowMs
}

/** So many times of so many bytes, or as often as there is budget for; the rest is counted as not done. How often. */
export const spend = (self: RepairWork, times: number, bytes: number): number => {
  const done = Math.min(times, Math.floor(self.budgetBytes / bytes))
  self.undone.overBudget += times - done
  self.budgetBytes -= done * bytes
  return done
}
