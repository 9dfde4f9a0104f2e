import type { ReportedPacket } from "./ReportedPacket.ts"

/**
 * Packets of one leg in groups that were sent together, and how much further apart the groups arrive than they were sent.
 * Single packets say little: a sender hands out a frame at once, and radio links hold packets back and deliver them in a
 * row. After libwebrtc InterArrivalDelta. Owned by exactly one estimator and changed in place.
 */
export interface PacketGroups extends Delta {
  bytesDelta: number
  current: Group
  previous: Group
  /** Groups in a row that have arrived before the group before them. */
  reordered: number
  /** The last group was left out because it had been held up. */
  wasHeldUp: boolean
}

/** What lies between the last two complete groups. It means something after `handlePacket` has said true. Milliseconds. */
export interface Delta {
  sendDeltaMs: number
  /** Never negative. */
  arrivalDeltaMs: number
}

interface Group {
  /** 0: there is no such group, and its other fields mean nothing. */
  packets: number
  bytes: number
  firstSentAtMs: number
  lastSentAtMs: number
  /** The receiver's clock: only differences of it mean something. */
  firstArrivedAtMs: number
  lastArrivedAtMs: number
  /** When the sender heard of it, by the sender's clock. */
  heardAtMs: number
}

/** What is sent within this time is one group. libwebrtc DelayBasedBwe kSendTimeGroupLength. Milliseconds. */
const groupMs = 5
/** Packets of a burst arrive at most this far apart. libwebrtc InterArrivalDelta kBurstDeltaThreshold. Milliseconds. */
const burstGapMs = 5
/** A burst is not longer. libwebrtc InterArrivalDelta kMaxBurstDuration. Milliseconds. */
const burstMsMax = 100
/** One group that is later by more than this says nothing yet. Milliseconds. */
const heldUpMsMin = 50
/** More than this is a clock that was set, and no delay. libwebrtc InterArrivalDelta kArrivalTimeOffsetThreshold. Milliseconds. */
const jumpMs = 3000
/** So many groups in a row are a clock that was set back, and no reordering. libwebrtc InterArrivalDelta kReorderedResetThreshold. */
const reorderedMax = 3

const makeGroup = (): Group => ({
  packets: 0,
  bytes: 0,
  firstSentAtMs: NaN,
  lastSentAtMs: NaN,
  firstArrivedAtMs: NaN,
  lastArrivedAtMs: NaN,
  heardAtMs: NaN
})

export const make = (): PacketGroups => ({
  sendDeltaMs: 0,
  arrivalDeltaMs: 0,
  bytesDelta: 0,
  current: makeGroup(),
  previous: makeGroup(),
  reordered: 0,
  wasHeldUp: false
})

/** Call for every packet that has arrived, in the order of sending. True: a pair of groups is complete, the deltas are new. */
export const handlePacket = (self: PacketGroups, packet: ReportedPacket, nowMs: number): boolean => {
  const { current } = self
  const { arrivedAtMs, bytes, sentAtMs } = packet
  const behindMs = current.packets > 0 ? current.firstSentAtMs - sentAtMs : 0
  // One that was overtaken on its way is left out; but the sender's own clock may have been set back.
  if (behindMs > 0 && behindMs < jumpMs) return false
  if (behindMs >= jumpMs) restart(self)
  if (current.packets > 0 && isOfGroup(current, packet)) {
    current.lastSentAtMs = Math.max(current.lastSentAtMs, sentAtMs)
    current.lastArrivedAtMs = Math.max(current.lastArrivedAtMs, arrivedAtMs)
    add(current, bytes, nowMs)
    return false
  }
  const isComplete = current.packets > 0 && finishGroup(self)
  begin(self.current, packet)
  add(self.current, bytes, nowMs)
  return isComplete
}

/** Nothing is known any more: the next packet begins the first group. */
export const restart = (self: PacketGroups): void => {
  self.current.packets = 0
  self.previous.packets = 0
  self.reordered = 0
  self.wasHeldUp = false
}

const isOfGroup = (group: Group, { arrivedAtMs, sentAtMs }: ReportedPacket): boolean => {
  const sendDeltaMs = sentAtMs - group.lastSentAtMs
  if (sendDeltaMs <= 0 || sentAtMs - group.firstSentAtMs <= groupMs) return true
  const arrivalDeltaMs = arrivedAtMs - group.lastArrivedAtMs
  // They have come closer together on the way: what held up the first has let the others catch up. The lower bound, for
  // packets come here in the order of sending: else a clock that was set back would make one burst of all that follows.
  return (
    arrivalDeltaMs < sendDeltaMs &&
    Math.abs(arrivalDeltaMs) <= burstGapMs &&
    arrivedAtMs - group.firstArrivedAtMs < burstMsMax
  )
}

/** The current group becomes the previous one. True if there was one before, and the two can be compared. */
const finishGroup = (self: PacketGroups): boolean => {
  const { current, previous } = self
  if (previous.packets === 0) {
    exchange(self)
    return false
  }
  const sendDeltaMs = current.lastSentAtMs - previous.lastSentAtMs
  const arrivalDeltaMs = current.lastArrivedAtMs - previous.lastArrivedAtMs
  const heardDeltaMs = current.heardAtMs - previous.heardAtMs
  const isReordered = arrivalDeltaMs < 0
  self.reordered = isReordered ? self.reordered + 1 : 0
  if (
    arrivalDeltaMs - heardDeltaMs >= jumpMs ||
    sendDeltaMs - heardDeltaMs >= jumpMs ||
    arrivalDeltaMs <= -jumpMs ||
    self.reordered >= reorderedMax
  ) {
    restart(self)
    return false
  }
  // What stood still for a moment, a radio link or a machine, has held up one group: if it is a queue the next tells so, too.
  const isHeldUp = !self.wasHeldUp && arrivalDeltaMs - sendDeltaMs > heldUpMsMin
  self.wasHeldUp = isHeldUp
  // Left out: the next is compared with the one before it.
  if (isReordered || isHeldUp) return false
  self.sendDeltaMs = sendDeltaMs
  self.arrivalDeltaMs = arrivalDeltaMs
  self.bytesDelta = current.bytes - previous.bytes
  exchange(self)
  return true
}

const exchange = (self: PacketGroups): void => {
  const { current } = self
  self.current = self.previous
  self.previous = current
}

const begin = (group: Group, { arrivedAtMs, sentAtMs }: ReportedPacket): void => {
  group.packets = 0
  group.bytes = 0
  group.firstSentAtMs = sentAtMs
  group.lastSentAtMs = sentAtMs
  group.firstArrivedAtMs = arrivedAtMs
  group.lastArrivedAtMs = arrivedAtMs
}

const add = (group: Group, bytes: number, nowMs: number): void => {
  group.packets++
  group.bytes += bytes
  group.heardAtMs = nowMs
}
