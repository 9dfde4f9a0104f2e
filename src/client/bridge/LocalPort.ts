import { Effect, type Scope, Semaphore, Stream } from "effect"
import * as DatagramNetwork from "../../sockets/DatagramNetwork.ts"
import * as PackedAddress from "../../sockets/PackedAddress.ts"
import * as PacketBatch from "../../sockets/PacketBatch.ts"
import * as PacketMemory from "../../sockets/PacketMemory.ts"

/** A UDP port that the bridge speaks with programs of its own host on. */
export interface LocalPort {
  /** Packed. */
  readonly address: Uint32Array
  /**
   * What has come, a batch at a time; nothing from other hosts. The bytes are valid until the next batch. Ends with the
   * port.
   */
  readonly batches: Stream.Stream<ReadonlyArray<LocalDatagram>>
  /** Copies and sends them, in order. */
  readonly send: (datagrams: ReadonlyArray<Uint8Array>, to: Uint32Array) => Effect.Effect<void>
  readonly drops: () => LocalPortDrops
}

export interface LocalDatagram {
  readonly bytes: Uint8Array
  /** Packed. */
  readonly source: Uint32Array
}

/** Datagrams that went no further. */
export interface LocalPortDrops {
  /** Not from the address that the port is bound to. */
  readonly foreign: number
  /** Longer than what is received whole. */
  readonly oversized: number
  /** Came faster than they were read. */
  readonly unread: number
  readonly sendFailed: number
}

const receiveSlots = 32
const sendPackets = 32
const scratchBytes = sendPackets * PacketMemory.datagramBytesMax

/** Open until the scope ends. Port 0 takes a free one. */
export const open = Effect.fnUntraced(function* (
  host: string,
  portNumber: number
): Effect.fn.Return<LocalPort, DatagramNetwork.PortNotOpened, DatagramNetwork.DatagramNetwork | Scope.Scope> {
  const network = yield* DatagramNetwork.DatagramNetwork
  const memory = PacketMemory.make({ receiveSlots, ownerBytes: scratchBytes })
  const port = yield* network.open({ host, port: portNumber, memory })
  const out = PacketBatch.makeSendBatch({ capacity: sendPackets, scratchOffset: memory.ownerOffset, scratchBytes })
  const permit = yield* Semaphore.make(1)
  const ownHost = PackedAddress.hostKey(port.address)
  let foreign = 0

  const fromHere = (batch: PacketBatch.PacketBatch): ReadonlyArray<LocalDatagram> => {
    const datagrams: Array<LocalDatagram> = []
    for (let place = 0; place < batch.count; place++) {
      if (PackedAddress.hostKey(batch.addresses, place) !== ownHost) {
        foreign++
        continue
      }
      const offset = batch.offsets[place]!
      datagrams.push({
        bytes: memory.bytes.subarray(offset, offset + batch.lengths[place]!),
        source: PackedAddress.take(batch.addresses, place)
      })
    }
    return datagrams
  }

  const sendFrom = (datagrams: ReadonlyArray<Uint8Array>, first: number, to: Uint32Array): Effect.Effect<void> =>
    Effect.suspend(() => {
      let next = first
      while (next < datagrams.length && PacketBatch.addBytes(out, memory, datagrams[next]!, to, 0)) next++
      const sent = port.send(out)
      return next < datagrams.length ? Effect.andThen(sent, sendFrom(datagrams, next, to)) : sent
    })

  return {
    address: port.address,
    batches: DatagramNetwork.batches(port).pipe(
      Stream.map(fromHere),
      Stream.catchTag("PortClosed", () => Stream.empty)
    ),
    send: (datagrams, to) => (datagrams.length === 0 ? Effect.void : permit.withPermit(sendFrom(datagrams, 0, to))),
    drops: () => ({
      foreign,
      oversized: port.counters.droppedOversized,
      unread: port.counters.droppedReceiveBufferFull,
      sendFailed: port.counters.droppedSendFailed
    })
  }
})
