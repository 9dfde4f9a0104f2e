import * as Statistics from "../Statistics.ts"
import * as ClockSchedule from "./ClockSchedule.ts"
import type { Calls, Pace } from "./LoadOrder.ts"
import * as MediaFlow from "./MediaFlow.ts"

/** Calls of one shape with media at one pace: the streams have their turn one after the other. */
export interface LoadGroup {
  readonly flows: ReadonlyArray<MediaFlow.MediaFlow>
  /** Of every stream at each of its receivers. */
  readonly arrivals: ReadonlyArray<MediaFlow.Arrivals>
  readonly tally: MediaFlow.Tally
  readonly pace: Pace
  readonly framePackets: number
  /** Packets that should come out of the relay for each that is sent. */
  readonly fanOut: number
  schedule: ClockSchedule.ClockSchedule | undefined
  /** Frames sent so far. */
  frames: number
  nextFlow: number
  lastArrivalMs: number
}

/**
 * Sent in one turn, so that what comes is not left waiting. What is due beyond that is due in the next turn as well: the
 * clock goes on, so a load that cannot be made shows in what was offered and in how late it was. Packets.
 */
const turnPackets = 64
/**
 * Of single packets, so many of one sender go out with one system call when the generator would hardly keep up otherwise:
 * saturated, or so far behind the clock.
 */
const batchPackets = 4
/** The most that goes out with one system call. */
export const runPackets = 64
const behindFrames = 16
/** When nothing comes for so long, what is under way is taken for lost. Milliseconds. */
const stalledMs = 50

export const make = (
  calls: Calls,
  pace: Pace,
  flows: ReadonlyArray<MediaFlow.MediaFlow>,
  arrivals: ReadonlyArray<MediaFlow.Arrivals>
): LoadGroup => {
  const { framePackets = 1, participants } = calls
  const fanOut = participants - 1
  if ("packetsUnderWay" in pace && pace.packetsUnderWay < framePackets * fanOut) {
    throw new Error(`${pace.packetsUnderWay} packets under way are less than one frame for ${fanOut} receivers`)
  }
  return {
    flows,
    arrivals,
    tally: MediaFlow.makeTally(),
    pace,
    framePackets,
    fanOut,
    schedule: undefined,
    frames: 0,
    nextFlow: 0,
    lastArrivalMs: 0
  }
}

/** From now on it is sent. */
export const start = (self: LoadGroup, nowMs: number): void => {
  const { fanOut, framePackets, pace } = self
  self.lastArrivalMs = nowMs
  if ("packetsPerSecond" in pace) self.schedule = ClockSchedule.make(pace, framePackets * fanOut, nowMs)
}

/** Sends what is to be sent now. `lates`: where it goes how late that was, in milliseconds. */
export const send = (self: LoadGroup, nowMs: number, lates: Statistics.Samples | undefined): void => {
  const { pace, schedule } = self
  if ("packetsUnderWay" in pace) sendSaturated(self, pace.packetsUnderWay, nowMs)
  else if (schedule !== undefined) sendByClock(self, schedule, nowMs, lates)
}

/** How many single packets, of so many that are due, one stream sends in one go. */
export const runOf = (due: number, streams: number, hasTicks: boolean): number => {
  // A device sends all that is due at its tick.
  if (hasTicks) return Math.min(runPackets, Math.ceil(due / streams))
  return due >= behindFrames ? batchPackets : 1
}

const sendByClock = (
  self: LoadGroup,
  schedule: ClockSchedule.ClockSchedule,
  nowMs: number,
  lates: Statistics.Samples | undefined
): void => {
  const { flows, framePackets } = self
  const due = ClockSchedule.framesBy(schedule, nowMs) - self.frames
  const run = framePackets > 1 ? 1 : runOf(due, flows.length, schedule.ticksPerSecond > 0)
  let left = Math.min(due, Math.max(run, Math.ceil(turnPackets / framePackets)))
  let timeMs = nowMs
  while (left > 0) {
    const frames = Math.min(run, left)
    if (lates !== undefined) {
      for (let frame = self.frames; frame < self.frames + frames; frame++) {
        Statistics.addSample(lates, Math.max(0, timeMs - ClockSchedule.timeOf(schedule, frame)))
      }
    }
    sendFrames(self, frames, timeMs)
    left -= frames
    timeMs = performance.now()
  }
}

const sendSaturated = (self: LoadGroup, packetsUnderWay: number, nowMs: number): void => {
  const { fanOut, framePackets, tally } = self
  if (nowMs - self.lastArrivalMs > stalledMs) {
    for (const arrived of self.arrivals) MediaFlow.writeOff(arrived, tally)
    self.lastArrivalMs = nowMs
  }
  const run = framePackets > 1 ? 1 : Math.min(batchPackets, Math.floor(packetsUnderWay / fanOut))
  const packets = run * framePackets * fanOut
  let underWay = tally.sent - tally.received - tally.missed
  let timeMs = nowMs
  for (let left = turnPackets; left > 0 && underWay + packets <= packetsUnderWay; left -= run * framePackets) {
    sendFrames(self, run, timeMs)
    underWay += packets
    timeMs = performance.now()
  }
}

/** So many frames of the stream whose turn it is. */
const sendFrames = (self: LoadGroup, frames: number, nowMs: number): void => {
  const { flows, framePackets, tally } = self
  MediaFlow.send(flows[self.nextFlow]!, frames * framePackets, nowMs, tally)
  self.frames += frames
  if (++self.nextFlow === flows.length) self.nextFlow = 0
}
