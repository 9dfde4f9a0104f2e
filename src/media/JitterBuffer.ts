import * as SequenceNumber from "../protocol/SequenceNumber.ts"
import * as PlayoutDelay from "./PlayoutDelay.ts"

/**
 * Puts the packets of one RTP stream in order. A packet leaves as soon as all before it have left; a gap is waited for
 * until the playout time of the packet behind it, or longer where what is late is still of use, then it is given up. Owned
 * by one receiving stream and changed in place.
 */
export interface JitterBuffer<Packet extends Buffered> {
  readonly options: Options
  readonly playout: PlayoutDelay.PlayoutDelay
  /** Packets that wait, by extended sequence number. */
  readonly waiting: Map<number, Packet>
  /** The lowest of them; Infinity when nothing waits. */
  lowest: number
  /** Extended sequence number that leaves next; -1 before the first has left. */
  next: number
  /** Newest extended sequence number, -1 at first. */
  newest: number
  /** RTP timestamp and media time that others are counted from. Moves on, for timestamps wrap. */
  referenceTimestamp: number
  referenceMs: number
  /** Packets that came after their turn. */
  packetsLate: number
}

export interface Buffered {
  readonly sequenceNumber: number
  readonly timestamp: number
  readonly arrivedAtMs: number
}

export interface Options {
  readonly clockRate: number
  readonly delay: PlayoutDelay.Bounds
  /** A gap is waited for so long after the fastest possible arrival, if that is longer than the delay. Milliseconds. */
  readonly repairMs: number
  /** The first packet is one that needs nothing: what is before any other is waited for, too. */
  readonly isFirstKnown?: boolean
}

/** More packets than this do not wait: the oldest gap is given up. */
const waitingMax = 2048
/** Half of what 32 bits can tell apart. */
const referenceTicksMax = 2 ** 30

export const make = <Packet extends Buffered>(options: Options): JitterBuffer<Packet> => ({
  options,
  playout: PlayoutDelay.make(options.delay),
  waiting: new Map(),
  lowest: Infinity,
  next: -1,
  newest: -1,
  referenceTimestamp: 0,
  referenceMs: 0,
  packetsLate: 0
})

export const handlePacket = <Packet extends Buffered>(self: JitterBuffer<Packet>, packet: Packet): void => {
  if (self.newest < 0) {
    // One lap above 0, so that packets before the first do not become negative.
    self.newest = packet.sequenceNumber + SequenceNumber.mask + 1
    self.referenceTimestamp = packet.timestamp
  }
  const extended = self.newest + SequenceNumber.distance(self.newest, packet.sequenceNumber)
  const timeMs = mediaTimeMs(self, packet)
  PlayoutDelay.handlePacket(self.playout, packet.arrivedAtMs - timeMs, packet.arrivedAtMs)
  if (extended < self.next) {
    self.packetsLate++
    return
  }
  if (extended > self.newest) {
    self.newest = extended
    const ticks = SequenceNumber.timestampDistance(self.referenceTimestamp, packet.timestamp)
    if (ticks > referenceTicksMax) {
      self.referenceTimestamp = packet.timestamp
      self.referenceMs = timeMs
    }
  }
  self.waiting.set(extended, packet)
  self.lowest = Math.min(self.lowest, extended)
}

/** Appends the packets whose turn it is to `out`. `needsNothing`: of a packet that leaves whatever is missing before it. */
export const poll = <Packet extends Buffered>(
  self: JitterBuffer<Packet>,
  nowMs: number,
  out: Array<Packet>,
  needsNothing?: (packet: Packet) => boolean
): void => {
  const { waiting } = self
  while (self.lowest < Infinity) {
    const first = self.lowest
    const packet = waiting.get(first)!
    const mayWait = first !== self.next && waiting.size <= waitingMax && turnMs(self, packet) > nowMs
    if (mayWait && needsNothing?.(packet) !== true) return
    waiting.delete(first)
    self.next = first + 1
    self.lowest = waiting.has(self.next) ? self.next : lowestOf(waiting)
    out.push(packet)
  }
}

/** When a gap will be given up; Infinity when nothing waits. Milliseconds. */
export const nextDeadlineMs = <Packet extends Buffered>(self: JitterBuffer<Packet>): number =>
  self.lowest === Infinity ? Infinity : turnMs(self, self.waiting.get(self.lowest)!)

/** When a packet is to be played, on the clock of its arrival. Milliseconds. */
export const playoutMs = <Packet extends Buffered>(self: JitterBuffer<Packet>, packet: Packet): number =>
  mediaTimeMs(self, packet) + self.playout.offsetMs

/** When a packet leaves, whatever is missing before it. */
const turnMs = <Packet extends Buffered>(self: JitterBuffer<Packet>, packet: Packet): number => {
  const playedMs = playoutMs(self, packet)
  // Of most streams nothing is known to be missing before the first.
  if (self.next < 0 && self.options.isFirstKnown !== true) return playedMs
  return Math.max(playedMs, mediaTimeMs(self, packet) + self.playout.transitMs + self.options.repairMs)
}

const mediaTimeMs = <Packet extends Buffered>(self: JitterBuffer<Packet>, packet: Packet): number =>
  self.referenceMs +
  (SequenceNumber.timestampDistance(self.referenceTimestamp, packet.timestamp) * 1000) / self.options.clockRate

/** Looked for where there is a gap; Infinity of none. */
const lowestOf = (waiting: ReadonlyMap<number, Buffered>): number => {
  let lowest = Infinity
  for (const extended of waiting.keys()) if (extended < lowest) lowest = extended
  return lowest
}
