import type { PacketMemory } from "./PacketMemory.ts"

/** Length of a packed address (see PackedAddress.ts) in 32-bit words. */
export const addressWords = 5

/** What one pull returned: packet `i` is `lengths[i]` bytes at `offsets[i]` of the packet memory. Reused by the next pull. */
export interface PacketBatch {
  count: number
  /**
   * How much of the room that the system has for what arrives was still used when this batch had been taken out: 0 to 1. A
   * reader that sees it grow is too slow for its load. 0 where the system does not tell.
   */
  backlog: number
  /**
   * When the oldest of these packets arrived at the system, on the scale of the monotonic clock. To see how long packets
   * wait. NaN where the system does not tell, and for batches of which it was not asked. Milliseconds.
   */
  arrivedAtMs: number
  readonly offsets: Int32Array
  readonly lengths: Int32Array
  /** Source of packet `i`: `addressWords` words at `i * addressWords`. */
  readonly addresses: Uint32Array
}

export const makePacketBatch = (slots: number): PacketBatch => ({
  count: 0,
  backlog: 0,
  arrivedAtMs: NaN,
  offsets: new Int32Array(slots),
  lengths: new Int32Array(slots),
  addresses: new Uint32Array(slots * addressWords)
})

/** Room for the header of one outgoing packet: 12 bytes on a device's leg, 16 on a trunk. */
export const headerBytesMax = 16

/**
 * Packets to send with one call. Packet `i` is `headerLengths[i]` bytes at `i * headerBytesMax` of `headers`, followed by
 * `bodyLengths[i]` bytes at `bodyOffsets[i]` of the packet memory. The body is not copied; it must stay as it is until
 * the send has completed. Either part may be empty.
 */
export interface SendBatch {
  count: number
  readonly capacity: number
  readonly headers: Uint8Array<ArrayBuffer>
  readonly headerView: DataView<ArrayBuffer>
  readonly headerLengths: Uint8Array
  readonly bodyOffsets: Int32Array
  readonly bodyLengths: Int32Array
  readonly addresses: Uint32Array
  /** Which packets go first when the system does not take all: 0 before 1, which it is better to lose. RFC 2597's word. */
  readonly dropPrecedence: Uint8Array
  /** A part of the packet memory for bodies that are built for this batch: control messages, feedback. */
  readonly scratchOffset: number
  readonly scratchBytes: number
  scratchUsed: number
  /** Packets that found the batch or its scratch full. */
  overflowed: number
}

export const makeSendBatch = (options: {
  readonly capacity: number
  readonly scratchOffset: number
  readonly scratchBytes: number
}): SendBatch => {
  const headers = new Uint8Array(options.capacity * headerBytesMax)
  return {
    count: 0,
    capacity: options.capacity,
    headers,
    headerView: new DataView(headers.buffer),
    headerLengths: new Uint8Array(options.capacity),
    bodyOffsets: new Int32Array(options.capacity),
    bodyLengths: new Int32Array(options.capacity),
    addresses: new Uint32Array(options.capacity * addressWords),
    dropPrecedence: new Uint8Array(options.capacity),
    scratchOffset: options.scratchOffset,
    scratchBytes: options.scratchBytes,
    scratchUsed: 0,
    overflowed: 0
  }
}

/** Takes the next place, to be filled in by the caller; -1 (and counted) when the batch is full. */
export const add = (self: SendBatch): number => {
  if (self.count === self.capacity) {
    self.overflowed++
    return -1
  }
  self.dropPrecedence[self.count] = 0
  return self.count++
}

/** Takes room in the scratch part for one more datagram; the offset in the packet memory, or -1 (and counted) when there is none left. */
export const reserve = (self: SendBatch, sizeBytes: number): number => {
  if (self.count === self.capacity || self.scratchUsed + sizeBytes > self.scratchBytes) {
    self.overflowed++
    return -1
  }
  const offset = self.scratchOffset + self.scratchUsed
  self.scratchUsed += sizeBytes
  return offset
}

/** Adds a datagram that is built elsewhere (a control message) by copying it into the scratch part. */
export const addBytes = (
  self: SendBatch,
  memory: PacketMemory,
  datagram: Uint8Array,
  addresses: Uint32Array,
  addressIndex: number
): boolean => {
  const offset = reserve(self, datagram.length)
  const place = offset < 0 ? -1 : add(self)
  if (place < 0) return false
  memory.bytes.set(datagram, offset)
  self.headerLengths[place] = 0
  self.bodyOffsets[place] = offset
  self.bodyLengths[place] = datagram.length
  self.addresses.set(
    addresses.subarray(addressIndex * addressWords, (addressIndex + 1) * addressWords),
    place * addressWords
  )
  return true
}

/** Length of the packet at `place`, both parts. */
export const packetBytes = (self: SendBatch, place: number): number =>
  self.headerLengths[place]! + self.bodyLengths[place]!

/** Writes the packet at `place` in one piece to `target`, and returns where it ends there. */
export const join = (
  self: SendBatch,
  place: number,
  memory: PacketMemory,
  target: Uint8Array,
  offset: number
): number => {
  const header = place * headerBytesMax
  const body = self.bodyOffsets[place]!
  const bodyStart = offset + self.headerLengths[place]!
  target.set(self.headers.subarray(header, header + self.headerLengths[place]!), offset)
  target.set(memory.bytes.subarray(body, body + self.bodyLengths[place]!), bodyStart)
  return bodyStart + self.bodyLengths[place]!
}

/** Empties the batch. A network does this when it has sent it. */
export const reset = (self: SendBatch): void => {
  self.count = 0
  self.scratchUsed = 0
}
