import { Effect, Layer } from "effect"
import * as DatagramNetwork from "../../src/sockets/DatagramNetwork.ts"
import * as PacketBatch from "../../src/sockets/PacketBatch.ts"

/** What happens to the datagrams of whoever is given this network instead of the one below. */
export interface Watch {
  /** Sees each datagram in its receive slot, before its owner does, and may change it there. */
  readonly received?: (bytes: Uint8Array, offset: number, length: number) => void
  /** Sees each datagram that is sent, as a copy. */
  readonly sent?: (bytes: Uint8Array) => void
}

export const layer = ({
  received,
  sent
}: Watch): Layer.Layer<DatagramNetwork.DatagramNetwork, never, DatagramNetwork.DatagramNetwork> =>
  Layer.effect(
    DatagramNetwork.DatagramNetwork,
    Effect.map(DatagramNetwork.DatagramNetwork, (below) =>
      DatagramNetwork.DatagramNetwork.of({
        open: (options) =>
          Effect.map(below.open(options), (port): DatagramNetwork.DatagramPort => ({
            address: port.address,
            description: port.description,
            shortcomings: port.shortcomings,
            counters: port.counters,
            pull: Effect.tap(port.pull, (batch) =>
              Effect.sync(() => {
                if (received === undefined) return
                for (let i = 0; i < batch.count; i++) {
                  received(options.memory.bytes, batch.offsets[i]!, batch.lengths[i]!)
                }
              })
            ),
            send: (batch) =>
              Effect.suspend(() => {
                if (sent === undefined) return port.send(batch)
                for (let place = 0; place < batch.count; place++) {
                  const bytes = new Uint8Array(PacketBatch.packetBytes(batch, place))
                  PacketBatch.join(batch, place, options.memory, bytes, 0)
                  sent(bytes)
                }
                return port.send(batch)
              })
          }))
      })
    )
  )
