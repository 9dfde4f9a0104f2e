import { datagramBytesMax, type PacketMemory } from "../sockets/PacketMemory.ts"
import * as ClockNumbers from "./ClockNumbers.ts"
import type { StreamClock } from "./StreamClock.ts"

/**
 * The packets of the last second and a half, each kept once however many legs it went to: the cache that all resends come
 * from. A packet is named by a number that grows by one; its bytes lie in a part of the packet memory that is used as a
 * ring. Owned by one pipeline and changed in place.
 *
 * The ring uses only as much of its part as the traffic needs: a lap ends early, and it goes on from the front, as soon
 * as the packets there have expired. Its tables have their full length from the beginning: to lengthen them under load
 * would hold up whatever arrives meanwhile for tens of milliseconds.
 */
export interface PacketRing {
  readonly memory: PacketMemory
  readonly firstOffset: number
  readonly capacityBytes: number
  /** Of packet `n`, at `n & (length - 1)`. */
  readonly offsets: Int32Array
  readonly lengths: Uint16Array
  /** Milliseconds, 32 bits, wrapping. */
  readonly storedAtMs: Int32Array
  readonly timestamps: Uint32Array
  readonly clockNumbers: Uint32Array
  readonly clocks: ClockNumbers.ClockNumbers
  /** Number that the next packet gets, and the oldest that is still there. 32 bits, wrapping. */
  next: number
  oldest: number
  /** Where the next packet goes, and where the lap ends; relative to `firstOffset`. */
  writeAt: number
  lapEnd: number
}

/** How long a packet is kept when there is room. Milliseconds. */
export const retentionMs = 1500
/** The part used at first; doubled when a lap ends while the packets at the front are still young. Bytes. */
const lapBytesInitial = 1 << 20
/**
 * Packets smaller than this on average are kept for less than `retentionMs` where they fill the ring. Voices are smaller,
 * but nobody asks for them again after a third of that time. Bytes.
 */
const packetBytesMean = 256
const lengthMin = 1024

/** Of the tables: a power of two. */
const lengthFor = (capacityBytes: number): number =>
  Math.max(lengthMin, 2 ** Math.ceil(Math.log2(capacityBytes / packetBytesMean)))

export const make = (memory: PacketMemory, firstOffset: number, capacityBytes: number): PacketRing => {
  const length = lengthFor(capacityBytes)
  return {
    memory,
    firstOffset,
    capacityBytes,
    offsets: new Int32Array(length),
    lengths: new Uint16Array(length),
    storedAtMs: new Int32Array(length),
    timestamps: new Uint32Array(length),
    clockNumbers: new Uint32Array(length),
    clocks: ClockNumbers.make(),
    next: 0,
    oldest: 0,
    writeAt: 0,
    lapEnd: Math.min(lapBytesInitial, capacityBytes)
  }
}

/** Copies a packet from elsewhere in the packet memory into the ring and returns its number. */
export const store = (
  self: PacketRing,
  offset: number,
  lengthBytes: number,
  timestamp: number,
  clock: StreamClock,
  nowMs: number
): number => {
  const at = claim(self, lengthBytes, nowMs)
  self.memory.bytes.copyWithin(at, offset, offset + lengthBytes)
  return add(self, at, lengthBytes, timestamp, clock, nowMs)
}

/** Keeps a packet that is not in the packet memory yet: a device's own. */
export const storeBytes = (
  self: PacketRing,
  packet: Uint8Array,
  timestamp: number,
  clock: StreamClock,
  nowMs: number
): number => {
  const at = claim(self, packet.length, nowMs)
  self.memory.bytes.set(packet, at)
  return add(self, at, packet.length, timestamp, clock, nowMs)
}

/** Whether the packet's bytes are still there. */
export const has = (self: PacketRing, packet: number): boolean => {
  const age = (self.next - packet) | 0
  return age > 0 && age <= ((self.next - self.oldest) | 0)
}

/** Most that one batch can store: a packet that a later one of the same batch overwrites must not be sent. Bytes. */
const batchBytesMax = 64 * datagramBytesMax

/** As `has`, and whatever the rest of the batch stores, they will still be there when it is sent. */
export const hasForBatch = (self: PacketRing, packet: number): boolean => {
  if (!has(self, packet)) return false
  const ahead = offsetOf(self, packet) - self.firstOffset - self.writeAt
  return (ahead < 0 ? ahead + self.lapEnd : ahead) >= batchBytesMax
}

export const offsetOf = (self: PacketRing, packet: number): number => self.offsets[packet & (self.offsets.length - 1)]!
export const lengthOf = (self: PacketRing, packet: number): number => self.lengths[packet & (self.lengths.length - 1)]!
export const timestampOf = (self: PacketRing, packet: number): number =>
  self.timestamps[packet & (self.timestamps.length - 1)]!
export const clockOf = (self: PacketRing, packet: number): StreamClock =>
  ClockNumbers.clockOf(self.clocks, self.clockNumbers[packet & (self.clockNumbers.length - 1)]!)

const add = (
  self: PacketRing,
  at: number,
  lengthBytes: number,
  timestamp: number,
  clock: StreamClock,
  nowMs: number
): number => {
  if (((self.next - self.oldest) | 0) === self.offsets.length) forgetOldest(self)
  const packet = self.next
  const entry = packet & (self.offsets.length - 1)
  self.offsets[entry] = at
  self.lengths[entry] = lengthBytes
  self.storedAtMs[entry] = nowMs | 0
  self.timestamps[entry] = timestamp
  self.clockNumbers[entry] = ClockNumbers.take(self.clocks, clock)
  self.next = (packet + 1) | 0
  return packet
}

/** Makes room for a packet, giving up the oldest ones that lie there; the offset in the packet memory. */
const claim = (self: PacketRing, lengthBytes: number, nowMs: number): number => {
  forgetExpired(self, nowMs)
  if (self.writeAt + lengthBytes > self.lapEnd) endLap(self, lengthBytes)
  const at = self.firstOffset + self.writeAt
  while (self.oldest !== self.next) {
    const offset = self.offsets[self.oldest & (self.offsets.length - 1)]!
    const length = self.lengths[self.oldest & (self.lengths.length - 1)]!
    if (offset >= at + lengthBytes || offset + length <= at) break
    forgetOldest(self)
  }
  self.writeAt += lengthBytes
  return at
}

const forgetExpired = (self: PacketRing, nowMs: number): void => {
  // Two a packet are enough to catch up after a burst, and bound the work.
  for (let i = 0; i < 2 && self.oldest !== self.next; i++) {
    const entry = self.oldest & (self.offsets.length - 1)
    if ((nowMs - self.storedAtMs[entry]!) >>> 0 <= retentionMs) return
    forgetOldest(self)
  }
}

const forgetOldest = (self: PacketRing): void => {
  ClockNumbers.release(self.clocks, self.clockNumbers[self.oldest & (self.clockNumbers.length - 1)]!)
  self.oldest = (self.oldest + 1) | 0
}

const endLap = (self: PacketRing, lengthBytes: number): void => {
  const oldestLies = self.oldest === self.next ? undefined : self.offsets[self.oldest & (self.offsets.length - 1)]!
  const frontIsYoung = oldestLies !== undefined && oldestLies < self.firstOffset + lengthBytes
  if (frontIsYoung && self.lapEnd < self.capacityBytes) {
    self.lapEnd = Math.min(self.capacityBytes, self.lapEnd * 2)
    if (self.writeAt + lengthBytes <= self.lapEnd) return
  }
  // Packets between here and the end of the lap, left from a longer lap before, are in the way of the order.
  while (self.oldest !== self.next) {
    if (self.offsets[self.oldest & (self.offsets.length - 1)]! < self.firstOffset + self.writeAt) break
    forgetOldest(self)
  }
  self.writeAt = 0
}
