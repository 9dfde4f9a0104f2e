import { Effect, Latch, Layer } from "effect"
import * as DatagramNetwork from "../../../src/sockets/DatagramNetwork.ts"
import * as PacketBatch from "../../../src/sockets/PacketBatch.ts"
import * as PacketMemory from "../../../src/sockets/PacketMemory.ts"

/** Datagrams that a relay is fed with, without a socket: the next batch as soon as the last one has been answered. */
export interface Feed {
  /** Feeds these, and ends when each has been answered. */
  readonly run: (datagrams: ReadonlyArray<Fed>) => Effect.Effect<void>
  /** What the relay has sent last. */
  answer: Uint8Array
}

/** A datagram, and the packed address that it comes from. */
export interface Fed {
  readonly bytes: Uint8Array
  readonly source: Uint32Array
}

const batchDatagrams = 64
/** Strangers in networks of their own: of one network a relay answers only so many. */
export const sourceOf = (n: number): Uint32Array => Uint32Array.of(40_000, 0, 0, 0xffff, 0x0a000001 + 256 * n)

/** A network whose one port is fed. */
export const make = Effect.gen(function* () {
  const ready = yield* Latch.make()
  const done = yield* Latch.make()
  const answered = yield* Latch.make()
  let left: ReadonlyArray<Fed> = []
  let awaited = 0
  const feed: Feed = {
    answer: new Uint8Array(),
    run: (datagrams) =>
      Effect.suspend(() => {
        left = datagrams
        done.closeUnsafe()
        ready.openUnsafe()
        return done.await
      })
  }
  const open = ({ memory }: DatagramNetwork.OpenOptions) =>
    Effect.sync(() => {
      const batch = PacketBatch.makePacketBatch(memory.receiveSlots)
      const counters = DatagramNetwork.makePortCounters()
      const fill = (): PacketBatch.PacketBatch => {
        const taken = left.slice(0, batchDatagrams)
        left = left.slice(batchDatagrams)
        awaited = taken.length
        answered.closeUnsafe()
        batch.count = taken.length
        for (const [place, { bytes, source }] of taken.entries()) {
          batch.offsets[place] = place * PacketMemory.slotBytes
          batch.lengths[place] = bytes.length
          memory.bytes.set(bytes, batch.offsets[place]!)
          batch.addresses.set(source, place * PacketBatch.addressWords)
        }
        return batch
      }
      const pull: Effect.Effect<PacketBatch.PacketBatch> = Effect.suspend(() => {
        if (awaited > 0) return Effect.andThen(answered.await, pull)
        if (left.length > 0) return Effect.succeed(fill())
        ready.closeUnsafe()
        done.openUnsafe()
        return Effect.andThen(ready.await, pull)
      })
      const port: DatagramNetwork.DatagramPort = {
        address: Uint32Array.of(3478, 0, 0, 0xffff, 0x0a000002),
        description: "fed",
        shortcomings: [],
        pull,
        send: (out) =>
          Effect.sync(() => {
            awaited -= out.count
            if (awaited <= 0) answered.openUnsafe()
            if (out.count > 0) {
              const last = out.count - 1
              const bytes = new Uint8Array(PacketBatch.packetBytes(out, last))
              PacketBatch.join(out, last, memory, bytes, 0)
              feed.answer = bytes
            }
            PacketBatch.reset(out)
          }),
        counters
      }
      return port
    })
  return { feed, layer: Layer.succeed(DatagramNetwork.DatagramNetwork, { open }) }
})
