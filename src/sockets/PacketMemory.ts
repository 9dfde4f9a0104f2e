/**
 * One block of memory that holds every packet of a process: the slots that the network receives into, and behind them
 * whatever the owner keeps (packet rings, frames it builds). Packets are named by their offset in it, so that a packet
 * received once can be sent many times without a copy, and a later layer can hand the kernel plain pointers.
 */
export interface PacketMemory {
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly view: DataView<ArrayBuffer>
  /** How many datagrams one pull can return. */
  readonly receiveSlots: number
  /** The owner's part starts here and reaches to the end. Bytes. */
  readonly ownerOffset: number
}

/** Largest datagram that is received whole. Longer ones are counted as oversized and dropped. Bytes. */
export const datagramBytesMax = 1500

/** Distance between receive slots: a power of two that holds the largest datagram and one byte to see a longer one. */
export const slotBytes = 2048

/**
 * The same where the kernel hands over several datagrams as one, 65,535 bytes at most. An odd number of cache lines: the
 * slots' beginnings, which are all that is used of most, would otherwise compete for the same few places of the cache.
 */
export const coalescedSlotBytes = 65_536 + 64 * 17

export const make = (options: {
  readonly receiveSlots: number
  /** Left out: `slotBytes` for each slot. Memory is used as far as datagrams need it. */
  readonly receiveBytes?: number
  readonly ownerBytes: number
}): PacketMemory => {
  const ownerOffset = options.receiveBytes ?? options.receiveSlots * slotBytes
  const buffer = new ArrayBuffer(ownerOffset + options.ownerBytes)
  return {
    bytes: new Uint8Array(buffer),
    view: new DataView(buffer),
    receiveSlots: options.receiveSlots,
    ownerOffset
  }
}
