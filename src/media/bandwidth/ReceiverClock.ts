/**
 * The receiver's clock as its reports show it: ticks that wrap at 32 bits become a number that goes on. What it has to do
 * with our own clock nobody knows; only differences count. Owned by exactly one leg and changed in place.
 */
export interface ReceiverClock {
  /** Of the newest report. They go on beyond 32 bits. */
  ticks: number
}

export const make = (): ReceiverClock => ({ ticks: 0 })

/** Takes in a report's reference time, which may lie before that of the report before. */
export const handleReference = (self: ReceiverClock, referenceTicks: number): void => {
  // The shorter way round: 2^31 ticks are six days.
  self.ticks += (referenceTicks - self.ticks) | 0
}
