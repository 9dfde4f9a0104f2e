import { Effect } from "effect"
import { getHeapStatistics } from "node:v8"
import * as SystemCalls from "../../src/sockets/batched/SystemCalls.ts"
import { DatagramNetwork } from "../../src/sockets/DatagramNetwork.ts"
import * as DatagramNetworkBatched from "../../src/sockets/DatagramNetworkBatched.ts"
import * as PackedAddress from "../../src/sockets/PackedAddress.ts"
import * as PacketBatch from "../../src/sockets/PacketBatch.ts"
import * as PacketMemory from "../../src/sockets/PacketMemory.ts"
import * as ForwardingLoad from "./ForwardingLoad.ts"

/**
 * Counts the bytes that V8 allocates while a relay forwards: a process of its own, for what a test runner does beside
 * would be counted too, and it runs the source as the product does. Prints one object of JSON.
 */

/** Measured this often; the least counts, for the compiler allocates too, whenever it finds the time. */
const rounds = 4

/** Since the process began. Reading it costs up to 0.2 MB, which is why many packets are measured at once. */
const allocatedBytes = (): number => getHeapStatistics().total_allocated_bytes

const nothing = (): void => {}

/** The smallest object there is, one for each packet: a number that is no whole one, where any value may be. 16 bytes. */
const slot: Array<unknown> = [undefined]
const oneForEach = (packets: number): void => {
  for (let packet = 0; packet < packets; packet++) slot[0] = packet + 0.5
}

const measure = (participants: number, datagrams: number, afterEach: (packets: number) => void) => {
  // What is done with a report is done too seldom to be compiled soon: here with every batch.
  ForwardingLoad.make(participants, 1).run(4 * datagrams, afterEach)
  const load = ForwardingLoad.make(participants)
  load.run(4 * datagrams, afterEach)
  const bytesPerPacket: Array<number> = []
  for (let round = 0; round < rounds; round++) {
    const before = allocatedBytes()
    const handed = load.run(datagrams, afterEach)
    bytesPerPacket.push((allocatedBytes() - before) / handed)
  }
  const { counters } = load
  return {
    bytesPerPacket: Math.min(...bytesPerPacket),
    mediaIn: counters.mediaIn,
    mediaOut: counters.mediaOut,
    repairedIn: counters.repairedIn,
    resent: counters.resent,
    feedbackIn: counters.feedbackIn,
    dropped: Object.values(counters.dropped).reduce((sum, count) => sum + count, 0),
    overflowed: load.overflowed()
  }
}

const batchPackets = 64
const datagramBytes = 200

/** Datagrams over the loopback in batches, each sent and received: two ports, four Effects for a batch or a few more. */
const measureSockets = Effect.fnUntraced(function* (datagrams: number) {
  const network = yield* DatagramNetwork
  const memory = PacketMemory.make({ receiveSlots: batchPackets, ownerBytes: datagramBytes })
  const sender = yield* network.open({ host: "127.0.0.1", port: 0, memory })
  const receiver = yield* network.open({ host: "127.0.0.1", port: 0, memory })
  const out = PacketBatch.makeSendBatch({ capacity: batchPackets, scratchOffset: memory.ownerOffset, scratchBytes: 0 })
  const run = Effect.fnUntraced(function* (count: number) {
    for (let sent = 0; sent < count; sent += batchPackets) {
      for (let place = 0; place < batchPackets; place++) {
        PacketBatch.add(out)
        out.bodyOffsets[place] = memory.ownerOffset
        out.bodyLengths[place] = datagramBytes
        PackedAddress.copy(receiver.address, 0, out.addresses, place)
      }
      yield* sender.send(out)
      for (let arrived = 0; arrived < batchPackets;) arrived += (yield* receiver.pull).count
    }
  })
  yield* run(datagrams)
  let bytesPerPacket = Infinity
  for (let round = 0; round < rounds; round++) {
    const before = allocatedBytes()
    yield* run(datagrams)
    bytesPerPacket = Math.min(bytesPerPacket, (allocatedBytes() - before) / datagrams)
  }
  return { bytesPerPacket, received: receiver.counters.received, batches: receiver.counters.receivedBatches }
}, Effect.scoped)

const measureForwarding = () => ({
  pair: measure(2, 300_000, nothing),
  fanOut: measure(8, 200_000, nothing),
  // Again, in a process that has seen another call: code that is compiled for one may do worse for the next.
  pairAgain: measure(2, 200_000, nothing),
  withObjects: measure(2, 200_000, oneForEach)
})
export type ForwardingReport = ReturnType<typeof measureForwarding>
export type SocketReport = Effect.Success<ReturnType<typeof measureSockets>>

const print = (report: ForwardingReport | SocketReport | { readonly reason: string }): void =>
  console.log(JSON.stringify(report))

const calls = SystemCalls.load()
if (allocatedBytes() === undefined) print({ reason: `Node ${process.version} does not count what is allocated` })
else if (process.argv[2] === "forwarding") print(measureForwarding())
else if ("reason" in calls) print(calls)
else Effect.runPromise(Effect.provide(measureSockets(100_032), DatagramNetworkBatched.layer(calls))).then(print)
