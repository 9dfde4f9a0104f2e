import { Effect, Result } from "effect"
import { DatagramNetwork } from "../../src/sockets/DatagramNetwork.ts"
import * as PackedAddress from "../../src/sockets/PackedAddress.ts"
import * as PacketBatch from "../../src/sockets/PacketBatch.ts"
import * as PacketMemory from "../../src/sockets/PacketMemory.ts"

/** Several of the longest datagrams that UDP carries. Bytes. */
const scratchBytes = 256 * 1024
const batchMax = 256

/** A port that sends any bytes in large numbers, and copies nothing of what it gets. */
export interface RawPort {
  /** Packed. */
  readonly address: Uint32Array
  /** Into the next batch; false when there is no room in it. */
  readonly add: (bytes: Uint8Array) => boolean
  readonly flush: Effect.Effect<void>
}

/** `received` sees each datagram in place, before the next is read. */
export const open = Effect.fnUntraced(function* (options: {
  readonly host: string
  readonly port: number
  readonly relay: string
  readonly received: (bytes: Uint8Array, offset: number, length: number) => void
}) {
  const network = yield* DatagramNetwork
  const memory = PacketMemory.make({ receiveSlots: 64, ownerBytes: scratchBytes })
  const port = yield* network.open({ host: options.host, port: options.port, memory })
  const out = PacketBatch.makeSendBatch({ capacity: batchMax, scratchOffset: memory.ownerOffset, scratchBytes })
  const relay = Result.getOrThrow(PackedAddress.parse(options.relay))
  yield* port.pull.pipe(
    Effect.tap((batch) =>
      Effect.sync(() => {
        for (let i = 0; i < batch.count; i++) options.received(memory.bytes, batch.offsets[i]!, batch.lengths[i]!)
      })
    ),
    Effect.forever,
    Effect.ignore,
    Effect.forkScoped
  )
  const self: RawPort = {
    address: port.address,
    add: (bytes) => {
      const hasRoom = out.count < out.capacity && out.scratchUsed + bytes.length <= out.scratchBytes
      return hasRoom && PacketBatch.addBytes(out, memory, bytes, relay, 0)
    },
    flush: Effect.suspend(() => (out.count > 0 ? port.send(out) : Effect.void))
  }
  return self
})
