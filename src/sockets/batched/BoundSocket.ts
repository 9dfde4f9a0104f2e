import { Effect, Result } from "effect"
import { type OpenFailure, type OpenOptions, portNotOpened } from "../DatagramNetwork.ts"
import * as KernelBuffers from "../KernelBuffers.ts"
import * as PackedAddress from "../PackedAddress.ts"
import { addressWords } from "../PacketBatch.ts"
import * as Abi from "./LinuxAbi.ts"
import * as ReceivePace from "./ReceivePace.ts"
import * as ReceiveTable from "./ReceiveTable.ts"
import * as SocketName from "./SocketName.ts"
import type { SystemCalls } from "./SystemCalls.ts"

/** An open socket, and what the kernel can do with it. */
export interface BoundSocket {
  readonly socket: number
  readonly family: number
  /** Where it is bound, packed. */
  readonly address: Uint32Array
  readonly buffers: KernelBuffers.Given
  /** Whether the kernel cuts one message into many datagrams when it sends: UDP_SEGMENT, since Linux 4.18. */
  readonly segmentation: boolean
  /** Whether it may hand over many datagrams as one when they have arrived: UDP_GRO, since Linux 5.0. */
  readonly coalescing: boolean
}

/** What a system call's result says, to people. */
export const failureOf = (result: number): OpenFailure => {
  switch (-result) {
    case Abi.EADDRINUSE:
      return "AddressInUse"
    case Abi.EADDRNOTAVAIL:
      return "AddressNotAvailable"
    case Abi.EACCES:
    case Abi.EPERM:
      return "PermissionDenied"
    default:
      return { detail: `error ${-result}` }
  }
}

/** A socket that does not block; of both families when it is bound to an IPv6 address. Closed with the scope. */
export const open = Effect.fnUntraced(function* (calls: SystemCalls, options: OpenOptions) {
  const wanted = PackedAddress.fromHost(options.host, options.port)
  if (Result.isFailure(wanted)) return yield* portNotOpened(options, { detail: wanted.failure.message })
  const family = PackedAddress.isIpv4(wanted.success) ? Abi.AF_INET : Abi.AF_INET6
  const socket = calls.socket(family, Abi.SOCK_DGRAM | Abi.SOCK_NONBLOCK | Abi.SOCK_CLOEXEC)
  if (socket < 0) return yield* portNotOpened(options, failureOf(socket))
  yield* Effect.addFinalizer(() => Effect.sync(() => calls.close(socket)))
  if (family === Abi.AF_INET6) calls.setOption(socket, Abi.IPPROTO_IPV6, Abi.IPV6_V6ONLY, 0)

  const words = new Uint32Array(Abi.nameStride / 4)
  const nameBytes = SocketName.write(words, 0, family, wanted.success, 0)
  const name = new Uint8Array(words.buffer, 0, nameBytes)
  const bound = calls.bind(socket, name)
  if (bound < 0) return yield* portNotOpened(options, failureOf(bound))
  calls.nameOf(socket, name)
  const address = new Uint32Array(addressWords)
  SocketName.read(words, 0, address, 0)
  calls.setReceiveTimeout(socket, ReceivePace.blockMs)
  const buffers = enlargeBuffers(calls, socket)
  // Asking for segments of no size changes nothing and says whether there is such an option.
  const segmentation = calls.setOption(socket, Abi.SOL_UDP, Abi.UDP_SEGMENT, 0) === 0
  const coalescing =
    ReceiveTable.hasRoomToCoalesce(options.memory) && calls.setOption(socket, Abi.SOL_UDP, Abi.UDP_GRO, 1) === 0
  return { socket, family, address, buffers, segmentation, coalescing } satisfies BoundSocket
})

/** Whoever may administrate the network gets what he asks for; the others what the system's limit allows. */
const enlargeBuffers = (calls: SystemCalls, socket: number): KernelBuffers.Given => {
  const enlarge = (force: number, option: number): number | undefined => {
    if (calls.setOption(socket, Abi.SOL_SOCKET, force, KernelBuffers.kernelBufferBytes) < 0) {
      calls.setOption(socket, Abi.SOL_SOCKET, option, KernelBuffers.kernelBufferBytes)
    }
    const said = new Uint32Array(1)
    const result = calls.getOption(socket, Abi.SOL_SOCKET, option, new Uint8Array(said.buffer))
    return result < 0 ? undefined : KernelBuffers.fromLinux(said[0]!)
  }
  return {
    receive: enlarge(Abi.SO_RCVBUFFORCE, Abi.SO_RCVBUF),
    send: enlarge(Abi.SO_SNDBUFFORCE, Abi.SO_SNDBUF)
  }
}
