/**
 * How dense datagrams come, seen in turns of a few milliseconds. Where they are dense a reader need not go through the
 * event loop to wait for the next one: it may block its thread, since that will be for microseconds. Changed in place.
 */
export interface ReceivePace {
  endsAtMs: number
  /** Of this turn. */
  datagrams: number
  /** Turns in a row that were dense. */
  denseInRow: number
}

/** Then timers, HTTP and whatever else the process does have their turn. Milliseconds. */
export const turnMs = 10
/** How long a reader blocks at most. What the system counts its own time in makes twice of it. Milliseconds. */
export const blockMs = 4
/** 8,000 datagrams a second. */
const denseMin = 80
/** So that the burst of a single video frame does not count. */
const denseInRowMin = 2

export const make = (): ReceivePace => ({ endsAtMs: -Infinity, datagrams: 0, denseInRow: 0 })

export const isDense = (self: ReceivePace): boolean => self.denseInRow >= denseInRowMin

export const isTurnOver = (self: ReceivePace, nowMs: number): boolean => nowMs >= self.endsAtMs

/** Begins a new turn when the last one is over. */
export const beginTurn = (self: ReceivePace, nowMs: number): void => {
  if (nowMs < self.endsAtMs) return
  self.denseInRow = self.datagrams >= denseMin ? self.denseInRow + 1 : 0
  self.datagrams = 0
  self.endsAtMs = nowMs + turnMs
}

/** Nothing came for so long that the next one may take longer still. */
export const handleSilence = (self: ReceivePace): void => {
  self.denseInRow = 0
  self.datagrams = 0
}
