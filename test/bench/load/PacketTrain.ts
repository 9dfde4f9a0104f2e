import * as Abi from "../../../src/sockets/batched/LinuxAbi.ts"
import { messageBytesMax, segmentsMax } from "../../../src/sockets/batched/SendGroups.ts"
import type { SystemCalls } from "../../../src/sockets/batched/SystemCalls.ts"
import type { Train } from "./Wire.ts"

/**
 * Packets of one connected socket with all that sendmmsg(2) has to be told about them, written once: for every packet a
 * message of its own, and one message for many of them that the kernel cuts (UDP_SEGMENT, udp(7)).
 */

/** The kernel may be out of memory for a moment. One that takes nothing for so long is no place for a benchmark. */
const triesMax = 1000
/** Packets begin where a cache line does. Bytes. */
const alignBytes = 64

const isPassing = (error: number): boolean =>
  error === -Abi.EAGAIN || error === -Abi.ENOBUFS || error === -Abi.EINTR || error === -Abi.ECONNREFUSED

export const make = (
  calls: SystemCalls,
  socket: number,
  packetBytes: number,
  packetsMax: number,
  hasSegmentation: boolean
): Train => {
  const vectorsAt = (packetsMax + 1) * Abi.messageBytes
  const controlAt = vectorsAt + (packetsMax + 1) * Abi.vectorBytes
  const packetsAt = Math.ceil((controlAt + Abi.controlBytes) / alignBytes) * alignBytes
  const table = new ArrayBuffer(packetsAt + packetsMax * packetBytes)
  const fields = new DataView(table)
  const address = calls.addressOf(table)
  const write = (at: number, value: number) => fields.setBigUint64(at, BigInt(value), true)
  const writeAddress = (at: number, offset: number) => fields.setBigUint64(at, address + BigInt(offset), true)

  for (let message = 0; message <= packetsMax; message++) {
    const vector = vectorsAt + message * Abi.vectorBytes
    writeAddress(message * Abi.messageBytes + Abi.messageVectors, vector)
    write(message * Abi.messageBytes + Abi.messageVectorCount, 1)
    writeAddress(vector, packetsAt + message * packetBytes)
    write(vector + 8, packetBytes)
  }
  /** The last message is the one for many. */
  const frame = packetsMax * Abi.messageBytes
  const frameVector = vectorsAt + packetsMax * Abi.vectorBytes
  const frameAddress = address + BigInt(frame)
  writeAddress(frame + Abi.messageControl, controlAt)
  write(frame + Abi.messageControlLength, Abi.controlBytes)
  write(controlAt, Abi.controlHeaderBytes + 2)
  fields.setUint32(controlAt + 8, Abi.SOL_UDP, true)
  fields.setUint32(controlAt + 12, Abi.UDP_SEGMENT, true)
  fields.setUint16(controlAt + Abi.controlHeaderBytes, packetBytes, true)
  const segments = Math.max(1, Math.min(segmentsMax, Math.floor(messageBytesMax / packetBytes)))
  let segmentation = hasSegmentation

  /** How many of the messages the kernel has taken: one at least, or none when it cannot do what it is asked for. */
  const take = (messages: bigint, count: number): number => {
    for (let tries = 0; tries < triesMax; tries++) {
      const taken = calls.send(socket, messages, count)
      if (taken > 0) return taken
      if (!isPassing(taken)) return taken
    }
    throw new Error("the load generator's system does not send: its buffers are full")
  }

  const sendEach = (from: number, end: number): void => {
    for (let next = from; next < end;) {
      const first = next === 0 ? address : address + BigInt(next * Abi.messageBytes)
      const taken = take(first, end - next)
      if (taken < 0) throw new Error(`the load generator cannot send: sendmmsg fails with error ${-taken}`)
      next += taken
    }
  }

  const sendFrame = (packets: number): void => {
    for (let next = 0; next < packets; next += segments) {
      const count = Math.min(segments, packets - next)
      writeAddress(frameVector, packetsAt + next * packetBytes)
      write(frameVector + 8, count * packetBytes)
      if (take(frameAddress, 1) > 0) continue
      segmentation = false
      return sendEach(next, packets)
    }
  }

  return {
    packetBytes,
    bytes: new Uint8Array(table, packetsAt),
    view: new DataView(table, packetsAt),
    send: (packets, isFrame) => {
      if (isFrame && segmentation) sendFrame(packets)
      else sendEach(0, packets)
    }
  }
}
