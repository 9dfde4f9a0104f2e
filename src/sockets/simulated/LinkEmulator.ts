/**
 * One direction of a link, after Linux `tc netem`: a bottleneck with a bounded queue, then a wire with delay, jitter,
 * loss, reordering and duplication. Pure: time and dice are arguments. Owned by whoever sends into the link.
 */
export interface LinkOptions {
  /** The least time a packet travels. */
  readonly latencyMs: number
  /** Each packet travels longer by an even share of this: packets overtake when it exceeds the time between them. */
  readonly jitterMs: number
  /** Share of packets lost, each by itself, 0..1. They have used the bottleneck. */
  readonly lossRatio: number
  /** Share of packets held back by `reorderDelayMs`, 0..1. */
  readonly reorderRatio: number
  /** Share of packets that arrive twice, 0..1. */
  readonly duplicateRatio: number
  /** What the bottleneck carries, above 0; `Infinity` for no limit. Bits a second. */
  readonly rateBps: number
  /** What may wait for the bottleneck; a packet that finds no room is dropped. Bytes. */
  readonly queueBytes: number
}

/** How long a reordered packet is held back: longer than the 20 ms between audio packets, so that they overtake it. */
export const reorderDelayMs = 25

/** What IPv4 (RFC 791) and UDP (RFC 768) add to a datagram on the link. Bytes. */
const headerBytes = 28

/** A link that delivers everything at once. To be used as `{ ...perfect, latencyMs: 20 }`. */
export const perfect: LinkOptions = {
  latencyMs: 0,
  jitterMs: 0,
  lossRatio: 0,
  reorderRatio: 0,
  duplicateRatio: 0,
  rateBps: Infinity,
  // A quarter of a second at 2 Mbit/s, in the order of a home router's buffer. Without a rate it has no effect.
  queueBytes: 64 * 1024
}

export interface LinkEmulator {
  options: LinkOptions
  /** When the bottleneck will have sent all that it was given. */
  busyUntilMs: number
  /** When the copies of the last packet arrive; as many are valid as `transmit` said. */
  readonly arrivalsMs: Float64Array
  lost: number
  droppedQueueFull: number
  duplicated: number
}

export const make = (options: LinkOptions): LinkEmulator => ({
  options,
  busyUntilMs: -Infinity,
  arrivalsMs: new Float64Array(2),
  lost: 0,
  droppedQueueFull: 0,
  duplicated: 0
})

/** How long the bottleneck is occupied by so many bytes. */
const transmissionMs = (options: LinkOptions, sizeBytes: number): number => (sizeBytes * 8000) / options.rateBps

const queuedBytes = (self: LinkEmulator, nowMs: number): number =>
  self.busyUntilMs > nowMs ? ((self.busyUntilMs - nowMs) * self.options.rateBps) / 8000 : 0

/** Changes the link. Packets on their way keep their arrival; those that come wait for the queue at its new rate. */
export const setOptions = (self: LinkEmulator, options: LinkOptions, nowMs: number): void => {
  self.busyUntilMs = nowMs + transmissionMs(options, queuedBytes(self, nowMs))
  self.options = options
}

/**
 * Puts a datagram on the link and returns how many copies of it will arrive: 0, 1 or 2. `draw` is even in 0..1. It is
 * called five times whatever happens, so that a changed option leaves the dice of the other packets as they were.
 */
export const transmit = (self: LinkEmulator, nowMs: number, datagramBytes: number, draw: () => number): number => {
  const { options, arrivalsMs } = self
  const isLost = draw() < options.lossRatio
  const isHeldBack = draw() < options.reorderRatio
  const isDuplicated = draw() < options.duplicateRatio
  const jitterMs = draw() * options.jitterMs
  const copyJitterMs = draw() * options.jitterMs

  const sizeBytes = headerBytes + datagramBytes
  const waitingBytes = queuedBytes(self, nowMs)
  if (waitingBytes > 0 && waitingBytes + sizeBytes > options.queueBytes) {
    self.droppedQueueFull++
    return 0
  }
  const leavesMs = Math.max(nowMs, self.busyUntilMs) + transmissionMs(options, sizeBytes)
  self.busyUntilMs = leavesMs
  if (isLost) {
    self.lost++
    return 0
  }
  arrivalsMs[0] = leavesMs + options.latencyMs + jitterMs + (isHeldBack ? reorderDelayMs : 0)
  if (!isDuplicated) return 1
  self.duplicated++
  arrivalsMs[1] = leavesMs + options.latencyMs + copyJitterMs
  return 2
}
