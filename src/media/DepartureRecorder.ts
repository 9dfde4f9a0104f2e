import * as SequenceNumber from "../protocol/SequenceNumber.ts"
import * as LegKind from "./LegKind.ts"

/**
 * When each hop sequence of one leg was sent: with the other side's feedback it gives round trips and, from the same
 * numbers, bandwidth. Owned by exactly one leg and changed in place.
 */
export interface DepartureRecorder {
  readonly kind: LegKind.LegKind
  /** Departure of hop sequence `n` at `n & (length - 1)`, milliseconds. */
  sentAtMs: Float64Array
  /** Newest hop sequence sent. */
  highest: number
  /** How many of the newest numbers are known. */
  known: number
}

/**
 * Numbers kept from the first frame on; doubled while those that would be overwritten are younger than `keptMs`. A leg
 * that is idle has none.
 */
const lengthInitial = 64
/** Longest time after which feedback is still of use. Milliseconds. */
const keptMs = 1000

const nothing = new Float64Array(0)

export const make = (kind = LegKind.device): DepartureRecorder => ({
  kind,
  sentAtMs: nothing,
  highest: kind.mask,
  known: 0
})

export const handleFrame = (self: DepartureRecorder, hopSequence: number, nowMs: number): void => {
  const length = self.sentAtMs.length
  if (self.known === length) {
    if (length === 0) self.sentAtMs = new Float64Array(lengthInitial)
    else if (length < self.kind.departuresMax && nowMs - self.sentAtMs[hopSequence & (length - 1)]! < keptMs) grow(self)
    else self.known--
  }
  self.sentAtMs[hopSequence & (self.sentAtMs.length - 1)] = nowMs
  self.highest = hopSequence
  self.known++
}

const grow = (self: DepartureRecorder): void => {
  const larger = new Float64Array(self.sentAtMs.length * 2)
  for (let i = 0; i < self.known; i++) {
    const sequence = self.highest - i
    larger[sequence & (larger.length - 1)] = self.sentAtMs[sequence & (self.sentAtMs.length - 1)]!
  }
  self.sentAtMs = larger
}

/** When the newest number was sent; -Infinity when that is not known any more. Milliseconds. */
export const lastAtMs = ({ highest, known, sentAtMs }: DepartureRecorder): number =>
  known === 0 ? -Infinity : sentAtMs[highest & (sentAtMs.length - 1)]!

/** The leg is idle: gives the memory back. */
export const release = (self: DepartureRecorder): void => {
  self.sentAtMs = nothing
  self.known = 0
}

/** When the number was sent, or NaN when that is not known any more. Milliseconds. */
export const sentAtMs = (self: DepartureRecorder, hopSequence: number): number => {
  const back = SequenceNumber.distance(hopSequence, self.highest, self.kind.shift)
  return back < 0 || back >= self.known ? NaN : self.sentAtMs[hopSequence & (self.sentAtMs.length - 1)]!
}
