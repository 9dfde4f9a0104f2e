import type { PortCounters } from "../DatagramNetwork.ts"
import * as PackedAddress from "../PackedAddress.ts"
import { addressWords, makePacketBatch, type PacketBatch } from "../PacketBatch.ts"
import { datagramBytesMax, type PacketMemory, slotBytes } from "../PacketMemory.ts"

/** Datagrams that wait between Node and the next pull; beyond, the oldest are dropped: fresh media is worth more. */
const inboxPackets = 4096

/** What has come in and nobody has pulled yet, the oldest first: a ring, so that the oldest can be dropped. */
export const make = (memory: PacketMemory, counters: PortCounters) => {
  const payloads = new Array<Uint8Array | undefined>(inboxPackets).fill(undefined)
  const sources = new Uint32Array(inboxPackets * addressWords)
  const arrivals = new Float64Array(inboxPackets)
  const batch = makePacketBatch(memory.receiveSlots)
  let first = 0
  let waiting = 0

  const dropFirst = (): void => {
    payloads[first] = undefined
    first = (first + 1) % inboxPackets
    waiting--
  }

  return {
    isEmpty: () => waiting === 0,
    waiting: () => waiting,
    put: (payload: Uint8Array, host: Uint32Array, port: number, nowMs: number): void => {
      if (payload.length > datagramBytesMax) {
        counters.droppedOversized++
        return
      }
      if (waiting === inboxPackets) {
        dropFirst()
        counters.droppedReceiveBufferFull++
      }
      const place = (first + waiting++) % inboxPackets
      payloads[place] = payload
      PackedAddress.copy(host, 0, sources, place)
      sources[place * addressWords] = port
      arrivals[place] = nowMs
    },
    /** Moves what there is room for into the receive slots. */
    take: (): PacketBatch => {
      batch.count = Math.min(waiting, memory.receiveSlots)
      batch.arrivedAtMs = arrivals[first]!
      for (let place = 0; place < batch.count; place++) {
        const payload = payloads[first]!
        const offset = place * slotBytes
        memory.bytes.set(payload, offset)
        batch.offsets[place] = offset
        batch.lengths[place] = payload.length
        PackedAddress.copy(sources, first, batch.addresses, place)
        counters.receivedBytes += payload.length
        dropFirst()
      }
      counters.received += batch.count
      counters.receivedBatches++
      return batch
    }
  }
}
