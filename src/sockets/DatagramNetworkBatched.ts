import { Clock, Effect, Layer, Result, Semaphore } from "effect"
import * as GatherPace from "./batched/GatherPace.ts"
import * as Abi from "./batched/LinuxAbi.ts"
import * as Readiness from "./batched/Readiness.ts"
import * as ReceiveMemory from "./batched/ReceiveMemory.ts"
import * as ReceiveTable from "./batched/ReceiveTable.ts"
import * as SendGroups from "./batched/SendGroups.ts"
import * as SendTable from "./batched/SendTable.ts"
import * as SocketName from "./batched/SocketName.ts"
import type { SystemCalls } from "./batched/SystemCalls.ts"
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
  const coalescing =
    ReceiveTable.hasRoomToCoalesce(options.memory) && calls.setOption(socket, Abi.SOL_UDP, Abi.UDP_GRO, 1) === 0
  return { socket, family, address, segmentation, coalescing }
})

const open = Effect.fnUntraced(function* (calls: SystemCalls, options: OpenOptions) {
  const { address, coalescing, family, segmentation, socket } = yield* openSocket(calls, options)
  const readiness = Readiness.open(calls, socket)
  if (typeof readiness === "number") return yield* portNotOpened(options, failureOf(readiness))
  const sending = yield* Semaphore.make(1)
  const memory = ReceiveMemory.make()
  let isClosed = false
  let dropsAtEnd = 0

  const counters = {
    ...makePortCounters(),
    get droppedReceiveBufferFull() {
      return isClosed ? dropsAtEnd : ReceiveMemory.read(memory, calls, socket).drops
    }
  }
  const incoming = ReceiveTable.make(calls, options.memory, coalescing)
  const outgoing = SendTable.make(calls, options.memory, { family, segmentation })
  let groups = SendGroups.make(0)
  const pace = GatherPace.make()
  const clock = yield* Clock.Clock
  const nowMs = () => Number(clock.monotonicTimeNanosUnsafe()) / 1_000_000
  /** Those whose packets the system does not take at once, and who wait behind them. */
  let sendersWaiting = 0
  let pullsInRow = 0
  /** The last pull took all there was. */
  let isDrained = true

  yield* Effect.addFinalizer(() =>
    Effect.sync(() => {
      dropsAtEnd = ReceiveMemory.read(memory, calls, socket).drops
      isClosed = true
      readiness.close()
    })
  )

  const receive = (): boolean => {
    const { batch, slots } = incoming
    if (!ReceiveTable.hasMore(incoming)) {
      isDrained = ReceiveTable.receive(incoming, calls, socket) < slots
      batch.backlog = isDrained ? 0 : ReceiveMemory.read(memory, calls, socket).usedShare
    }
    ReceiveTable.take(incoming, counters)
    return batch.count > 0
  }
  const pull: Effect.Effect<PacketBatch, PortClosed> = Effect.suspend(() => {
    if (isClosed) return Effect.fail(new PortClosed())
    const goesOn = ReceiveTable.hasMore(incoming) || !isDrained
    if (goesOn && pullsInRow++ === pullsInRowMax) {
      pullsInRow = 0
      return pullLater
    }
    if (goesOn && receive()) return Effect.succeed(incoming.batch)
    pullsInRow = 0
    return Effect.flatMap(pace.gathers ? readiness.untilGathered : readiness.untilReadable, () => woken)
  })
  const pullLater = Effect.flatMap(Effect.yieldNow, () => pull)
  const woken: Effect.Effect<PacketBatch, PortClosed> = Effect.suspend(() => {
    if (isClosed) return Effect.fail(new PortClosed())
    const hasReceived = receive()
    GatherPace.handleWaking(pace, incoming.batch.count, nowMs(), Readiness.gatherMicros / 1000)
    return hasReceived ? Effect.succeed(incoming.batch) : pull
  })

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

  /** Sends what the system takes at once. The first message that it did not take; -1 when none is left. */
  const sendNow = (batch: SendBatch): number => {
    if (batch.count === 0) return -1
    if (isClosed) counters.droppedSendFailed += batch.count
    else {
      if (groups.first.length < batch.capacity) groups = SendGroups.make(batch.capacity)
      SendGroups.gather(groups, batch, outgoing.segmentation)
      counters.sentBatches++
      const next = SendTable.send(outgoing, socket, groups, batch, 0, counters)
      if (next < groups.count) return next
    }
    reset(batch)
    return -1
  }

  const sendInTurn = (batch: SendBatch): Effect.Effect<void> => {
    const next = sendNow(batch)
    return next < 0 ? Effect.void : sendRest(batch, next)
  }

  const send = (batch: SendBatch): Effect.Effect<void> =>
    Effect.suspend(() => {
      const next = sendersWaiting > 0 ? 0 : sendNow(batch)
      if (next < 0) return Effect.void
      const inTurn = sendersWaiting++ > 0 ? Effect.suspend(() => sendInTurn(batch)) : sendRest(batch, next)
      return Effect.uninterruptible(Effect.ensuring(sending.withPermit(inTurn), oneFewerWaits))
    })
  const oneFewerWaits = Effect.sync(() => {
    sendersWaiting--
  })

  const description = `batched system calls, ${segmentation ? "segmentation offload" : "no segmentation offload: the kernel is older than 4.18"}`
  return { address, description, pull, send, counters } satisfies DatagramPort
})

/** Ports that receive and send in batches of system calls. */
export const layer = (calls: SystemCalls): Layer.Layer<DatagramNetwork> =>
  Layer.succeed(DatagramNetwork, { open: (options) => open(calls, options) })
