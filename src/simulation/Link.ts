import * as Bottleneck from "./Bottleneck.ts"
import * as LossProcess from "./LossProcess.ts"
import * as Random from "./Random.ts"
import * as Samples from "./Samples.ts"

/**
 * One direction of a path: a queue in front of a bottleneck, then a wire that loses, delays and jitters. It knows sizes
 * and times; the packets themselves stay with who sends them. Owned by one simulation; asked in the order of time.
 */
export interface Link {
  readonly options: Options
  readonly bottleneck: Bottleneck.Bottleneck
  readonly losses: LossProcess.LossProcess
  readonly jitters: Random.Random
  /** What waits, the oldest first: a ring. */
  leavesAtMs: Float64Array
  sizesBytes: Int32Array
  oldest: number
  waiting: number
  waitingBytes: number
  lastArrivalMs: number
  /** Of the packet that was sent last: from the arrival at the queue until its last byte has left. Milliseconds. */
  sojournMs: number
  readonly counters: Counters
}

export interface Options {
  readonly rate: Bottleneck.Rate
  /** What waits beyond it is dropped, the newest first. */
  readonly queue: { readonly kind: "bytes"; readonly bytes: number } | { readonly kind: "time"; readonly ms: number }
  readonly delayMs: number
  /** Standard deviation of the normal jitter, which is cut at three of them and never makes the delay negative. */
  readonly jitterMs: number
  /** Whether jitter lets packets overtake each other; if not, who would overtake comes at the same time. */
  readonly reorders: boolean
  readonly loss: LossProcess.LossModel
}

export interface Counters {
  packets: number
  bytes: number
  droppedQueueFull: number
  lost: number
  /** See `sojournMs`. Milliseconds. */
  readonly sojournsMs: Samples.Samples
}

/** No limit, no loss, no delay: to be used as `{ ...perfect, delayMs: 75 }`. */
export const perfect: Options = {
  rate: Bottleneck.unlimited,
  // Without a rate nothing waits. The default of Linux' pfifo is a thousand packets; homes have a quarter of a second.
  queue: { kind: "time", ms: 250 },
  delayMs: 0,
  jitterMs: 0,
  reorders: false,
  loss: LossProcess.none
}

/** What IPv4 (RFC 791) and UDP (RFC 768) add to a datagram. Bytes. */
export const headerBytes = 28
const jitterSigmasMax = 3
const waitingInitial = 64

/** `name`: whose dice it has; the same in all topologies that are compared. */
export const make = (options: Options, seed: string, name: string): Link => ({
  options,
  bottleneck: Bottleneck.make(options.rate),
  losses: LossProcess.make(options.loss, seed, name),
  jitters: Random.make(seed, `${name} jitter`),
  leavesAtMs: new Float64Array(waitingInitial),
  sizesBytes: new Int32Array(waitingInitial),
  oldest: 0,
  waiting: 0,
  waitingBytes: 0,
  lastArrivalMs: 0,
  sojournMs: 0,
  counters: { packets: 0, bytes: 0, droppedQueueFull: 0, lost: 0, sojournsMs: Samples.make(1024) }
})

/** Puts a datagram on the link and returns when it arrives; -1: never. */
export const send = (self: Link, nowMs: number, datagramBytes: number): number => {
  const { counters, options } = self
  const sizeBytes = datagramBytes + headerBytes
  counters.packets++
  counters.bytes += sizeBytes
  // Drawn for each, so that what happens to one packet leaves the dice of the others as they were.
  const jitterMs = options.jitterMs === 0 ? 0 : drawJitterMs(self)
  forgetLeft(self, nowMs)
  if (isFull(self, nowMs, sizeBytes)) {
    counters.droppedQueueFull++
    return -1
  }
  const leavesAtMs = Bottleneck.serve(self.bottleneck, nowMs, sizeBytes)
  if (leavesAtMs > nowMs) wait(self, leavesAtMs, sizeBytes)
  self.sojournMs = leavesAtMs - nowMs
  Samples.add(counters.sojournsMs, self.sojournMs)
  if (LossProcess.isLost(self.losses, leavesAtMs)) {
    counters.lost++
    return -1
  }
  const arrivalMs = leavesAtMs + Math.max(0, options.delayMs + jitterMs)
  if (options.reorders) return arrivalMs
  self.lastArrivalMs = Math.max(self.lastArrivalMs, arrivalMs)
  return self.lastArrivalMs
}

const drawJitterMs = ({ jitters, options }: Link): number => {
  const drawn = Random.normal(jitters)
  return options.jitterMs * Math.max(-jitterSigmasMax, Math.min(jitterSigmasMax, drawn))
}

/** Whoever finds nothing waiting is always taken. */
const isFull = ({ bottleneck, options, waiting, waitingBytes }: Link, nowMs: number, sizeBytes: number): boolean => {
  if (waiting === 0) return false
  const { queue } = options
  return queue.kind === "bytes" ? waitingBytes + sizeBytes > queue.bytes : bottleneck.busyUntilMs - nowMs > queue.ms
}

const forgetLeft = (self: Link, nowMs: number): void => {
  const mask = self.leavesAtMs.length - 1
  while (self.waiting > 0 && self.leavesAtMs[self.oldest & mask]! <= nowMs) {
    self.waitingBytes -= self.sizesBytes[self.oldest & mask]!
    self.oldest = (self.oldest + 1) & mask
    self.waiting--
  }
}

const wait = (self: Link, leavesAtMs: number, sizeBytes: number): void => {
  if (self.waiting === self.leavesAtMs.length) grow(self)
  const at = (self.oldest + self.waiting) & (self.leavesAtMs.length - 1)
  self.leavesAtMs[at] = leavesAtMs
  self.sizesBytes[at] = sizeBytes
  self.waiting++
  self.waitingBytes += sizeBytes
}

const grow = (self: Link): void => {
  const { leavesAtMs, oldest, sizesBytes } = self
  const length = leavesAtMs.length
  self.leavesAtMs = new Float64Array(2 * length)
  self.sizesBytes = new Int32Array(2 * length)
  for (let i = 0; i < length; i++) {
    self.leavesAtMs[i] = leavesAtMs[(oldest + i) & (length - 1)]!
    self.sizesBytes[i] = sizesBytes[(oldest + i) & (length - 1)]!
  }
  self.oldest = 0
}
