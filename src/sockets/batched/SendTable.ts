import type { PortCounters } from "../DatagramNetwork.ts"
import { headerBytesMax, type SendBatch } from "../PacketBatch.ts"
import type { PacketMemory } from "../PacketMemory.ts"
import * as Abi from "./LinuxAbi.ts"
import * as SendGroups from "./SendGroups.ts"
import * as SocketName from "./SocketName.ts"
import type { SystemCalls } from "./SystemCalls.ts"

/**
 * What sendmmsg(2) is given: message headers whose vectors point to a packet's header in the send batch and to its body
 * in the packet memory, so nothing is copied. Changed in place; one send at a time.
 */
export interface SendTable {
  readonly calls: SystemCalls
  readonly family: number
  readonly words: Uint32Array
  readonly sizes: Uint16Array
  /** Of the table and of the packet memory. Addresses have 47 bits. */
  readonly address: number
  readonly memoryAddress: number
  readonly messagesAddress: bigint
  /** Of the headers of each batch that has been sent. */
  readonly headerAddresses: WeakMap<SendBatch, number>
  /** Whether the kernel cuts messages into datagrams; false as well when it turns out that it cannot. */
  segmentation: boolean
}

/** Messages that one system call takes: more save nothing. */
const messagesMax = 128
/** Two for each packet of a full message must fit. Vectors. */
const vectorsMax = 1024

const vectorsAt = messagesMax * Abi.messageBytes
const namesAt = vectorsAt + vectorsMax * Abi.vectorBytes
const controlsAt = namesAt + messagesMax * Abi.nameStride
const tableBytes = controlsAt + messagesMax * Abi.controlBytes

const word = (bytes: number): number => bytes >>> 2

export const make = (
  calls: SystemCalls,
  memory: PacketMemory,
  options: { readonly family: number; readonly segmentation: boolean }
): SendTable => {
  const table = new ArrayBuffer(tableBytes)
  const view = new DataView(table)
  const address = calls.addressOf(table)
  for (let message = 0; message < messagesMax; message++) {
    const at = message * Abi.messageBytes
    const control = controlsAt + message * Abi.controlBytes
    view.setBigUint64(at + Abi.messageName, address + BigInt(namesAt + message * Abi.nameStride), true)
    view.setBigUint64(at + Abi.messageControl, address + BigInt(control), true)
    view.setBigUint64(control, BigInt(Abi.controlHeaderBytes + 2), true)
    view.setUint32(control + 8, Abi.SOL_UDP, true)
    view.setUint32(control + 12, Abi.UDP_SEGMENT, true)
  }
  return {
    calls,
    family: options.family,
    words: new Uint32Array(table),
    sizes: new Uint16Array(table),
    address: Number(address),
    memoryAddress: Number(calls.addressOf(memory.bytes.buffer)),
    messagesAddress: address,
    headerAddresses: new WeakMap(),
    segmentation: options.segmentation
  }
}

/**
 * Sends the messages from `from` on. Returns the first that the system would not take now, or `groups.count` when none is
 * left. What it will not take at all is counted and passed over.
 */
export const send = (
  self: SendTable,
  socket: number,
  groups: SendGroups.SendGroups,
  batch: SendBatch,
  from: number,
  counters: PortCounters
): number => {
  let next = from
  while (next < groups.count) {
    const filled = fill(self, groups, batch, next)
    const taken = filled === 0 ? -Abi.EINVAL : self.calls.send(socket, self.messagesAddress, filled)
    if (taken > 0) {
      count(groups, next, taken, counters)
      next += taken
    } else if (taken === -Abi.EAGAIN || taken === -Abi.ENOBUFS) return next
    else if (taken !== -Abi.EINTR) {
      // EIO: the device cannot compute the checksums of what it would have to cut.
      if (taken === -Abi.EIO) self.segmentation = false
      if (groups.packets[next]! > 1) SendGroups.split(groups, batch, next)
      else {
        counters.droppedSendFailed++
        next++
      }
    }
  }
  return next
}

const count = (groups: SendGroups.SendGroups, from: number, messages: number, counters: PortCounters): void => {
  for (let group = from; group < from + messages; group++) {
    counters.sent += groups.packets[group]!
    counters.sentBytes += groups.bytes[group]!
  }
}

/** Writes message headers from message `from` on, as many as fit. 0: the first has no name in this socket's family. */
const fill = (self: SendTable, groups: SendGroups.SendGroups, batch: SendBatch, from: number): number => {
  const { sizes, words } = self
  const headers = headersAddress(self, batch)
  let messages = 0
  let vectors = 0
  for (let group = from; group < groups.count && messages < messagesMax; group++) {
    const packets = groups.packets[group]!
    if (vectors + 2 * packets > vectorsMax) break
    const firstVector = vectors
    for (let i = 0, packet = groups.first[group]!; i < packets; i++, packet = groups.next[packet]!) {
      vectors = writeVectors(self, batch, packet, headers, vectors)
    }
    if (!writeMessage(self, batch, groups.first[group]!, messages, firstVector, vectors - firstVector)) break
    const control = word(messages * Abi.messageBytes + Abi.messageControlLength)
    words[control] = packets > 1 ? Abi.controlBytes : 0
    sizes[(controlsAt + messages * Abi.controlBytes + Abi.controlHeaderBytes) >>> 1] = groups.segmentBytes[group]!
    messages++
  }
  return messages
}

/** False when the receiver's address is not of the socket's family. */
const writeMessage = (
  { address, family, words }: SendTable,
  batch: SendBatch,
  packet: number,
  message: number,
  firstVector: number,
  vectors: number
): boolean => {
  const nameAt = word(namesAt + message * Abi.nameStride)
  const nameBytes = SocketName.write(words, nameAt, family, batch.addresses, packet)
  const at = word(message * Abi.messageBytes)
  words[at + word(Abi.messageNameLength)] = nameBytes
  writeAddress(words, at + word(Abi.messageVectors), address + vectorsAt + firstVector * Abi.vectorBytes)
  words[at + word(Abi.messageVectorCount)] = vectors
  return nameBytes > 0
}

/** A packet's header and its body, as far as it has them. Returns the next free vector. */
const writeVectors = (
  { memoryAddress, words }: SendTable,
  batch: SendBatch,
  packet: number,
  headers: number,
  vector: number
): number => {
  const headerBytes = batch.headerLengths[packet]!
  const bodyBytes = batch.bodyLengths[packet]!
  let next = vector
  if (headerBytes > 0) writeVector(words, next++, headers + packet * headerBytesMax, headerBytes)
  if (bodyBytes > 0) writeVector(words, next++, memoryAddress + batch.bodyOffsets[packet]!, bodyBytes)
  return next
}

const writeVector = (words: Uint32Array, vector: number, address: number, bytes: number): void => {
  const at = word(vectorsAt + vector * Abi.vectorBytes)
  writeAddress(words, at, address)
  words[at + 2] = bytes
}

const writeAddress = (words: Uint32Array, at: number, address: number): void => {
  const low = address >>> 0
  words[at] = low
  words[at + 1] = (address - low) / 0x1_0000_0000
}

const headersAddress = (self: SendTable, batch: SendBatch): number => {
  const known = self.headerAddresses.get(batch)
  if (known !== undefined) return known
  const address = Number(self.calls.addressOf(batch.headers.buffer))
  self.headerAddresses.set(batch, address)
  return address
}
