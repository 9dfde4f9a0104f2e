import * as HopFrame from "../protocol/HopFrame.ts"
import type { LegKind } from "./LegKind.ts"
import * as PacketRing from "./PacketRing.ts"
import * as StreamClock from "./StreamClock.ts"

/**
 * Packets of video that wait for their turn on a leg, in order; references into their ring. Their repair sequences are
 * given when they leave, so that nothing is missed that has only not been sent. Owned by one leg and changed in place.
 */
export interface PacketQueue {
  readonly kind: LegKind
  /** Of the packet at `n & (length - 1)`, for `count` of them from `first` on: its number in the ring. */
  packets: Int32Array
  /** First byte and descriptor of its frame. */
  types: Uint8Array
  descriptors: Uint8Array
  /** Leg tag of its frame. */
  tags: Uint32Array
  queuedAtMs: Float64Array
  /** 1: frames before it were given up that it may be built on. */
  afterLoss: Uint8Array
  first: number
  count: number
  /** Of all of them. */
  bytes: number
  /** Packets that were not sent: to shorten the queue, too old, not in the ring any more. The owner counts them, and sets it back. */
  dropped: number
}

const lengthInitial = 64
const none = {
  numbers: new Int32Array(0),
  bytes: new Uint8Array(0),
  tags: new Uint32Array(0),
  times: new Float64Array(0)
}

export const make = (kind: LegKind): PacketQueue => ({
  kind,
  packets: none.numbers,
  types: none.bytes,
  descriptors: none.bytes,
  tags: none.tags,
  queuedAtMs: none.times,
  afterLoss: none.bytes,
  first: 0,
  count: 0,
  bytes: 0,
  dropped: 0
})

/** False when there is no room: as many wait as the leg could send again. */
export const add = (
  self: PacketQueue,
  tag: number,
  ring: PacketRing.PacketRing,
  packet: number,
  type: number,
  descriptor: number,
  nowMs: number
): boolean => {
  if (self.count === self.packets.length) {
    if (self.count >= self.kind.sentMax) {
      self.dropped++
      return false
    }
    grow(self)
  }
  const at = (self.first + self.count) & (self.packets.length - 1)
  self.packets[at] = packet
  self.types[at] = type
  self.descriptors[at] = descriptor
  self.tags[at] = tag
  self.queuedAtMs[at] = nowMs
  self.afterLoss[at] = 0
  self.count++
  self.bytes += PacketRing.lengthOf(ring, packet)
  return true
}

/** The place in the arrays of the first that can still be sent; -1 when none is left. */
export const peek = (self: PacketQueue, ring: PacketRing.PacketRing, nowMs: number): number => {
  while (self.count > 0) {
    if (isUseful(self, ring, self.first, nowMs)) return self.first
    dropFirst(self, ring)
  }
  self.bytes = 0
  return -1
}

/** The first has been sent. */
export const removeFirst = (self: PacketQueue, ring: PacketRing.PacketRing): void => {
  self.bytes = Math.max(0, self.bytes - lengthAt(self, ring, self.first))
  self.first = (self.first + 1) & (self.packets.length - 1)
  self.count--
}

/**
 * Gives up what can be spared best: frames that no other is built on, and what its receiver could not play any more.
 */
export const shorten = (self: PacketQueue, ring: PacketRing.PacketRing, nowMs: number): void => {
  const { descriptors, first, packets } = self
  const mask = packets.length - 1
  const before = self.count
  let kept = 0
  let bytes = 0
  for (let i = 0; i < before; i++) {
    const from = (first + i) & mask
    if (HopFrame.isDiscardable(descriptors[from]!) || !isUseful(self, ring, from, nowMs)) {
      markHole(self, ring, i, before)
      self.dropped++
      continue
    }
    const to = (first + kept++) & mask
    bytes += lengthAt(self, ring, from)
    if (to !== from) move(self, from, to)
  }
  self.count = kept
  self.bytes = bytes
}

/** 0 when the ring has forgotten it. Bytes. */
const lengthAt = (self: PacketQueue, ring: PacketRing.PacketRing, at: number): number => {
  const packet = self.packets[at]!
  return PacketRing.has(ring, packet) ? PacketRing.lengthOf(ring, packet) : 0
}

const isUseful = (self: PacketQueue, ring: PacketRing.PacketRing, at: number, nowMs: number): boolean => {
  const packet = self.packets[at]!
  if (!PacketRing.hasForBatch(ring, packet)) return false
  return !StreamClock.isExpired(PacketRing.clockOf(ring, packet), PacketRing.timestampOf(ring, packet), nowMs)
}

/** Gives the first up, however useful it may be. */
export const dropFirst = (self: PacketQueue, ring: PacketRing.PacketRing): void => {
  markHole(self, ring, 0, self.count)
  self.dropped++
  removeFirst(self, ring)
}

/**
 * The next of the same stream, of those behind the one that is dropped, follows a hole. It says so when it can be shown all
 * the same; else its receiver has to notice that something is missing, for it needs a key frame.
 */
const markHole = (self: PacketQueue, ring: PacketRing.PacketRing, dropped: number, count: number): void => {
  const mask = self.packets.length - 1
  const at = (self.first + dropped) & mask
  if (!PacketRing.has(ring, self.packets[at]!)) return
  const clock = PacketRing.clockOf(ring, self.packets[at]!)
  const isNeeded = !HopFrame.isDiscardable(self.descriptors[at]!) || self.afterLoss[at] === 1
  for (let i = dropped + 1; i < count; i++) {
    const later = (self.first + i) & mask
    const packet = self.packets[later]!
    if (!PacketRing.has(ring, packet) || PacketRing.clockOf(ring, packet) !== clock) continue
    const isShown = HopFrame.startsKeyFrame(self.descriptors[later]!) || (!isNeeded && self.afterLoss[later] === 0)
    if (isShown) self.types[later]! |= HopFrame.gapFlag
    else self.types[later]! &= ~HopFrame.gapFlag
    self.afterLoss[later] = isShown ? 0 : 1
    return
  }
}

const move = (self: PacketQueue, from: number, to: number): void => {
  self.packets[to] = self.packets[from]!
  self.types[to] = self.types[from]!
  self.descriptors[to] = self.descriptors[from]!
  self.tags[to] = self.tags[from]!
  self.queuedAtMs[to] = self.queuedAtMs[from]!
  self.afterLoss[to] = self.afterLoss[from]!
}

const grow = (self: PacketQueue): void => {
  const old = { ...self }
  const length = Math.max(lengthInitial, old.packets.length * 2)
  self.packets = new Int32Array(length)
  self.types = new Uint8Array(length)
  self.descriptors = new Uint8Array(length)
  self.tags = new Uint32Array(length)
  self.queuedAtMs = new Float64Array(length)
  self.afterLoss = new Uint8Array(length)
  for (let i = 0; i < old.count; i++) {
    const from = (old.first + i) & (old.packets.length - 1)
    self.packets[i] = old.packets[from]!
    self.types[i] = old.types[from]!
    self.descriptors[i] = old.descriptors[from]!
    self.tags[i] = old.tags[from]!
    self.queuedAtMs[i] = old.queuedAtMs[from]!
    self.afterLoss[i] = old.afterLoss[from]!
  }
  self.first = 0
}
