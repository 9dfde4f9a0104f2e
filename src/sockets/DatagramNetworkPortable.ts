import { NodeDatagramSocket } from "@effect/platform-node"
import { Effect, Layer, Result, Semaphore } from "effect"
import { NetAddress } from "effect/net"
import type { DatagramSocket } from "effect/socket"
import {
  DatagramNetwork,
  makePortCounters,
  type OpenOptions,
  PortClosed,
  type PortCounters,
  portNotOpened
} from "./DatagramNetwork.ts"
import * as PackedAddress from "./PackedAddress.ts"
import {
  addressWords,
  join,
  makePacketBatch,
  type PacketBatch,
  packetBytes,
  reset,
  type SendBatch
} from "./PacketBatch.ts"
import { datagramBytesMax, type PacketMemory, slotBytes } from "./PacketMemory.ts"

/** Datagrams that wait between Node and the next pull; beyond, the oldest are dropped: fresh media is worth more. */
const receiveBufferPackets = 4096

/** The kernel's own buffers, asked for; it may give less. Its default of 208 KB overflows within a burst. Bytes. */
const kernelBufferBytes = 4 * 1024 * 1024

/** Destinations kept in Effect's form. When they are full they are made anew. */
const destinationsMax = 4096

const openSocket = Effect.fnUntraced(function* (options: OpenOptions) {
  const socket = yield* NodeDatagramSocket.make({
    bind: { address: options.host, port: options.port },
    ipv6Only: false,
    kernelReceiveBufferSize: kernelBufferBytes,
    kernelSendBufferSize: kernelBufferBytes,
    receiveBuffer: { capacity: receiveBufferPackets, strategy: "sliding" }
  })
  const reader = yield* socket.reader.pipe(
    Effect.mapError(({ reason }) =>
      portNotOpened(
        options,
        reason._tag === "DatagramSocketOpenError" && reason.kind !== "Unknown"
          ? reason.kind
          : { detail: reason.message }
      )
    )
  )
  const writer = yield* socket.writer
  return { reader, writer }
})

/** Fills one batch after the other from what the socket had; more than the receive slots waits for the next pull. */
const makeReceiver = (memory: PacketMemory, counters: PortCounters) => {
  const batch = makePacketBatch(memory.receiveSlots)
  let arrived: ReadonlyArray<DatagramSocket.Datagram> = []
  let taken = 0

  const fill = (): PacketBatch => {
    batch.count = 0
    while (taken < arrived.length && batch.count < memory.receiveSlots) {
      const { address, payload } = arrived[taken++]!
      if (payload.length > datagramBytesMax) {
        counters.droppedOversized++
        continue
      }
      const place = batch.count++
      const offset = place * slotBytes
      memory.bytes.set(payload, offset)
      batch.offsets[place] = offset
      batch.lengths[place] = payload.length
      PackedAddress.set(batch.addresses, place, address)
      counters.receivedBytes += payload.length
    }
    if (taken === arrived.length) arrived = []
    counters.received += batch.count
    counters.receivedBatches++
    return batch
  }

  return {
    hasWaiting: () => arrived.length > 0,
    fill,
    accept: (datagrams: ReadonlyArray<DatagramSocket.Datagram>): PacketBatch => {
      arrived = datagrams
      taken = 0
      return fill()
    }
  }
}

/** A socket of IPv6 reaches IPv4 by the mapped form of its address. */
const makeDestinations = (isIpv6Socket: boolean) => {
  const known = new Map<number | string, NetAddress.InetAddress>()
  return (addresses: Uint32Array, index: number): NetAddress.InetAddress => {
    const key = PackedAddress.key(addresses, index)
    const cached = known.get(key)
    if (cached !== undefined) return cached
    const ip = PackedAddress.toIpAddress(addresses, index)
    const destination = NetAddress.inetAddressUnsafe(
      isIpv6Socket && NetAddress.isIpv4Address(ip) ? NetAddress.toIpv4Mapped(ip) : ip,
      addresses[index * addressWords]!
    )
    if (known.size === destinationsMax) known.clear()
    known.set(key, destination)
    return destination
  }
}

interface Outgoing {
  readonly payload: Uint8Array
  readonly address: NetAddress.InetAddress
}

/** Joins headers and bodies, since Node sends contiguous bytes. What it returns is valid until the next call. */
const makeGatherer = (memory: PacketMemory, destinationOf: ReturnType<typeof makeDestinations>) => {
  let joined = new Uint8Array(0)
  return (batch: SendBatch): ReadonlyArray<Outgoing> => {
    let bytes = 0
    for (let place = 0; place < batch.count; place++) bytes += packetBytes(batch, place)
    if (joined.length < bytes) joined = new Uint8Array(bytes * 2)
    const outgoing: Array<Outgoing> = []
    let start = 0
    for (let place = 0; place < batch.count; place++) {
      const end = join(batch, place, memory, joined, start)
      outgoing.push({ payload: joined.subarray(start, end), address: destinationOf(batch.addresses, place) })
      start = end
    }
    return outgoing
  }
}

const open = Effect.fnUntraced(function* (options: OpenOptions) {
  const wanted = PackedAddress.fromHost(options.host, options.port)
  if (Result.isFailure(wanted)) return yield* portNotOpened(options, { detail: wanted.failure.message })
  const { reader, writer } = yield* openSocket(options)
  const sending = yield* Semaphore.make(1)
  let isClosed = false
  yield* Effect.addFinalizer(() =>
    Effect.sync(() => {
      isClosed = true
    })
  )

  const counters: PortCounters = {
    ...makePortCounters(),
    get droppedReceiveBufferFull() {
      return reader.dropped()
    }
  }
  const receiver = makeReceiver(options.memory, counters)
  const gather = makeGatherer(options.memory, makeDestinations(NetAddress.isInetAddressV6(reader.address)))

  // A waiting reader is woken by the first datagram: after the yield those that came with it are there too.
  const receive = Effect.yieldNow.pipe(
    Effect.andThen(reader.pull),
    Effect.mapBoth({ onSuccess: receiver.accept, onFailure: () => new PortClosed() })
  )
  const pull: Effect.Effect<PacketBatch, PortClosed> = Effect.suspend(() =>
    receiver.hasWaiting() ? Effect.succeed(receiver.fill()) : receive
  ).pipe(Effect.flatMap((batch) => (batch.count === 0 ? pull : Effect.succeed(batch))))

  // One by one, since `writeAll` does not tell which of its datagrams failed; Node makes a system call for each anyway.
  // A closed socket would let the write wait for ever.
  const write = (datagram: Outgoing): Effect.Effect<void> =>
    isClosed
      ? Effect.sync(() => void counters.droppedSendFailed++)
      : Effect.match(writer.write(datagram), {
          onSuccess: () => {
            counters.sent++
            counters.sentBytes += datagram.payload.length
          },
          onFailure: () => void counters.droppedSendFailed++
        })

  // Until a write has completed, Node may still read the joined bytes: neither interruption nor the next batch may come
  // between.
  const send = (batch: SendBatch): Effect.Effect<void> =>
    Effect.suspend(() => {
      const outgoing = gather(batch)
      reset(batch)
      if (outgoing.length > 0) counters.sentBatches++
      return Effect.forEach(outgoing, write, { discard: true })
    }).pipe(Effect.uninterruptible, sending.withPermit)

  return { address: PackedAddress.fromInetAddress(reader.address), pull, send, counters }
})

/** Ports of Node's `dgram`, through Effect. Runs everywhere; one system call a packet. */
export const layer: Layer.Layer<DatagramNetwork> = Layer.succeed(DatagramNetwork, { open })
