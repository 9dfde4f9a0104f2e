import type { PortCounters } from "../DatagramNetwork.ts"
import { makePacketBatch, type PacketBatch } from "../PacketBatch.ts"
import { coalescedSlotBytes, datagramBytesMax, type PacketMemory, slotBytes } from "../PacketMemory.ts"
import * as Abi from "./LinuxAbi.ts"
import * as SocketName from "./SocketName.ts"
import type { SystemCalls } from "./SystemCalls.ts"

/**
 * What recvmmsg(2) is given: a message header for each receive slot of the packet memory, with room for the sender's name.
 * Datagrams come into the slots without a copy. Where the kernel coalesces, a message may be many datagrams of one sender,
 * all of one length but the last, which may be shorter. Changed in place.
 */
export interface ReceiveTable {
  readonly slots: number
  /** Between the slots, and what one holds. Bytes. */
  readonly slotStride: number
  readonly words: Uint32Array
  /** Of the first message header. */
  readonly address: bigint
  /** Words before the first name and before the first control message. */
  readonly namesAt: number
  readonly controlsAt: number
  readonly batch: PacketBatch
  /** Messages that the last call brought; of them, the one to go on from, and how much of it has been handed out. Bytes. */
  received: number
  next: number
  taken: number
  /** Length of the datagrams in that one. Bytes. */
  segmentBytes: number
}

const messageWords = Abi.messageBytes / 4
const nameWords = Abi.nameStride / 4
const controlWords = Abi.receivedControlBytes / 4
const nameLengthWord = Abi.messageNameLength / 4
const controlLengthWord = Abi.messageControlLength / 4

/** Whether the memory has room for what a kernel that coalesces may bring. */
export const hasRoomToCoalesce = ({ ownerOffset, receiveSlots }: PacketMemory): boolean =>
  ownerOffset >= receiveSlots * coalescedSlotBytes

/** What a kernel coalesces at most: one IP datagram's length. Bytes. */
const coalescedBytesMax = 65_535

export const make = (calls: SystemCalls, memory: PacketMemory, isCoalescing: boolean): ReceiveTable => {
  const slots = memory.receiveSlots
  const slotStride = isCoalescing ? coalescedSlotBytes : slotBytes
  const vectorsAt = slots * Abi.messageBytes
  const namesAt = vectorsAt + slots * Abi.vectorBytes
  const controlsAt = namesAt + slots * Abi.nameStride
  const table = new ArrayBuffer(controlsAt + slots * Abi.receivedControlBytes)
  const view = new DataView(table)
  const address = calls.addressOf(table)
  const memoryAddress = calls.addressOf(memory.bytes.buffer)
  for (let slot = 0; slot < slots; slot++) {
    const message = slot * Abi.messageBytes
    const vector = vectorsAt + slot * Abi.vectorBytes
    view.setBigUint64(message + Abi.messageName, address + BigInt(namesAt + slot * Abi.nameStride), true)
    view.setBigUint64(message + Abi.messageVectors, address + BigInt(vector), true)
    view.setBigUint64(message + Abi.messageVectorCount, 1n, true)
    view.setBigUint64(
      message + Abi.messageControl,
      address + BigInt(controlsAt + slot * Abi.receivedControlBytes),
      true
    )
    view.setBigUint64(vector, memoryAddress + BigInt(slot * slotStride), true)
    view.setBigUint64(vector + 8, BigInt(isCoalescing ? coalescedBytesMax : datagramBytesMax), true)
  }
  return {
    slots,
    slotStride,
    words: new Uint32Array(table),
    address,
    namesAt: namesAt / 4,
    controlsAt: controlsAt / 4,
    batch: makePacketBatch(slots),
    // The first call writes the lengths of all.
    received: slots,
    next: slots,
    taken: 0,
    segmentBytes: 0
  }
}

/** Whether the last call brought more than has been handed out. */
export const hasMore = (self: ReceiveTable): boolean => self.next < self.received

/**
 * Asks the kernel for what has arrived. Returns how many messages it gave, or the negative error number. `take` hands out
 * what is in them.
 */
export const receive = (self: ReceiveTable, calls: SystemCalls, socket: number, mayBlock: boolean): number => {
  const { slots, words } = self
  // The kernel has written there how long the names and control messages were.
  for (let message = 0; message < self.received; message++) {
    words[message * messageWords + nameLengthWord] = Abi.nameBytesIpv6
    words[message * messageWords + controlLengthWord] = Abi.receivedControlBytes
  }
  const received = mayBlock
    ? calls.receiveBlocking(socket, self.address, slots)
    : calls.receive(socket, self.address, slots)
  self.received = Math.max(received, 0)
  self.next = 0
  self.taken = 0
  return received
}

/** Fills the batch with datagrams that have been received and not been handed out yet. */
export const take = (self: ReceiveTable, counters: PortCounters): void => {
  const { batch, words } = self
  batch.count = 0
  while (self.next < self.received && batch.count < self.slots) {
    const message = self.next * messageWords
    const length = words[message + Abi.messageLength / 4]!
    const isCut = (words[message + Abi.messageFlags / 4]! & Abi.MSG_TRUNC) !== 0
    if (self.taken === 0) self.segmentBytes = segmentBytesOf(self, length)
    const bytes = Math.min(self.segmentBytes, length - self.taken)
    if (isCut || bytes > datagramBytesMax) counters.droppedOversized++
    else {
      const place = batch.count++
      batch.offsets[place] = self.next * self.slotStride + self.taken
      batch.lengths[place] = bytes
      SocketName.read(words, self.namesAt + self.next * nameWords, batch.addresses, place)
      counters.receivedBytes += bytes
    }
    self.taken += bytes
    if (self.taken === length) {
      self.next++
      self.taken = 0
    }
  }
  counters.received += batch.count
  if (batch.count > 0) counters.receivedBatches++
}

/** When the next message arrived, by the wall clock; NaN when there is none, or the kernel does not say. */
export const stampMs = (self: ReceiveTable): number => {
  const data = hasMore(self) ? controlDataAt(self, Abi.SOL_SOCKET, Abi.SO_TIMESTAMPNS) : -1
  return data < 0 ? NaN : Abi.timespecMs(self.words, data)
}

/** Length of the datagrams that the next message was made of: its own when it is one. */
const segmentBytesOf = (self: ReceiveTable, length: number): number => {
  const data = controlDataAt(self, Abi.SOL_UDP, Abi.UDP_GRO)
  return data < 0 ? length : self.words[data]!
}

/** The word at which a control message of the next message has its data, or -1 when there is none of that type. */
const controlDataAt = ({ controlsAt, next, words }: ReceiveTable, level: number, type: number): number => {
  const first = controlsAt + next * controlWords
  const end = first + words[next * messageWords + controlLengthWord]! / 4
  for (let control = first; control < end;) {
    if (words[control + 2] === level && words[control + 3] === type) return control + Abi.controlHeaderBytes / 4
    // Each begins at a multiple of eight bytes.
    control += ((words[control]! + 7) >>> 3) * 2
  }
  return -1
}
