/**
 * How long packets wait between the socket and being sent, sampled: of one batch in some milliseconds the oldest packet. Owned by
 * the packet path, changed in place; counts up.
 */
export interface QueueWait {
  waits: number
  waitMsSum: number
  sampledAtMs: number
}

/** A clock read and a step of Effect for each would cost more than they are worth. Milliseconds. */
const sampleEveryMs = 5

export const make = (): QueueWait => ({ waits: 0, waitMsSum: 0, sampledAtMs: -Infinity })

/** Whether the batch is one to be looked at; where nobody knows when it came it never is. */
export const isDue = (self: QueueWait, arrivedAtMs: number, nowMs: number): boolean =>
  nowMs - self.sampledAtMs >= sampleEveryMs && arrivedAtMs <= nowMs

/** What arrived then has been sent now. */
export const note = (self: QueueWait, arrivedAtMs: number, nowMs: number): void => {
  self.waits++
  self.waitMsSum += nowMs - arrivedAtMs
  self.sampledAtMs = nowMs
}
