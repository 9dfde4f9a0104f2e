import { Effect, Exit, Scope, Semaphore } from "effect"
import * as Leg from "../../media/Leg.ts"
import * as PacketRings from "../../media/PacketRings.ts"
import type { WithheldPackets } from "../../media/WithheldPackets.ts"
import { DatagramNetwork, type DatagramPort, type PortNotOpened } from "../../sockets/DatagramNetwork.ts"
import * as PacketBatch from "../../sockets/PacketBatch.ts"
import * as PacketMemory from "../../sockets/PacketMemory.ts"

/**
 * The UDP port of a device with the memory of its packets. The port can be exchanged for a fresh one; memory, and so the
 * packets that may be sent again, stay.
 */
export interface DevicePort {
  readonly resources: Leg.LegResources
  /** One for each fiber that sends: a batch that is being sent must not be filled. */
  readonly batches: {
    readonly received: PacketBatch.SendBatch
    readonly timers: PacketBatch.SendBatch
    /** These two are for whoever holds their permit. */
    readonly control: PacketBatch.SendBatch
    readonly media: PacketBatch.SendBatch
  }
  readonly send: (batch: PacketBatch.SendBatch) => Effect.Effect<void>
  /** Sends one control message. */
  readonly sendMessage: (bytes: Uint8Array, address: Uint32Array) => Effect.Effect<void>
  /** Fills and sends the batch for media. */
  readonly sendMedia: (fill: (batch: PacketBatch.SendBatch) => void) => Effect.Effect<void>
  /** Closes the port, if one is open, and opens another. */
  readonly open: Effect.Effect<void, PortNotOpened>
  /** Of all ports so far. */
  readonly traffic: () => Traffic
}

export interface Traffic {
  readonly datagramsSent: number
  readonly bytesSent: number
  readonly datagramsReceived: number
  readonly bytesReceived: number
}

const receiveSlots = 64
const audioBytes = 1 << 20
/** In a call of audio somebody may send a picture all the same; a call of video is led on few seconds of it. */
const videoBytesOf = { audio: 512 << 10, video: 8 << 20 } as const
/** One batch of resends; an application that sends a whole frame at once. Packets. */
export const batchPackets = 256
/** For feedback, control messages, repair packets and what they give back, of one batch. */
const scratchBytes = 64 * 1024

const noTraffic: Traffic = { datagramsSent: 0, bytesSent: 0, datagramsReceived: 0, bytesReceived: 0 }

/**
 * `read` is run for each port that is opened, until the next is. All ends with the scope. `withheld` is the caller's, who
 * changes it.
 */
export const make = Effect.fnUntraced(function* (
  options: { readonly host: string; readonly port: number; readonly hasVideo: boolean },
  withheld: WithheldPackets,
  read: (port: DatagramPort) => Effect.Effect<void>
): Effect.fn.Return<DevicePort, never, DatagramNetwork | Scope.Scope> {
  const network = yield* DatagramNetwork
  const scope = yield* Effect.scope
  const controlPermit = yield* Semaphore.make(1)
  const mediaPermit = yield* Semaphore.make(1)

  const videoBytes = videoBytesOf[options.hasVideo ? "video" : "audio"]
  const ownerBytes = 4 * scratchBytes + audioBytes + videoBytes
  const memory = PacketMemory.make({ receiveSlots, ownerBytes })
  const makeBatch = (index: number) =>
    PacketBatch.makeSendBatch({
      capacity: batchPackets,
      scratchOffset: memory.ownerOffset + index * scratchBytes,
      scratchBytes
    })
  const ringsOffset = memory.ownerOffset + 4 * scratchBytes
  const resources = Leg.makeResources(PacketRings.make(memory, ringsOffset, { audioBytes, videoBytes }), withheld)
  const batches = { received: makeBatch(0), timers: makeBatch(1), control: makeBatch(2), media: makeBatch(3) }

  let opened: { readonly port: DatagramPort; readonly scope: Scope.Closeable } | undefined
  let earlier = noTraffic

  const open = Effect.gen(function* () {
    if (opened !== undefined) {
      earlier = plus(earlier, opened.port)
      const { scope } = opened
      opened = undefined
      // Two ports must not receive into one memory.
      yield* Scope.close(scope, Exit.void)
    }
    const portScope = yield* Scope.fork(scope)
    const port = yield* network.open({ ...options, memory }).pipe(Scope.provide(portScope))
    opened = { port, scope: portScope }
    yield* Effect.forkIn(read(port), portScope, { startImmediately: true })
  }).pipe(Effect.uninterruptible)

  /** A packet that finds no open port is lost, as packets are. */
  const send = (batch: PacketBatch.SendBatch): Effect.Effect<void> =>
    Effect.suspend(() => {
      if (opened !== undefined && batch.count > 0) return opened.port.send(batch)
      PacketBatch.reset(batch)
      return Effect.void
    })

  return {
    resources,
    batches,
    send,
    sendMessage: (bytes, address) =>
      Effect.suspend(() => {
        PacketBatch.addBytes(batches.control, memory, bytes, address, 0)
        return send(batches.control)
      }).pipe(controlPermit.withPermit),
    sendMedia: (fill) =>
      Effect.suspend(() => {
        fill(batches.media)
        return send(batches.media)
      }).pipe(mediaPermit.withPermit),
    open,
    traffic: () => (opened === undefined ? earlier : plus(earlier, opened.port))
  }
})

const plus = (sum: Traffic, { counters }: DatagramPort): Traffic => ({
  datagramsSent: sum.datagramsSent + counters.sent,
  bytesSent: sum.bytesSent + counters.sentBytes,
  datagramsReceived: sum.datagramsReceived + counters.received,
  bytesReceived: sum.bytesReceived + counters.receivedBytes
})
