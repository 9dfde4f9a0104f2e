import { Result } from "effect"
import { createRequire } from "node:module"
import type * as Ffi from "node:ffi"
import * as Abi from "../../../src/sockets/batched/LinuxAbi.ts"
import * as SocketName from "../../../src/sockets/batched/SocketName.ts"
import * as SystemCalls from "../../../src/sockets/batched/SystemCalls.ts"
import * as PackedAddress from "../../../src/sockets/PackedAddress.ts"
import { addressWords } from "../../../src/sockets/PacketBatch.ts"
import * as DgramWires from "./DgramWires.ts"
import type { RelayPlace } from "./LoadOrder.ts"
import * as PacketTrain from "./PacketTrain.ts"
import * as ReceiveBatch from "./ReceiveBatch.ts"
import { makeInbox, type Wire, type Wires } from "./Wire.ts"

/** Asked for; the kernel's default overflows within a burst. Bytes. */
const kernelBufferBytes = 1 << 20
/** Taken in with one call. Datagrams. */
const receiveSlots = 64
/** Asked in one turn, so that what is due is not left waiting. */
const socketsPerPoll = 16

/** connect(2): the kernel looks the way to the relay up once, and not for every packet. The product's sockets have many receivers. */
const loadConnect = () => {
  const ffi = createRequire(import.meta.url)("node:ffi") as typeof Ffi
  return ffi.dlopen("libc.so.6", { connect: { arguments: ["i32", "pointer", "u32"], return: "i32" } }).functions.connect
}

/** The name of an address of IPv4, as the kernel has it. */
const nameOf = ({ host, port }: RelayPlace): Uint8Array<ArrayBuffer> => {
  const words = new Uint32Array(Abi.nameBytesIpv4 / 4)
  SocketName.write(words, 0, Abi.AF_INET, Result.getOrThrow(PackedAddress.fromHost(host, port)), 0)
  return new Uint8Array(words.buffer)
}

const orThrow = (result: number, what: string): number => {
  if (result < 0) throw new Error(`the load generator has no socket: ${what} fails with error ${-result}`)
  return result
}

/** Many sockets that receive and send in batches of system calls, into one memory. None of them has a place in the event loop. */
export const make = (): Wires => {
  const calls = SystemCalls.load()
  if ("reason" in calls) return DgramWires.make(calls.reason)
  const connect = loadConnect()
  const inbox = makeInbox(receiveSlots)
  const incoming = ReceiveBatch.make(calls, inbox)
  const sockets: Array<number> = []
  /** Of each socket, at the same place. */
  const wires: Array<Wire> = []
  let next = 0

  const open = async (to: RelayPlace | undefined): Promise<Wire> => {
    const socket = orThrow(calls.socket(Abi.AF_INET, Abi.SOCK_DGRAM | Abi.SOCK_NONBLOCK | Abi.SOCK_CLOEXEC), "socket")
    sockets.push(socket)
    calls.setOption(socket, Abi.SOL_SOCKET, Abi.SO_RCVBUF, kernelBufferBytes)
    calls.setOption(socket, Abi.SOL_SOCKET, Abi.SO_SNDBUF, kernelBufferBytes)
    const name = nameOf({ host: "127.0.0.1", port: 0 })
    orThrow(calls.bind(socket, name), "bind")
    orThrow(calls.nameOf(socket, name), "getsockname")
    const address = new Uint32Array(addressWords)
    SocketName.read(new Uint32Array(name.buffer), 0, address, 0)
    if (to !== undefined) {
      const other = nameOf(to)
      orThrow(connect(socket, other, other.length), "connect")
    }
    const hasSegmentation = calls.setOption(socket, Abi.SOL_UDP, Abi.UDP_SEGMENT, 0) === 0
    const wire: Wire = {
      address,
      onDatagram: () => {},
      send: (datagram) => {
        const train = PacketTrain.make(calls, socket, datagram.length, 1, false)
        train.bytes.set(datagram)
        train.send(1, false)
      },
      prepare: (packetBytes, packetsMax) => PacketTrain.make(calls, socket, packetBytes, packetsMax, hasSegmentation)
    }
    wires.push(wire)
    return wire
  }

  const poll = (): void => {
    for (let asked = Math.min(socketsPerPoll, wires.length); asked > 0; asked--) {
      ReceiveBatch.receive(incoming, calls, sockets[next]!, wires[next]!)
      if (++next === wires.length) next = 0
    }
  }

  const closeAll = (): void => {
    for (const socket of sockets) calls.close(socket)
    sockets.length = 0
    wires.length = 0
    next = 0
  }

  const dropped = () => sockets.reduce((sum, socket) => sum + droppedOf(calls, socket), 0)
  return { inbox, open, poll, dropped, closeAll, notBatched: undefined }
}

/** SK_MEMINFO_DROPS of linux/sock_diag.h, and how many numbers there are. */
const dropsIndex = 8
const memoryInformation = new Uint32Array(9)

const droppedOf = (calls: SystemCalls.SystemCalls, socket: number): number => {
  const bytes = new Uint8Array(memoryInformation.buffer)
  return calls.getOption(socket, Abi.SOL_SOCKET, Abi.SO_MEMINFO, bytes) < 0 ? 0 : memoryInformation[dropsIndex]!
}
