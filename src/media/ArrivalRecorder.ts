import * as Feedback from "../protocol/Feedback.ts"
import * as SequenceNumber from "../protocol/SequenceNumber.ts"
import * as LegKind from "./LegKind.ts"
import * as StrayNumber from "./StrayNumber.ts"

/**
 * When each hop sequence of one leg arrived, until it has been reported. Owned by exactly one leg and changed in place.
 */
export interface ArrivalRecorder {
  readonly kind: LegKind.LegKind
  /** Whether a frame has arrived; the numbers mean nothing before. */
  isStarted: boolean
  /** Arrival of hop sequence `n` at `n & (length - 1)`, receiver's clock, milliseconds; NaN when it has not arrived. */
  arrivedAtMs: Float64Array
  /** First hop sequence that the next report covers. */
  base: number
  /** Newest hop sequence that has arrived. */
  highest: number
  /** The last one, if it lay far outside. See StrayNumber. */
  stray: number
}

/** Numbers kept from the first frame on; doubled while more are waiting to be reported. A leg that is idle has none. */
const lengthInitial = 64
const nothing = new Float64Array(0)
/** Stands for the arrival of a number that is older than all that is known: it may have been here. */
const unknown = Infinity

export const make = (kind = LegKind.device): ArrivalRecorder => ({
  kind,
  isStarted: false,
  arrivedAtMs: nothing,
  base: 0,
  highest: kind.mask,
  stray: StrayNumber.none
})

/**
 * Call for every frame, in arrival order. False for a number that has been here, as far as is known, and for one that lies
 * far outside and alone: somebody may be sending an old frame again.
 */
export const handleFrame = (self: ArrivalRecorder, hopSequence: number, nowMs: number): boolean => {
  const { arrivalsMax, shift } = self.kind
  if (!self.isStarted) startAt(self, hopSequence)
  const ahead = SequenceNumber.distance(self.highest, hopSequence, shift)
  if (ahead > arrivalsMax || ahead < -arrivalsMax) {
    const { stray } = self
    self.stray = hopSequence
    if (!StrayNumber.isFollowedBy(stray, hopSequence, shift)) return false
    startAt(self, hopSequence)
  } else if (ahead > 0) advance(self, hopSequence, ahead)
  else if (-ahead >= self.arrivedAtMs.length) return false
  self.stray = StrayNumber.none
  const at = hopSequence & (self.arrivedAtMs.length - 1)
  if (!Number.isNaN(self.arrivedAtMs[at]!)) return false
  // One that has been reported as lost is noted too: it has been here now.
  self.arrivedAtMs[at] = nowMs
  return true
}

const startAt = (self: ArrivalRecorder, hopSequence: number): void => {
  self.isStarted = true
  self.arrivedAtMs = new Float64Array(lengthInitial).fill(NaN)
  self.base = hopSequence
  self.highest = hopSequence
}

const advance = (self: ArrivalRecorder, hopSequence: number, ahead: number): void => {
  // Not the distance to the new number: after a long jump that may have wrapped.
  const { arrivalsMax, mask, shift } = self.kind
  const waiting = SequenceNumber.distance(self.base, self.highest, shift) + ahead
  while (waiting >= self.arrivedAtMs.length) {
    if (self.arrivedAtMs.length === arrivalsMax) {
      // Nobody can use a report this old: the oldest numbers are forgotten.
      self.base = (hopSequence - arrivalsMax + 1) & mask
      break
    }
    grow(self)
  }
  const steps = Math.min(ahead, self.arrivedAtMs.length)
  for (let step = 0; step < steps; step++) self.arrivedAtMs[(hopSequence - step) & (self.arrivedAtMs.length - 1)] = NaN
  self.highest = hopSequence
}

const grow = (self: ArrivalRecorder): void => {
  const { arrivedAtMs, highest } = self
  const larger = new Float64Array(Math.max(lengthInitial, arrivedAtMs.length * 2)).fill(unknown)
  for (let back = 0; back < arrivedAtMs.length; back++) {
    const sequence = highest - back
    larger[sequence & (larger.length - 1)] = arrivedAtMs[sequence & (arrivedAtMs.length - 1)]!
  }
  self.arrivedAtMs = larger
}

/** How many numbers have not been reported, arrived or not. */
export const unreported = (self: ArrivalRecorder): number =>
  SequenceNumber.distance(self.base, self.highest, self.kind.shift) + 1

/** Fills the arrivals of a report with what has not been reported, the oldest first. `markReported` says what was sent. */
export const fillReport = (self: ArrivalRecorder, report: Feedback.Feedback): void => {
  report.baseHopSequence = self.base
  report.referenceTicks = 0
  report.arrivalCount = Math.min(unreported(self), Feedback.arrivalsMax)
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
  self.base = (self.base + count) & self.kind.mask
}

/** The leg is idle: gives the memory back. What is older than the next number will be taken for one that has been here. */
export const release = (self: ArrivalRecorder): void => {
  self.arrivedAtMs = nothing
  self.base = SequenceNumber.next(self.highest, self.kind.mask)
}

/** The other side has started its numbers anew. */
export const restart = (self: ArrivalRecorder): void => {
  self.isStarted = false
  self.highest = self.kind.mask
  self.stray = StrayNumber.none
  release(self)
}

export const toTicks = (timeMs: number): number => Math.round(timeMs * Feedback.ticksPerMs)
