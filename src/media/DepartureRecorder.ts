import * as SequenceNumber from "../protocol/SequenceNumber.ts"
import * as LegKind from "./LegKind.ts"

/**
 * When each hop sequence of one leg was sent, and how large its datagram was: with the other side's feedback it gives
 * round trips and, from the same numbers, bandwidth. Owned by exactly one leg and changed in place.
 */
export interface DepartureRecorder {
  readonly kind: LegKind.LegKind
  /** Departure of hop sequence `n` at `n & (length - 1)`, milliseconds. */
  sentAtMs: Float64Array
  /** Length of its datagram at the same place: hop header and body. */
  bytes: Uint16Array
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

const none = { times: new Float64Array(0), lengths: new Uint16Array(0) }

export const make = (kind = LegKind.device): DepartureRecorder => ({
  kind,
  sentAtMs: none.times,
  bytes: none.lengths,
  highest: kind.mask,
  known: 0
})

export const handleFrame = (self: DepartureRecorder, hopSequence: number, bytes: number, nowMs: number): void => {
  const length = self.sentAtMs.length
  if (self.known === length) {
    if (length === 0) resize(self, lengthInitial)
    else if (length < self.kind.departuresMax && nowMs - self.sentAtMs[hopSequence & (length - 1)]! < keptMs) {
      resize(self, length * 2)
    } else self.known--
  }
  const at = hopSequence & (self.sentAtMs.length - 1)
  self.sentAtMs[at] = nowMs
  self.bytes[at] = bytes
  self.highest = hopSequence
  self.known++
}

const resize = (self: DepartureRecorder, length: number): void => {
  const { bytes, sentAtMs } = self
  self.sentAtMs = new Float64Array(length)
  self.bytes = new Uint16Array(length)
  for (let back = 0; back < self.known; back++) {
    const from = (self.highest - back) & (sentAtMs.length - 1)
    const to = (self.highest - back) & (length - 1)
    self.sentAtMs[to] = sentAtMs[from]!
    self.bytes[to] = bytes[from]!
  }
}

/** When the newest number was sent; -Infinity when that is not known any more. Milliseconds. */
export const lastAtMs = ({ highest, known, sentAtMs }: DepartureRecorder): number =>
  known === 0 ? -Infinity : sentAtMs[highest & (sentAtMs.length - 1)]!

/** The leg is idle: gives the memory back. */
export const release = (self: DepartureRecorder): void => {
  self.sentAtMs = none.times
  self.bytes = none.lengths
  self.known = 0
}

/** Place of the number in the arrays, or -1 when it is not known any more, or was never sent. */
export const find = (self: DepartureRecorder, hopSequence: number): number => {
  const back = SequenceNumber.distance(hopSequence, self.highest, self.kind.shift)
  return back < 0 || back >= self.known ? -1 : hopSequence & (self.sentAtMs.length - 1)
}

/** When the number was sent, or NaN when that is not known any more. Milliseconds. */
export const sentAtMs = (self: DepartureRecorder, hopSequence: number): number => {
  const at = find(self, hopSequence)
  return at < 0 ? NaN : self.sentAtMs[at]!
}
