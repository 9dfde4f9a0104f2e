import { Effect } from "effect"
import * as Forwarding from "../../src/pipeline/Forwarding.ts"
import { DatagramNetwork } from "../../src/sockets/DatagramNetwork.ts"
import * as PackedAddress from "../../src/sockets/PackedAddress.ts"
import * as PacketBatch from "../../src/sockets/PacketBatch.ts"
import * as SimulatedNetwork from "../../src/sockets/simulated/SimulatedNetwork.ts"
import { batchMs, batchPackets, receive, setUp } from "./ForwardBatch.ts"

/**
 * Nanoseconds of forwarding alone per incoming packet, from one sender to one receiver, when the packets come into the
 * packet memory through a port: what is on its way between two ports lies elsewhere, so the caches are colder.
 */
export const measure = Effect.fnUntraced(
  function* (payloadBytes: number, batches: number) {
    const { batch: sample, forwarding, out } = setUp(1, payloadBytes)
    const { memory } = forwarding.resources.rings
    const network = yield* DatagramNetwork
    // The sender's packets are written into the slots, sent from there, and come back into them.
    const sender = yield* network.open({ host: "10.0.0.0", port: sample.addresses[0]!, memory })
    const relay = yield* network.open({ host: "10.0.1.1", port: 3478, memory })
    const outgoing = PacketBatch.makeSendBatch({ capacity: batchPackets, scratchOffset: 0, scratchBytes: 0 })
    let forwardNs = 0n
    for (let b = 0; b < 2 * batches; b++) {
      receive(forwarding, b * batchPackets)
      for (let i = 0; i < batchPackets; i++) {
        const place = PacketBatch.add(outgoing)
        outgoing.headerLengths[place] = 0
        outgoing.bodyOffsets[place] = sample.offsets[i]!
        outgoing.bodyLengths[place] = sample.lengths[i]!
        PackedAddress.copy(relay.address, 0, outgoing.addresses, place)
      }
      yield* sender.send(outgoing)
      for (let arrived = 0; arrived < batchPackets;) {
        // A reader that waits is woken by the first packet: the others come in while somebody else has his turn.
        yield* Effect.yieldNow
        const pulled = yield* relay.pull
        arrived += pulled.count
        const startNs = process.hrtime.bigint()
        Forwarding.forwardBatch(forwarding, pulled, b * batchMs, out)
        // The first half warms up.
        if (b >= batches) forwardNs += process.hrtime.bigint() - startNs
        PacketBatch.reset(out)
      }
    }
    const expected = 2 * batches * batchPackets
    if (forwarding.counters.mediaOut !== expected) {
      throw new Error(`forwarded ${forwarding.counters.mediaOut} packets instead of ${expected}`)
    }
    return Number(forwardNs) / (batches * batchPackets)
  },
  Effect.scoped,
  Effect.provide(SimulatedNetwork.layer())
)
