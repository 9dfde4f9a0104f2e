import type { ClockPace } from "./LoadOrder.ts"

/**
 * When which frame of a pace by the clock is to be sent. Frames are counted from 0, over all streams. Rates are kept as
 * they were asked for: whole numbers, of which sums and quotients are exact where steps of milliseconds would not be.
 */
export interface ClockSchedule {
  readonly startMs: number
  readonly packetsPerSecond: number
  /** Packets that should come out of the relay for each frame that is sent. */
  readonly packetsAFrame: number
  /** Moments of sending; 0: each frame has its own. */
  readonly ticksPerSecond: number
}

export const make = (pace: ClockPace, packetsAFrame: number, startMs: number): ClockSchedule => ({
  startMs,
  packetsPerSecond: pace.packetsPerSecond,
  packetsAFrame,
  ticksPerSecond: pace.ticksPerSecond ?? 0
})

/** How many frames are to be sent by now. */
export const framesBy = (self: ClockSchedule, nowMs: number): number => {
  const { packetsAFrame, packetsPerSecond, startMs, ticksPerSecond } = self
  const passedMs = nowMs - startMs
  if (passedMs < 0) return 0
  if (ticksPerSecond === 0) return Math.floor((passedMs * packetsPerSecond) / (1000 * packetsAFrame)) + 1
  const tick = Math.floor((passedMs * ticksPerSecond) / 1000)
  return Math.floor((tick * packetsPerSecond) / (ticksPerSecond * packetsAFrame)) + 1
}

/** When this frame is to be sent. */
export const timeOf = (self: ClockSchedule, frame: number): number => {
  const { packetsAFrame, packetsPerSecond, startMs, ticksPerSecond } = self
  const packets = frame * packetsAFrame
  if (ticksPerSecond === 0) return startMs + (packets * 1000) / packetsPerSecond
  return startMs + (Math.ceil((packets * ticksPerSecond) / packetsPerSecond) * 1000) / ticksPerSecond
}
