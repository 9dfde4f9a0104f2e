import * as Leg from "../media/Leg.ts"
import * as PacketRings from "../media/PacketRings.ts"
import * as PacketBatch from "../sockets/PacketBatch.ts"
import * as PacketMemory from "../sockets/PacketMemory.ts"
import type * as EventHeap from "./EventHeap.ts"
import type * as LabPath from "./LabPath.ts"

/**
 * What a relay and a device have in common: packet memory, batches, and paths to others. A datagram on its way lies in a
 * receive slot of where it will arrive from the moment it is sent: it is copied once, and the real modules get it as
 * they get it from a network. Owned by one simulation.
 */
export interface LabNode {
  readonly heap: EventHeap.EventHeap
  readonly number: number
  readonly address: Uint32Array
  readonly resources: Leg.LegResources
  readonly received: PacketBatch.PacketBatch
  readonly out: PacketBatch.SendBatch
  /** Slots that hold no datagram: the last `freeCount` go first. */
  readonly free: Int32Array
  freeCount: number
  /** By slot. */
  readonly lengths: Int32Array
  readonly sources: Array<Uint32Array>
  /** By the number of the node at the other end. */
  readonly paths: Array<LabPath.LabPath | undefined>
  /** Takes in `received`, and sends what it wants to with `flush`. */
  handleBatch: (nowMs: number) => void
}

const scratchBytes = 64 * 1024
const sendCapacity = 512
/** A second and a half, and what PacketRing keeps free for one batch; of video, of some Mbit/s. Bytes. */
const audioRingBytes = 256 * 1024

/** `videoRingBytes`: whoever forwards many pictures keeps more of them for resends. */
export const make = (heap: EventHeap.EventHeap, number: number, slots = 1024, videoRingBytes = 1 << 20): LabNode => {
  const memory = PacketMemory.make({
    receiveSlots: slots,
    ownerBytes: scratchBytes + audioRingBytes + videoRingBytes
  })
  const ringOptions = { audioBytes: audioRingBytes, videoBytes: videoRingBytes }
  return {
    heap,
    number,
    address: addressOf(number),
    resources: Leg.makeResources(PacketRings.make(memory, memory.ownerOffset + scratchBytes, ringOptions)),
    received: PacketBatch.makePacketBatch(1),
    out: PacketBatch.makeSendBatch({ capacity: sendCapacity, scratchOffset: memory.ownerOffset, scratchBytes }),
    free: Int32Array.from({ length: slots }, (_, slot) => slot),
    freeCount: slots,
    lengths: new Int32Array(slots),
    sources: [],
    paths: [],
    handleBatch: () => {}
  }
}

/** Packed, see sockets/PackedAddress: the port is the number, the host one of those set apart for tests, RFC 2544. */
export const addressOf = (number: number): Uint32Array => Uint32Array.of(number, 0, 0, 0xffff, (198 << 24) | (18 << 16))

/** A slot for a datagram that will arrive here. A node with too few is a mistake in the simulation. */
export const takeSlot = (self: LabNode): number => {
  if (self.freeCount === 0) throw new RangeError(`more than ${self.free.length} datagrams on their way to one node`)
  return self.free[--self.freeCount]!
}

export const freeSlot = (self: LabNode, slot: number): void => {
  self.free[self.freeCount++] = slot
}

/** The datagram in the slot has arrived. */
export const deliver = (self: LabNode, slot: number, nowMs: number): void => {
  const { received } = self
  received.count = 1
  received.offsets[0] = slot * PacketMemory.slotBytes
  received.lengths[0] = self.lengths[slot]!
  received.addresses.set(self.sources[slot]!)
  self.handleBatch(nowMs)
  freeSlot(self, slot)
}
