import * as SequenceNumber from "../protocol/SequenceNumber.ts"

/**
 * Puts the packets of one RTP stream in order. A packet leaves as soon as all before it have left; a gap is waited for
 * until the playout time of the packet behind it, then it is given up. Playout time is the RTP timestamp, shifted by the
 * shortest transit seen plus the playout delay. Owned by one receiving stream and changed in place.
 */
export interface JitterBuffer<Packet extends Buffered> {
  readonly options: Options
  /** Packets that wait, by extended sequence number. */
  readonly waiting: Map<number, Packet>
  /** Extended sequence number that leaves next; -1 before the first has left. */
  next: number
  /** Newest extended sequence number, -1 at first. */
  newest: number
  /** RTP timestamp that media time counts from. */
  firstTimestamp: number
  /** Shortest difference between arrival and media time; creeps up, since clocks drift. Milliseconds. */
  transitMs: number
  lastArrivalMs: number
  /** Packets that never came in time, and packets that came after their turn. */
  packetsMissed: number
  packetsLate: number
}

export interface Buffered {
  readonly sequenceNumber: number
  readonly timestamp: number
  readonly arrivedAtMs: number
}

export interface Options {
  readonly clockRate: number
  /** How long after the fastest possible arrival a packet is played. Milliseconds. */
  readonly playoutDelayMs: number
}

/** More packets than this do not wait: the oldest gap is given up. */
const waitingMax = 2048
/** Drift that the transit estimate follows upwards; sound cards differ by less than 100 ppm. Milliseconds a second. */
const driftMsPerSecond = 0.2
/** A transit this much longer is a new clock, not a late packet. Milliseconds. */
const clockChangedMs = 10_000

export const make = <Packet extends Buffered>(options: Options): JitterBuffer<Packet> => ({
  options,
  waiting: new Map(),
  next: -1,
  newest: -1,
  firstTimestamp: 0,
  transitMs: Infinity,
  lastArrivalMs: 0,
  packetsMissed: 0,
  packetsLate: 0
})

export const handlePacket = <Packet extends Buffered>(self: JitterBuffer<Packet>, packet: Packet): void => {
  if (self.newest < 0) {
    // One lap above 0, so that packets before the first do not become negative.
    self.newest = packet.sequenceNumber + SequenceNumber.mask + 1
    self.firstTimestamp = packet.timestamp
    self.lastArrivalMs = packet.arrivedAtMs
  }
  const extended = self.newest + SequenceNumber.distance(self.newest, packet.sequenceNumber)
  if (extended < self.next) {
    self.packetsLate++
    return
  }
  self.newest = Math.max(self.newest, extended)
  self.waiting.set(extended, packet)
  const transitMs = packet.arrivedAtMs - mediaTimeMs(self, packet)
  const drifted = self.transitMs + ((packet.arrivedAtMs - self.lastArrivalMs) * driftMsPerSecond) / 1000
  self.transitMs = transitMs > drifted + clockChangedMs ? transitMs : Math.min(drifted, transitMs)
  self.lastArrivalMs = packet.arrivedAtMs
}

/** Appends the packets whose turn it is to `out`. */
export const poll = <Packet extends Buffered>(self: JitterBuffer<Packet>, nowMs: number, out: Array<Packet>): void => {
  while (self.waiting.size > 0) {
    const first = self.waiting.has(self.next) ? self.next : lowest(self)
    const packet = self.waiting.get(first)!
    const isTurn = first === self.next || self.waiting.size > waitingMax || playoutMs(self, packet) <= nowMs
    if (!isTurn) return
    if (self.next >= 0) self.packetsMissed += first - self.next
    self.waiting.delete(first)
    self.next = first + 1
    out.push(packet)
  }
}

/** When a gap will be given up; Infinity when nothing waits. Milliseconds. */
export const nextDeadlineMs = <Packet extends Buffered>(self: JitterBuffer<Packet>): number =>
  self.waiting.size === 0 ? Infinity : playoutMs(self, self.waiting.get(lowest(self))!)

/** When a packet is to be played, on the clock of its arrival. Milliseconds. */
export const playoutMs = <Packet extends Buffered>(self: JitterBuffer<Packet>, packet: Packet): number =>
  mediaTimeMs(self, packet) + self.transitMs + self.options.playoutDelayMs

const mediaTimeMs = <Packet extends Buffered>(self: JitterBuffer<Packet>, packet: Packet): number =>
  (SequenceNumber.timestampDistance(self.firstTimestamp, packet.timestamp) * 1000) / self.options.clockRate

const lowest = <Packet extends Buffered>(self: JitterBuffer<Packet>): number => {
  let lowest = Infinity
  for (const extended of self.waiting.keys()) if (extended < lowest) lowest = extended
  return lowest
}
