import { Effect, Layer, Result, Semaphore } from "effect"
import * as Abi from "./batched/LinuxAbi.ts"
import * as ReceiveTable from "./batched/ReceiveTable.ts"
import * as SendGroups from "./batched/SendGroups.ts"
import * as SendTable from "./batched/SendTable.ts"
import * as SocketName from "./batched/SocketName.ts"
import { readable, type SocketWatch, type SystemCalls, writable } from "./batched/SystemCalls.ts"
import {
  DatagramNetwork,
  type DatagramPort,
  makePortCounters,
  type OpenFailure,
  type OpenOptions,
  PortClosed,
  portNotOpened
} from "./DatagramNetwork.ts"
import * as PackedAddress from "./PackedAddress.ts"
import { addressWords, type PacketBatch, reset, type SendBatch } from "./PacketBatch.ts"

/** The kernel's own buffers, asked for; it may give less. Its default of 208 KB overflows within a burst. Bytes. */
const kernelBufferBytes = 4 * 1024 * 1024

/** Pulls in a row that find something at once; then timers and control messages have their turn. */
const pullsInRowMax = 16

/** How long a full send queue is waited for; what is left then is dropped: old media is worth nothing. */
const sendWaitMs = 5

/** Events that somebody waits for, in Node's event loop. */
const makeReadiness = (calls: SystemCalls, socket: number) => {
  let receiver: (() => void) | undefined
  let sender: (() => void) | undefined
  let watched = 0

  const watch = (events: number): void => {
    if (watched === events) return
    watched = events
    if (events === 0) handle.stop()
    else handle.start(events)
  }

  /** Called out of the event loop's own C code: an exception that left this function would abort the process. */
  const onReady = (events: number): void => {
    try {
      const toReceive = (events & readable) === 0 ? undefined : receiver
      const toSend = (events & writable) === 0 ? undefined : sender
      if (toReceive !== undefined) receiver = undefined
      if (toSend !== undefined) sender = undefined
      toReceive?.()
      toSend?.()
      // What nobody waits for would be told again in every turn of the loop.
      watch((receiver === undefined ? 0 : readable) | (sender === undefined ? 0 : writable))
    } catch (error) {
      queueMicrotask(() => {
        throw error
      })
    }
  }

  const opened = calls.watch(socket, onReady)
  if (typeof opened === "number") return opened
  const handle: SocketWatch = opened

  const untilReadable = Effect.callback<void>((resume) => {
    receiver = () => resume(Effect.void)
    watch(watched | readable)
    return Effect.sync(() => {
      receiver = undefined
    })
  })
  const untilWritable = Effect.callback<void>((resume) => {
    sender = () => resume(Effect.void)
    watch(watched | writable)
    return Effect.sync(() => {
      sender = undefined
    })
  })

  return {
    untilReadable,
    untilWritable,
    /** Whoever waits is woken. */
    close: () => {
      handle.close()
      receiver?.()
      sender?.()
    }
  }
}

const failureOf = (result: number): OpenFailure => {
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

/** A bound socket that does not block. */
const openSocket = Effect.fnUntraced(function* (calls: SystemCalls, options: OpenOptions) {
  const wanted = PackedAddress.fromHost(options.host, options.port)
  if (Result.isFailure(wanted)) return yield* portNotOpened(options, { detail: wanted.failure.message })
  const family = PackedAddress.isIpv4(wanted.success) ? Abi.AF_INET : Abi.AF_INET6
  const socket = calls.socket(family, Abi.SOCK_DGRAM | Abi.SOCK_NONBLOCK | Abi.SOCK_CLOEXEC)
  if (socket < 0) return yield* portNotOpened(options, failureOf(socket))
  yield* Effect.addFinalizer(() => Effect.sync(() => calls.close(socket)))
  if (family === Abi.AF_INET6) calls.setOption(socket, Abi.IPPROTO_IPV6, Abi.IPV6_V6ONLY, 0)
  calls.setOption(socket, Abi.SOL_SOCKET, Abi.SO_RCVBUF, kernelBufferBytes)
  calls.setOption(socket, Abi.SOL_SOCKET, Abi.SO_SNDBUF, kernelBufferBytes)

  const words = new Uint32Array(Abi.nameStride / 4)
  const nameBytes = SocketName.write(words, 0, family, wanted.success, 0)
  const name = new Uint8Array(words.buffer, 0, nameBytes)
  const bound = calls.bind(socket, name)
  if (bound < 0) return yield* portNotOpened(options, failureOf(bound))
  calls.nameOf(socket, name)
  const address = new Uint32Array(addressWords)
  SocketName.read(words, 0, address, 0)
  // Asking for segments of no size changes nothing and says whether there is such an option.
  const segmentation = calls.setOption(socket, Abi.SOL_UDP, Abi.UDP_SEGMENT, 0) === 0
  return { socket, family, address, segmentation }
})

const memoryInformation = new Uint32Array(9)
/** SK_MEMINFO_DROPS of linux/sock_diag.h. */
const dropsIndex = 8

/** Datagrams that found the socket's receive buffer full, since it was opened. */
const dropsOf = (calls: SystemCalls, socket: number): number => {
  const bytes = new Uint8Array(memoryInformation.buffer)
  return calls.getOption(socket, Abi.SOL_SOCKET, Abi.SO_MEMINFO, bytes) < 0 ? 0 : memoryInformation[dropsIndex]!
}

const open = Effect.fnUntraced(function* (calls: SystemCalls, options: OpenOptions) {
  const { address, family, segmentation, socket } = yield* openSocket(calls, options)
  const readiness = makeReadiness(calls, socket)
  if (typeof readiness === "number") return yield* portNotOpened(options, failureOf(readiness))
  const sending = yield* Semaphore.make(1)
  let isClosed = false
  let dropsAtEnd = 0

  const counters = {
    ...makePortCounters(),
    get droppedReceiveBufferFull() {
      return isClosed ? dropsAtEnd : dropsOf(calls, socket)
    }
  }
  const incoming = ReceiveTable.make(calls, options.memory)
  const outgoing = SendTable.make(calls, options.memory, { family, segmentation })
  let groups = SendGroups.make(0)
  let pullsInRow = 0

  yield* Effect.addFinalizer(() =>
    Effect.sync(() => {
      dropsAtEnd = dropsOf(calls, socket)
      isClosed = true
      readiness.close()
    })
  )

  const pull: Effect.Effect<PacketBatch, PortClosed> = Effect.suspend(() => {
    if (isClosed) return Effect.fail(new PortClosed())
    if (pullsInRow++ < pullsInRowMax) {
      ReceiveTable.receive(incoming, calls, socket, counters)
      if (incoming.batch.count > 0) return Effect.succeed(incoming.batch)
    }
    pullsInRow = 0
    return waitThenPull
  })
  const waitThenPull = Effect.flatMap(readiness.untilReadable, () => pull)

  /** Goes on from message `from` when the system takes more, or drops what is left when it does not in time. */
  const sendRest = (batch: SendBatch, from: number): Effect.Effect<void> =>
    Effect.timeoutOption(readiness.untilWritable, sendWaitMs).pipe(
      Effect.flatMap(() => {
        const next = isClosed ? from : SendTable.send(outgoing, socket, groups, batch, from, counters)
        if (next < groups.count && next > from) return sendRest(batch, next)
        for (let group = next; group < groups.count; group++) counters.droppedSendFailed += groups.packets[group]!
        return Effect.sync(() => reset(batch))
      })
    )

  const send = (batch: SendBatch): Effect.Effect<void> =>
    Effect.suspend(() => {
      if (batch.count === 0) return Effect.void
      if (isClosed) {
        counters.droppedSendFailed += batch.count
        return Effect.sync(() => reset(batch))
      }
      if (groups.first.length < batch.capacity) groups = SendGroups.make(batch.capacity)
      SendGroups.gather(groups, batch, outgoing.segmentation)
      counters.sentBatches++
      const next = SendTable.send(outgoing, socket, groups, batch, 0, counters)
      if (next < groups.count) return sendRest(batch, next)
      reset(batch)
      return Effect.void
    }).pipe(Effect.uninterruptible, sending.withPermit)

  const description = `batched system calls, ${segmentation ? "segmentation offload" : "no segmentation offload: the kernel is older than 4.18"}`
  return { address, description, pull, send, counters } satisfies DatagramPort
})

/** Ports that receive and send in batches of system calls. */
export const layer = (calls: SystemCalls): Layer.Layer<DatagramNetwork> =>
  Layer.succeed(DatagramNetwork, { open: (options) => open(calls, options) })
