import { Clock, Effect, Layer, Result } from "effect"
import * as Dgram from "node:dgram"
import {
  DatagramNetwork,
  makePortCounters,
  type OpenFailure,
  type OpenOptions,
  PortClosed,
  portNotOpened
} from "./DatagramNetwork.ts"
import * as KernelBuffers from "./KernelBuffers.ts"
import * as PackedAddress from "./PackedAddress.ts"
import { type PacketBatch, reset, type SendBatch } from "./PacketBatch.ts"
import * as DatagramInbox from "./portable/DatagramInbox.ts"
import * as DatagramOutbox from "./portable/DatagramOutbox.ts"
import * as Hosts from "./portable/Hosts.ts"
import * as WakePace from "./portable/WakePace.ts"

const failureOf = (error: NodeJS.ErrnoException): OpenFailure => {
  switch (error.code) {
    case "EADDRINUSE":
      return "AddressInUse"
    case "EADDRNOTAVAIL":
      return "AddressNotAvailable"
    case "EACCES":
    case "EPERM":
      return "PermissionDenied"
    default:
      return { detail: error.message }
  }
}

/** Packets that count as having arrived together while they wait: to read the clock costs more than to put one away. */
const packetsOfOneTime = 16

/** Only Linux says what it gives in a way that is known here. */
const shortcomingsOf = (socket: Dgram.Socket): ReadonlyArray<string> =>
  process.platform !== "linux"
    ? []
    : KernelBuffers.shortcomings({
        receive: KernelBuffers.fromLinux(socket.getRecvBufferSize()),
        send: KernelBuffers.fromLinux(socket.getSendBufferSize())
      })

const openSocket = (options: OpenOptions, isIpv6: boolean) =>
  Effect.acquireRelease(
    Effect.callback<Dgram.Socket, ReturnType<typeof portNotOpened>>((resume) => {
      const socket = Dgram.createSocket({
        type: isIpv6 ? "udp6" : "udp4",
        recvBufferSize: KernelBuffers.kernelBufferBytes,
        sendBufferSize: KernelBuffers.kernelBufferBytes,
        // There are only addresses here: Node's own look-up of an address takes a turn of the event loop.
        lookup: (host, _options, found) => found(null, host, isIpv6 ? 6 : 4)
      })
      socket.once("error", (error) => {
        socket.close()
        resume(Effect.fail(portNotOpened(options, failureOf(error))))
      })
      socket.bind({ address: options.host, port: options.port, exclusive: true }, () => {
        socket.removeAllListeners("error")
        // An error of an open port concerns a datagram that is lost anyway.
        socket.on("error", () => {})
        resume(Effect.succeed(socket))
      })
    }),
    (socket) => Effect.callback<void>((resume) => void socket.close(() => resume(Effect.void)))
  )

const open = Effect.fnUntraced(function* (options: OpenOptions, description: string) {
  const wanted = PackedAddress.fromHost(options.host, options.port)
  if (Result.isFailure(wanted)) return yield* portNotOpened(options, { detail: wanted.failure.message })
  const isIpv6 = !PackedAddress.isIpv4(wanted.success)
  const socket = yield* openSocket(options, isIpv6)
  const counters = makePortCounters()
  const wordsOf = Hosts.makeHostWords()
  const inbox = DatagramInbox.make(options.memory, counters)
  const outbox = DatagramOutbox.make(socket, options.memory, counters, isIpv6)
  const pace = WakePace.make()
  const clock = yield* Clock.Clock
  const nowMs = () => Number(clock.monotonicTimeNanosUnsafe()) / 1_000_000
  let isClosed = false
  let wake: (() => void) | undefined
  let readMs = nowMs()

  socket.on("message", (payload, { address, port }) => {
    if (inbox.waiting() % packetsOfOneTime === 0) readMs = nowMs()
    inbox.put(payload, wordsOf(address), port, readMs)
    if (wake === undefined) return
    // The reader may be waiting again before this call returns.
    const wakeReader = wake
    wake = undefined
    wakeReader()
  })
  yield* Effect.addFinalizer(() =>
    Effect.sync(() => {
      isClosed = true
      wake?.()
    })
  )

  const arrival = Effect.callback<void>((resume) => {
    wake = () => resume(Effect.void)
    return Effect.sync(() => {
      wake = undefined
    })
  })
  const pull: Effect.Effect<PacketBatch, PortClosed> = Effect.suspend(() => {
    if (isClosed) return Effect.fail(new PortClosed())
    if (!inbox.isEmpty()) return Effect.succeed(inbox.take())
    return Effect.andThen(pace.waits ? arrivalOfAll : arrival, arrived)
  })
  const arrivalOfAll = Effect.andThen(arrival, Effect.yieldNow)
  const arrived = Effect.suspend(() => {
    WakePace.handleBatch(pace, inbox.waiting(), readMs)
    return pull
  })

  const send = (batch: SendBatch): Effect.Effect<void> =>
    Effect.suspend(() => {
      if (isClosed) counters.droppedSendFailed += batch.count
      else if (batch.count > 0) {
        counters.sentBatches++
        outbox.send(batch)
      }
      reset(batch)
      return outbox.isFull() ? outbox.untilEmpty : Effect.void
    })

  const bound = socket.address()
  const address = PackedAddress.take(wordsOf(bound.address), 0)
  address[0] = bound.port
  return { address, description, shortcomings: shortcomingsOf(socket), pull, send, counters }
})

const described = (description: string): Layer.Layer<DatagramNetwork> =>
  Layer.succeed(DatagramNetwork, { open: (options) => open(options, description) })

/** Ports of Node's `dgram`. Runs everywhere; one system call a packet. */
export const layer: Layer.Layer<DatagramNetwork> = described("portable, one system call a packet")

/** The same, where something better was to be had but for a reason. */
export const layerFor = (reason: string): Layer.Layer<DatagramNetwork> =>
  described(`portable, one system call a packet: ${reason}`)
