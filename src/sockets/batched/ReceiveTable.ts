import { makePacketBatch, type PacketBatch } from "../PacketBatch.ts"
import { datagramBytesMax, type PacketMemory, slotBytes } from "../PacketMemory.ts"
import type { PortCounters } from "../DatagramNetwork.ts"
import * as Abi from "./LinuxAbi.ts"
import * as SocketName from "./SocketName.ts"
import type { SystemCalls } from "./SystemCalls.ts"

/**
 * What recvmmsg(2) is given: a message header for each receive slot of the packet memory, with room for the sender's name.
 * Datagrams come into the slots without a copy.
 */
export interface ReceiveTable {
  readonly slots: number
  readonly words: Uint32Array
  /** Of the first message header. */
  readonly address: bigint
  /** Words before the first name. */
  readonly namesAt: number
  readonly batch: PacketBatch
}

const messageWords = Abi.messageBytes / 4
const nameWords = Abi.nameStride / 4

export const make = (calls: SystemCalls, memory: PacketMemory): ReceiveTable => {
  const slots = memory.receiveSlots
  const vectorsAt = slots * Abi.messageBytes
  const namesAt = vectorsAt + slots * Abi.vectorBytes
  const table = new ArrayBuffer(namesAt + slots * Abi.nameStride)
  const view = new DataView(table)
  const address = calls.addressOf(table)
  const memoryAddress = calls.addressOf(memory.bytes.buffer)
  for (let slot = 0; slot < slots; slot++) {
    const message = slot * Abi.messageBytes
    const vector = vectorsAt + slot * Abi.vectorBytes
    view.setBigUint64(message + Abi.messageName, address + BigInt(namesAt + slot * Abi.nameStride), true)
    view.setBigUint64(message + Abi.messageVectors, address + BigInt(vector), true)
    view.setBigUint64(message + Abi.messageVectorCount, 1n, true)
    view.setBigUint64(vector, memoryAddress + BigInt(slot * slotBytes), true)
    view.setBigUint64(vector + 8, BigInt(datagramBytesMax), true)
  }
  return { slots, words: new Uint32Array(table), address, namesAt: namesAt / 4, batch: makePacketBatch(slots) }
}

/** Takes in what has arrived, into `batch`. Returns how many the kernel gave, or the negative error number. */
export const receive = (self: ReceiveTable, calls: SystemCalls, socket: number, counters: PortCounters): number => {
  const { batch, slots, words } = self
  // The kernel has written there how long the names were.
  for (let slot = 0, at = Abi.messageNameLength / 4; slot < slots; slot++, at += messageWords) {
    words[at] = Abi.nameBytesIpv6
  }
  batch.count = 0
  const received = calls.receive(socket, self.address, slots)
  if (received <= 0) return received
  for (let slot = 0; slot < received; slot++) {
    const message = slot * messageWords
    if ((words[message + Abi.messageFlags / 4]! & Abi.MSG_TRUNC) !== 0) {
      counters.droppedOversized++
      continue
    }
    const place = batch.count++
    const length = words[message + Abi.messageLength / 4]!
    batch.offsets[place] = slot * slotBytes
    batch.lengths[place] = length
    SocketName.read(words, self.namesAt + slot * nameWords, batch.addresses, place)
    counters.receivedBytes += length
  }
  counters.received += batch.count
  counters.receivedBatches++
  return received
}
