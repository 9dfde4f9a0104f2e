import * as Feedback from "../protocol/Feedback.ts"
import * as SequenceNumber from "../protocol/SequenceNumber.ts"
import * as LegKind from "./LegKind.ts"
import * as StrayNumber from "./StrayNumber.ts"

/**
 * Finds gaps in the repair sequences of one leg, says which to ask for again, and recognizes what has arrived before.
 * One window over the newest numbers serves all three. Owned by exactly one leg and changed in place.
 */
export interface NackGenerator {
  readonly kind: LegKind.LegKind
  /** Of number `n`, at `n & (length - 1)`, for the newest `length` numbers. */
  states: Uint8Array
  noticedAtMs: Float64Array
  askedAtMs: Float64Array
  asks: Uint8Array
  /** Newest number known to exist. A new epoch begins with 0, so at first it is the one before 0. */
  highest: number
  missing: number
  /** No number before this one is missing. */
  oldestMissing: number
  /** Originals, or what repair packets gave back, have come this much later than their successors: do not ask before. Milliseconds. */
  reorderWaitMs: number
  /** When `poll` has something to do; Infinity when nothing is missing. Milliseconds. */
  deadlineMs: number
  /** The last packet, if it lay far outside the window. See StrayNumber. */
  stray: number
}

/** What a packet is to the leg. */
export const Arrival = {
  Fresh: 0,
  Duplicate: 1,
  /** Older than the window; or far outside of it, and alone. */
  TooOld: 2,
  /** The second in a row that lies far outside: the window starts anew, video needs a key frame. */
  Jumped: 3
} as const
export type Arrival = (typeof Arrival)[keyof typeof Arrival]

const State = { Unseen: 0, Received: 1, Missing: 2, Abandoned: 3 } as const

/** Window from the first packet on; doubled while something is missing in what would fall out. An idle leg has none. */
const lengthInitial = 128
/** Of a device's leg: a larger hole is not asked for. */
export const { gapMax } = LegKind.device
/** libwebrtc kMaxNackRetries. */
export const asksMax = 10
/** The longest playout budget: nobody waits longer. Milliseconds. */
export const giveUpAfterMs = 1000
/** Cap of what reordering can delay a first request. Milliseconds. */
const reorderWaitMsMax = 20

const none = { bytes: new Uint8Array(0), times: new Float64Array(0) }

export const make = (kind = LegKind.device): NackGenerator => ({
  kind,
  states: none.bytes,
  noticedAtMs: none.times,
  askedAtMs: none.times,
  asks: none.bytes,
  highest: kind.mask,
  missing: 0,
  oldestMissing: 0,
  reorderWaitMs: 0,
  deadlineMs: Infinity,
  stray: StrayNumber.none
})

/** Call for every packet received, in arrival order. */
export const handlePacket = (self: NackGenerator, sequence: number, isResend: boolean, nowMs: number): Arrival => {
  const { gapMax, mask, reorderDecay, shift } = self.kind
  const ahead = SequenceNumber.distance(self.highest, sequence, shift)
  const isFarBehind = -ahead > gapMax && -ahead >= self.states.length
  // Nobody has asked for what lies ahead of a jump: a resend from far outside is late, and starts nothing.
  if (ahead > gapMax || isFarBehind) return isResend ? Arrival.TooOld : handleStray(self, sequence)
  self.stray = StrayNumber.none
  if (ahead > 0) {
    if (ahead > 1) noticeUpTo(self, (sequence - 1) & mask, nowMs)
    if (self.missing > 0 || self.states.length === 0) makeRoom(self, 1)
    self.highest = sequence
    self.states[sequence & (self.states.length - 1)] = State.Received
    self.reorderWaitMs -= self.reorderWaitMs * reorderDecay
    return Arrival.Fresh
  }
  if (-ahead >= self.states.length) return Arrival.TooOld
  const at = sequence & (self.states.length - 1)
  const state = self.states[at]!
  if (state === State.Received) return Arrival.Duplicate
  if (state === State.Unseen) return Arrival.TooOld
  if (state === State.Missing) self.missing--
  if (!isResend) {
    const lateMs = Math.min(reorderWaitMsMax, nowMs - self.noticedAtMs[at]!)
    self.reorderWaitMs = Math.max(self.reorderWaitMs, lateMs)
  }
  self.states[at] = State.Received
  return Arrival.Fresh
}

/**
 * A repair packet has given back this one: as if it had been overtaken, so that others are asked for no sooner, `waitMsMax` at
 * most. False when it has been here, or lies outside the window.
 */
export const handleRecovered = (self: NackGenerator, sequence: number, waitMsMax: number, nowMs: number): boolean => {
  const ahead = SequenceNumber.distance(self.highest, sequence, self.kind.shift)
  if (ahead > self.kind.gapMax || -ahead >= self.states.length) return false
  if (ahead > 0) noticeUpTo(self, sequence, nowMs)
  const at = sequence & (self.states.length - 1)
  const state = self.states[at]!
  if (state !== State.Missing && state !== State.Abandoned) return false
  if (state === State.Missing) self.missing--
  self.states[at] = State.Received
  const lateMs = Math.min(waitMsMax, nowMs - self.noticedAtMs[at]!)
  self.reorderWaitMs = Math.max(self.reorderWaitMs, lateMs)
  return true
}

const handleStray = (self: NackGenerator, sequence: number): Arrival => {
  if (!StrayNumber.isFollowedBy(self.stray, sequence, self.kind.shift)) {
    self.stray = sequence
    return Arrival.TooOld
  }
  restartAt(self, sequence)
  self.states[sequence & (self.states.length - 1)] = State.Received
  return Arrival.Jumped
}

/** The other side has said that this number was given: what is not there up to it is missing. */
export const handleGiven = (self: NackGenerator, sequence: number, nowMs: number): void => {
  const ahead = SequenceNumber.distance(self.highest, sequence, self.kind.shift)
  // A hole that is too large to repair is for the next packets to show.
  if (ahead > 0 && ahead <= self.kind.gapMax) noticeUpTo(self, sequence, nowMs)
}

/** Whether everything before this number has arrived, or been given up. */
export const isSettledBefore = (self: NackGenerator, sequence: number): boolean => {
  const { mask, shift } = self.kind
  if (self.missing === 0) return true
  let number = self.oldestMissing
  for (; SequenceNumber.distance(number, sequence, shift) > 0; number = SequenceNumber.next(number, mask)) {
    if (self.states[number & (self.states.length - 1)] === State.Missing) return false
  }
  return true
}

/**
 * Writes the numbers to ask for now into `out`, which is a report's, and returns how many they are. What finds no room in it,
 * or lies too far from the first of them, is due still.
 */
export const poll = (self: NackGenerator, nowMs: number, retryMs: number, out: Uint16Array | Int32Array): number => {
  const { mask, shift } = self.kind
  let count = 0
  let left = self.missing
  self.deadlineMs = Infinity
  let isOldest = true
  for (let sequence = self.oldestMissing; left > 0; sequence = SequenceNumber.next(sequence, mask)) {
    const at = sequence & (self.states.length - 1)
    if (self.states[at] !== State.Missing) continue
    left--
    if (self.asks[at]! >= asksMax || nowMs - self.noticedAtMs[at]! >= giveUpAfterMs) {
      self.states[at] = State.Abandoned
      self.missing--
      continue
    }
    if (isOldest) self.oldestMissing = sequence
    isOldest = false
    let dueMs = self.asks[at] === 0 ? self.noticedAtMs[at]! + self.reorderWaitMs : self.askedAtMs[at]! + retryMs
    if (dueMs <= nowMs && count < out.length && isNear(out, count, sequence, shift)) {
      out[count++] = sequence
      self.asks[at]!++
      self.askedAtMs[at] = nowMs
      dueMs = nowMs + retryMs
    }
    if (dueMs < self.deadlineMs) self.deadlineMs = dueMs
  }
  return count
}

const isNear = (out: Uint16Array | Int32Array, count: number, sequence: number, shift: number): boolean =>
  count === 0 || SequenceNumber.distance(out[0]!, sequence, shift) <= Feedback.requestsSpanMax

/** The leg is idle: gives the memory back. Nothing is missing any more, and what is older than the next number is too old. */
export const release = (self: NackGenerator): void => {
  self.states = none.bytes
  self.noticedAtMs = none.times
  self.askedAtMs = none.times
  self.asks = none.bytes
  self.missing = 0
  self.deadlineMs = Infinity
}

/** The other side has started its numbers anew. */
export const restart = (self: NackGenerator): void => {
  release(self)
  self.highest = self.kind.mask
  self.reorderWaitMs = 0
  self.stray = StrayNumber.none
}

const noticeUpTo = (self: NackGenerator, sequence: number, nowMs: number): void => {
  const { mask, shift } = self.kind
  const count = SequenceNumber.distance(self.highest, sequence, shift)
  makeRoom(self, count)
  if (self.missing === 0) self.oldestMissing = SequenceNumber.next(self.highest, mask)
  for (let step = 1; step <= count; step++) {
    const at = (self.highest + step) & (self.states.length - 1)
    self.states[at] = State.Missing
    self.noticedAtMs[at] = nowMs
    self.asks[at] = 0
  }
  self.missing += count
  self.highest = sequence
  self.deadlineMs = Math.min(self.deadlineMs, nowMs + self.reorderWaitMs)
}

/** Before the window moves by `count`: it grows while it can, then what falls out is given up. */
const makeRoom = (self: NackGenerator, count: number): void => {
  const { mask, shift, windowMax } = self.kind
  if (self.missing === 0) {
    while (count > self.states.length && self.states.length < windowMax) grow(self)
    return
  }
  const span = SequenceNumber.distance(self.oldestMissing, self.highest, shift) + 1 + count
  while (span > self.states.length && self.states.length < windowMax) grow(self)
  for (let excess = span - self.states.length; excess > 0; excess--) {
    const at = self.oldestMissing & (self.states.length - 1)
    if (self.states[at] === State.Missing) self.missing--
    self.oldestMissing = SequenceNumber.next(self.oldestMissing, mask)
  }
}

const grow = (self: NackGenerator): void => {
  const old = { ...self }
  const length = Math.max(lengthInitial, self.states.length * 2)
  self.states = new Uint8Array(length)
  self.noticedAtMs = new Float64Array(length)
  self.askedAtMs = new Float64Array(length)
  self.asks = new Uint8Array(length)
  for (let back = 0; back < old.states.length; back++) {
    const from = (self.highest - back) & (old.states.length - 1)
    const to = (self.highest - back) & (length - 1)
    self.states[to] = old.states[from]!
    self.noticedAtMs[to] = old.noticedAtMs[from]!
    self.askedAtMs[to] = old.askedAtMs[from]!
    self.asks[to] = old.asks[from]!
  }
}

const restartAt = (self: NackGenerator, sequence: number): void => {
  if (self.states.length === 0) grow(self)
  self.states.fill(State.Unseen)
  self.highest = sequence
  self.missing = 0
  self.deadlineMs = Infinity
  self.stray = StrayNumber.none
}
