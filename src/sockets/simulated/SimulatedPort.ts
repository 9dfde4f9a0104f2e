import { Effect, Latch } from "effect"
import { makePortCounters, PortClosed, type PortCounters } from "../DatagramNetwork.ts"
import * as PackedAddress from "../PackedAddress.ts"
import { makePacketBatch, type PacketBatch } from "../PacketBatch.ts"
import { datagramBytesMax, type PacketMemory, slotBytes } from "../PacketMemory.ts"

/** A packet between two ports. Two copies of one packet share their bytes. */
export interface Datagram {
  readonly source: Uint32Array
  readonly destination: Uint32Array
  readonly bytes: Uint8Array
}

/** A datagram that has arrived. */
interface Pending {
  readonly datagram: Datagram
  readonly arrivedAtMs: number
}

/** Datagrams that wait for the next pull; those that find no room are dropped, as a kernel does. */
export const pendingMax = 4096

/** The receiving end of one open port. */
export interface SimulatedPort {
  /** What the others see and answer to: changes when a NAT or the network under the device does. */
  publicAddress: Uint32Array
  readonly counters: PortCounters
  readonly memory: PacketMemory
  readonly batch: PacketBatch
  readonly pending: Array<Pending>
  /** Open while something is pending, and for good when the port is closed. */
  readonly arrived: Latch.Latch
  isClosed: boolean
}

export const make = (publicAddress: Uint32Array, memory: PacketMemory): SimulatedPort => ({
  publicAddress,
  counters: makePortCounters(),
  memory,
  batch: makePacketBatch(memory.receiveSlots),
  pending: [],
  arrived: Latch.makeUnsafe(),
  isClosed: false
})

export const deliver = (self: SimulatedPort, datagram: Datagram, nowMs: number): void => {
  if (datagram.bytes.length > datagramBytesMax) {
    self.counters.droppedOversized++
  } else if (self.pending.length >= pendingMax) {
    self.counters.droppedReceiveBufferFull++
  } else {
    self.pending.push({ datagram, arrivedAtMs: nowMs })
    self.arrived.openUnsafe()
  }
}

/** Moves what is pending into the receive slots. */
const receive = (self: SimulatedPort): PacketBatch => {
  const { batch, counters, memory } = self
  const taken = self.pending.splice(0, memory.receiveSlots)
  if (self.pending.length === 0) self.arrived.closeUnsafe()
  taken.forEach(({ datagram: { bytes, source } }, place) => {
    memory.bytes.set(bytes, place * slotBytes)
    batch.offsets[place] = place * slotBytes
    batch.lengths[place] = bytes.length
    PackedAddress.copy(source, 0, batch.addresses, place)
    counters.receivedBytes += bytes.length
  })
  batch.count = taken.length
  batch.arrivedAtMs = taken[0]?.arrivedAtMs ?? NaN
  counters.received += batch.count
  counters.receivedBatches++
  return batch
}

export const pull = (self: SimulatedPort): Effect.Effect<PacketBatch, PortClosed> =>
  Effect.suspend(() => {
    if (self.isClosed) return Effect.fail(new PortClosed())
    if (self.pending.length > 0) return Effect.succeed(receive(self))
    return Effect.andThen(self.arrived.await, pull(self))
  })

export const close = (self: SimulatedPort): void => {
  self.isClosed = true
  self.pending.length = 0
  self.arrived.openUnsafe()
}
