import * as Abi from "../../../src/sockets/batched/LinuxAbi.ts"
import type { SystemCalls } from "../../../src/sockets/batched/SystemCalls.ts"
import { type Inbox, type OnDatagram, slotBytes } from "./Wire.ts"

/**
 * What recvmmsg(2) is given: a message header for each slot of the inbox. Neither senders' names nor control messages are
 * asked for, so nothing has to be written before a call. The kernel does not coalesce either (UDP_GRO): devices are far
 * apart, and their packets have to be apart when they leave the relay's machine.
 */
export interface ReceiveBatch {
  readonly slots: number
  readonly words: Uint32Array<ArrayBuffer>
  /** Of the first message header. */
  readonly address: bigint
}

const messageWords = Abi.messageBytes / 4
const lengthWord = Abi.messageLength / 4

export const make = (calls: SystemCalls, { bytes }: Inbox): ReceiveBatch => {
  const slots = bytes.length / slotBytes
  const vectorsAt = slots * Abi.messageBytes
  const table = new ArrayBuffer(vectorsAt + slots * Abi.vectorBytes)
  const view = new DataView(table)
  const address = calls.addressOf(table)
  const inboxAddress = calls.addressOf(bytes.buffer)
  for (let slot = 0; slot < slots; slot++) {
    const message = slot * Abi.messageBytes
    const vector = vectorsAt + slot * Abi.vectorBytes
    view.setBigUint64(message + Abi.messageVectors, address + BigInt(vector), true)
    view.setBigUint64(message + Abi.messageVectorCount, 1n, true)
    view.setBigUint64(vector, inboxAddress + BigInt(slot * slotBytes), true)
    view.setBigUint64(vector + 8, BigInt(slotBytes), true)
  }
  return { slots, words: new Uint32Array(table), address }
}

/** Takes in what has come at a socket, as far as there are slots. */
export const receive = (
  { address, slots, words }: ReceiveBatch,
  calls: SystemCalls,
  socket: number,
  wire: { readonly onDatagram: OnDatagram }
): void => {
  const received = calls.receive(socket, address, slots)
  if (received <= 0) return
  const nowMs = performance.now()
  for (let slot = 0; slot < received; slot++) {
    const offset = slot * slotBytes
    wire.onDatagram(offset, offset + words[slot * messageWords + lengthWord]!, nowMs)
  }
}
