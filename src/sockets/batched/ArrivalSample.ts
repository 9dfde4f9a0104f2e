/**
 * When datagrams arrived, on the scale of the relay's clock: asked of the kernel once every few milliseconds, since to ask and
 * to read two clocks costs as much as to receive some datagrams. The kernel stamps by the wall clock, and what lies between
 * the two clocks changes only when somebody sets that one. Changed in place.
 */
export interface ArrivalSample {
  dueMs: number
  /** Datagrams come in their order: none has arrived before one that was handed out earlier. */
  earliestMs: number
  /** The wall clock's lead when they were read last; NaN before. */
  leadMs: number
}

export const everyMs = 5
/** Beyond what lies between two readings by itself. Then the wall clock was set. Milliseconds. */
const leadChangeMsMax = 1

/** Nothing has arrived at a port before it was opened. */
export const make = (openedAtMs: number): ArrivalSample => ({
  dueMs: openedAtMs,
  earliestMs: openedAtMs,
  leadMs: NaN
})

export const isDue = (self: ArrivalSample, nowMs: number): boolean => nowMs >= self.dueMs

/**
 * When a datagram with this stamp arrived; both clocks have just been read, the wall clock first. NaN when there is no stamp,
 * and when the wall clock was set since the last time: it may have been since the stamp.
 */
export const arrivedAtMs = (self: ArrivalSample, stampMs: number, wallMs: number, nowMs: number): number => {
  const leadMs = wallMs - nowMs
  const wasSet = Math.abs(leadMs - self.leadMs) > leadChangeMsMax
  self.dueMs = nowMs + everyMs
  self.leadMs = leadMs
  // What was stamped before it was set is still to come, and would say anything.
  if (wasSet) self.earliestMs = nowMs
  if (wasSet || Number.isNaN(stampMs)) return NaN
  self.earliestMs = Math.min(Math.max(stampMs - leadMs, self.earliestMs), nowMs)
  return self.earliestMs
}
