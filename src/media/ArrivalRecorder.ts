import * as Feedback from "../protocol/Feedback.ts"
import * as SequenceNumber from "../protocol/SequenceNumber.ts"

/**
 * When each hop sequence of one leg arrived, until it has been reported. Owned by exactly one leg and changed in place.
 */
export interface ArrivalRecorder {
  /** Arrival of hop sequence `n` at `n & (length - 1)`, receiver's clock, milliseconds; NaN when it has not arrived. */
  arrivedAtMs: Float64Array
  /** First hop sequence that the next report covers. */
  base: number
  /** Newest hop sequence that has arrived, or -1 before the first. */
  highest: number
}

/** Numbers kept from the first frame on; doubled while more are waiting to be reported. A leg that is idle has none. */
const lengthInitial = 64
const lengthMax = Feedback.arrivalsMax
const nothing = new Float64Array(0)

export const make = (): ArrivalRecorder => ({
  arrivedAtMs: nothing,
  base: 0,
  highest: -1
})

/** Call for every frame, in arrival order. */
export const handleFrame = (self: ArrivalRecorder, hopSequence: number, nowMs: number): void => {
  if (self.highest < 0) {
    self.arrivedAtMs = new Float64Array(lengthInitial).fill(NaN)
    self.base = hopSequence
    self.highest = hopSequence
  } else {
    const ahead = SequenceNumber.distance(self.highest, hopSequence)
    if (ahead > 0) advance(self, hopSequence, ahead)
    else if (SequenceNumber.distance(self.base, hopSequence) < 0) return // reported as lost already
  }
  self.arrivedAtMs[hopSequence & (self.arrivedAtMs.length - 1)] = nowMs
}

const advance = (self: ArrivalRecorder, hopSequence: number, ahead: number): void => {
  // Not the distance to the new number: after a long jump that may have wrapped.
  const waiting = SequenceNumber.distance(self.base, self.highest) + ahead
  while (waiting >= self.arrivedAtMs.length) {
    if (self.arrivedAtMs.length === lengthMax) {
      // Nobody can use a report this old: the oldest numbers are forgotten.
      self.base = (hopSequence - lengthMax + 1) & SequenceNumber.mask
      break
    }
    grow(self)
  }
  const steps = Math.min(ahead, self.arrivedAtMs.length)
  for (let step = 0; step < steps; step++) self.arrivedAtMs[(hopSequence - step) & (self.arrivedAtMs.length - 1)] = NaN
  self.highest = hopSequence
}

const grow = (self: ArrivalRecorder): void => {
  const larger = new Float64Array(self.arrivedAtMs.length * 2).fill(NaN)
  const waiting = SequenceNumber.distance(self.base, self.highest)
  for (let i = 0; i <= waiting; i++) {
    const sequence = self.base + i
    larger[sequence & (larger.length - 1)] = self.arrivedAtMs[sequence & (self.arrivedAtMs.length - 1)]!
  }
  self.arrivedAtMs = larger
}

/** Fills the arrivals of a report with everything that has not been reported. `markReported` says what was sent. */
export const fillReport = (self: ArrivalRecorder, report: Feedback.Feedback): void => {
  report.baseHopSequence = self.base
  report.referenceTicks = 0
  const waiting = self.highest < 0 ? 0 : SequenceNumber.distance(self.base, self.highest) + 1
  report.arrivalCount = Math.min(waiting, Feedback.arrivalsMax)
  let reference = NaN
  for (let i = 0; i < report.arrivalCount; i++) {
    const arrivedAtMs = self.arrivedAtMs[(self.base + i) & (self.arrivedAtMs.length - 1)]!
    if (Number.isNaN(arrivedAtMs)) {
      report.arrivalTicks[i] = Feedback.notReceived
      continue
    }
    if (Number.isNaN(reference)) {
      reference = toTicks(arrivedAtMs)
      report.referenceTicks = reference >>> 0
    }
    report.arrivalTicks[i] = toTicks(arrivedAtMs) - reference
  }
}

/** Everything before `base + count` has been reported. */
export const markReported = (self: ArrivalRecorder, count: number): void => {
  self.base = (self.base + count) & SequenceNumber.mask
}

export const toTicks = (timeMs: number): number => Math.round(timeMs * Feedback.ticksPerMs)
