import * as SequenceNumber from "../protocol/SequenceNumber.ts"
import * as LegKind from "./LegKind.ts"

/**
 * What one leg has sent under which repair sequence: references into the packet rings, so that a resend finds the bytes.
 * Owned by exactly one leg and changed in place.
 */
export interface SentHistory {
  readonly kind: LegKind.LegKind
  /** Of number `n`, at `n & (length - 1)`, for the newest `known` numbers: the packet's number in its ring. */
  packets: Int32Array
  /** First byte and descriptor of its frame. */
  types: Uint8Array
  descriptors: Uint8Array
  /** Leg tag of its frame, on a trunk, as a signed number. A device's leg has one tag and none here. */
  tags: Int32Array
  /** When it was last sent, as the original or as a resend. Milliseconds. */
  sentAtMs: Float64Array
  /** When it was sent for the first time. Milliseconds, 32 bits, wrapping. */
  firstSentAtMs: Int32Array
  highest: number
  known: number
}

/**
 * Numbers kept from the first packet on; doubled while those that would be overwritten are younger than `keptMs`. A leg
 * that is idle has none.
 */
const lengthInitial = 64
/** The rings keep packets no longer. Milliseconds. */
const keptMs = 1500

const none = { numbers: new Int32Array(0), bytes: new Uint8Array(0), times: new Float64Array(0) }

export const make = (kind = LegKind.device): SentHistory => ({
  kind,
  packets: none.numbers,
  types: none.bytes,
  descriptors: none.bytes,
  tags: none.numbers,
  sentAtMs: none.times,
  firstSentAtMs: none.numbers,
  highest: kind.mask,
  known: 0
})

/** Notes the packet under the next number; its place in the arrays. On a trunk the caller adds its tag. */
export const add = (
  self: SentHistory,
  repairSequence: number,
  packet: number,
  type: number,
  descriptor: number,
  nowMs: number
): number => {
  const length = self.packets.length
  if (self.known === length) {
    if (length === 0) resize(self, lengthInitial)
    else if (length < self.kind.sentMax && nowMs - self.sentAtMs[repairSequence & (length - 1)]! < keptMs) {
      resize(self, length * 2)
    } else self.known--
  }
  const at = repairSequence & (self.packets.length - 1)
  self.packets[at] = packet
  self.types[at] = type
  self.descriptors[at] = descriptor
  self.sentAtMs[at] = nowMs
  self.firstSentAtMs[at] = nowMs | 0
  self.highest = repairSequence
  self.known++
  return at
}

/** The leg is idle: gives the memory back. What has been sent cannot be sent again. */
export const release = (self: SentHistory): void => {
  self.packets = none.numbers
  self.types = none.bytes
  self.descriptors = none.bytes
  self.tags = none.numbers
  self.sentAtMs = none.times
  self.firstSentAtMs = none.numbers
  self.known = 0
}

/** Place of a number in the arrays, or -1 when it is not known any more. */
export const find = (self: SentHistory, repairSequence: number): number => {
  const back = SequenceNumber.distance(repairSequence, self.highest, self.kind.shift)
  return back < 0 || back >= self.known ? -1 : repairSequence & (self.packets.length - 1)
}

/** Since the packet at this place was sent for the first time, and between that and when it was last sent. Whole milliseconds. */
export const ageMs = ({ firstSentAtMs }: SentHistory, at: number, nowMs: number): number =>
  ((nowMs | 0) - firstSentAtMs[at]!) | 0
export const lastAgeMs = (self: SentHistory, at: number): number => ageMs(self, at, self.sentAtMs[at]!)

const resize = (self: SentHistory, length: number): void => {
  const old = { ...self }
  self.packets = new Int32Array(length)
  self.types = new Uint8Array(length)
  self.descriptors = new Uint8Array(length)
  if (self.kind.isTrunk) self.tags = new Int32Array(length)
  self.sentAtMs = new Float64Array(length)
  self.firstSentAtMs = new Int32Array(length)
  for (let back = 0; back < self.known; back++) {
    const from = (self.highest - back) & (old.packets.length - 1)
    const to = (self.highest - back) & (length - 1)
    self.packets[to] = old.packets[from]!
    self.types[to] = old.types[from]!
    self.descriptors[to] = old.descriptors[from]!
    self.sentAtMs[to] = old.sentAtMs[from]!
    self.firstSentAtMs[to] = old.firstSentAtMs[from]!
    if (self.kind.isTrunk) self.tags[to] = old.tags[from]!
  }
}
