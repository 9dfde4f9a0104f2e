import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Exit, Fiber, type Layer, Result, Scope } from "effect"
import { DatagramNetwork, type DatagramPort } from "../../src/sockets/DatagramNetwork.ts"
import * as PackedAddress from "../../src/sockets/PackedAddress.ts"
import * as PacketBatch from "../../src/sockets/PacketBatch.ts"
import * as PacketMemory from "../../src/sockets/PacketMemory.ts"

const ownerBytes = 512 * 1024

/** A port with a memory and a batch of its own, as the relay and the client have them. */
export interface Endpoint {
  readonly port: DatagramPort
  readonly memory: PacketMemory.PacketMemory
  readonly batch: PacketBatch.SendBatch
}

export const openEndpoint = Effect.fnUntraced(function* (host: string, port = 0, receiveSlots = 64) {
  const network = yield* DatagramNetwork
  const receiveBytes = receiveSlots * PacketMemory.coalescedSlotBytes
  const memory = PacketMemory.make({ receiveSlots, receiveBytes, ownerBytes })
  const opened = yield* network.open({ host, port, memory })
  const batch = PacketBatch.makeSendBatch({
    capacity: 256,
    scratchOffset: memory.ownerOffset,
    scratchBytes: ownerBytes
  })
  const endpoint: Endpoint = { port: opened, memory, batch }
  return endpoint
})

export const addPacket = (
  { batch, memory }: Endpoint,
  to: Uint32Array,
  header: ReadonlyArray<number>,
  body: ReadonlyArray<number> | Uint8Array
): void => {
  assert.isTrue(PacketBatch.addBytes(batch, memory, Uint8Array.from(body), to, 0))
  const place = batch.count - 1
  batch.headers.set(header, place * PacketBatch.headerBytesMax)
  batch.headerLengths[place] = header.length
}

export const send = ({ batch, port }: Endpoint): Effect.Effect<void> => port.send(batch)

/** Sends datagrams of one byte each. */
export const sendNumbers = (from: Endpoint, to: Uint32Array, numbers: ReadonlyArray<number>): Effect.Effect<void> =>
  Effect.suspend(() => {
    for (const number of numbers) addPacket(from, to, [], [number])
    return send(from)
  })

export interface Received {
  readonly source: string
  readonly bytes: ReadonlyArray<number>
}

/** One pull, copied out of the memory that the next pull writes to. */
export const receive = ({ memory, port }: Endpoint): Effect.Effect<ReadonlyArray<Received>, unknown> =>
  Effect.map(port.pull, (batch) =>
    Array.from({ length: batch.count }, (_, place) => ({
      source: PackedAddress.format(batch.addresses, place),
      bytes: [...memory.bytes.subarray(batch.offsets[place], batch.offsets[place]! + batch.lengths[place]!)]
    }))
  )

/** As many pulls as it takes to get so many datagrams. */
export const receiveCount = Effect.fnUntraced(function* (endpoint: Endpoint, count: number) {
  const received: Array<Received> = []
  while (received.length < count) received.push(...(yield* receive(endpoint)))
  return received
})

/** As the relay reads it. */
export const monotonicMs = Effect.map(Clock.monotonicTimeNanos, (nanos) => Number(nanos) / 1_000_000)

const numbersTo = (count: number) => Array.from({ length: count }, (_, number) => number)

/** What every DatagramNetwork promises. `host` is an address that it can bind, `unreachable` one that is nowhere. */
export const suite = (
  name: string,
  options: {
    readonly layer: Layer.Layer<DatagramNetwork, unknown>
    readonly host: string
    readonly unreachable: string
  }
): void => {
  const { host } = options
  const test = (promise: string, body: Effect.Effect<void, unknown, DatagramNetwork | Scope.Scope>) =>
    it.effect(promise, () => body.pipe(Effect.provide(options.layer)))

  describe(`DatagramNetwork (${name})`, () => {
    test(
      "a datagram comes with the address it can be answered to",
      Effect.gen(function* () {
        const server = yield* openEndpoint(host)
        const client = yield* openEndpoint(host)
        yield* sendNumbers(client, server.port.address, [7])
        const asked = yield* server.port.pull
        assert.strictEqual(PackedAddress.format(asked.addresses), PackedAddress.format(client.port.address))
        addPacket(server, PackedAddress.take(asked.addresses, 0), [], [8])
        yield* send(server)
        assert.deepStrictEqual(yield* receive(client), [
          { source: PackedAddress.format(server.port.address), bytes: [8] }
        ])
      })
    )

    test(
      "a free port is chosen for port 0, another one each time",
      Effect.gen(function* () {
        const one = yield* openEndpoint(host)
        const other = yield* openEndpoint(host)
        assert.strictEqual(PackedAddress.formatHost(one.port.address), host)
        assert.isAbove(one.port.address[0]!, 0)
        assert.notStrictEqual(one.port.address[0], other.port.address[0])
      })
    )

    test(
      "header and body arrive as one datagram; each may be empty, and both",
      Effect.gen(function* () {
        const server = yield* openEndpoint(host)
        const client = yield* openEndpoint(host)
        const header = numbersTo(PacketBatch.headerBytesMax)
        addPacket(client, server.port.address, header, [100, 101])
        addPacket(client, server.port.address, [], [102])
        addPacket(client, server.port.address, [1, 2, 3], [])
        addPacket(client, server.port.address, [], [])
        addPacket(client, server.port.address, [4], [103])
        yield* send(client)
        const received = yield* receiveCount(server, 5)
        assert.deepStrictEqual(
          received.map(({ bytes }) => bytes),
          [[...header, 100, 101], [102], [1, 2, 3], [], [4, 103]]
        )
      })
    )

    test(
      "bodies are taken from where they lie in the memory, one for many packets",
      Effect.gen(function* () {
        const server = yield* openEndpoint(host)
        const client = yield* openEndpoint(host)
        const { batch, memory } = client
        memory.bytes.set([9, 8, 7, 6], memory.ownerOffset + 1000)
        for (const sequence of [1, 2, 3]) {
          const place = PacketBatch.add(batch)
          batch.headers[place * PacketBatch.headerBytesMax] = sequence
          batch.headerLengths[place] = 1
          batch.bodyOffsets[place] = memory.ownerOffset + 1000
          batch.bodyLengths[place] = 4
          PackedAddress.copy(server.port.address, 0, batch.addresses, place)
        }
        yield* send(client)
        const received = yield* receiveCount(server, 3)
        assert.deepStrictEqual(
          received.map(({ bytes }) => bytes),
          [
            [1, 9, 8, 7, 6],
            [2, 9, 8, 7, 6],
            [3, 9, 8, 7, 6]
          ]
        )
      })
    )

    test(
      "many datagrams of one batch keep their order, also when one pull cannot hold them",
      Effect.gen(function* () {
        const server = yield* openEndpoint(host, 0, 16)
        const client = yield* openEndpoint(host)
        yield* sendNumbers(client, server.port.address, numbersTo(200))
        const received = yield* receiveCount(server, 200)
        assert.deepStrictEqual(
          received.map(({ bytes }) => bytes[0]),
          numbersTo(200)
        )
        assert.isAtLeast(server.port.counters.receivedBatches, Math.ceil(200 / 16))
      })
    )

    test(
      "sending empties the batch, and its memory may be used again",
      Effect.gen(function* () {
        const server = yield* openEndpoint(host)
        const client = yield* openEndpoint(host)
        addPacket(client, server.port.address, [1], [2, 3])
        yield* send(client)
        assert.strictEqual(client.batch.count, 0)
        assert.strictEqual(client.batch.scratchUsed, 0)
        client.batch.headers.fill(0xff)
        client.memory.bytes.fill(0xff, client.memory.ownerOffset)
        yield* send(client)
        assert.deepStrictEqual((yield* receiveCount(server, 1))[0]!.bytes, [1, 2, 3])
      })
    )

    test(
      "a datagram longer than a slot is counted and dropped, the longest allowed is whole",
      Effect.gen(function* () {
        const server = yield* openEndpoint(host)
        const client = yield* openEndpoint(host)
        const longest = new Uint8Array(PacketMemory.datagramBytesMax).fill(5)
        addPacket(client, server.port.address, [1], longest)
        addPacket(client, server.port.address, [], longest)
        yield* send(client)
        const [whole, ...others] = yield* receiveCount(server, 1)
        assert.deepStrictEqual(whole!.bytes, [...longest])
        assert.isEmpty(others)
        assert.strictEqual(server.port.counters.droppedOversized, 1)
        assert.strictEqual(server.port.counters.received, 1)
      })
    )

    test(
      "a port in use is refused with its number and what to do",
      Effect.gen(function* () {
        const { port } = yield* openEndpoint(host)
        const refused = yield* Effect.result(openEndpoint(host, port.address[0]))
        assert.isTrue(Result.isFailure(refused))
        if (Result.isSuccess(refused)) return
        assert.strictEqual(refused.failure._tag, "PortNotOpened")
        assert.include(refused.failure.message, `UDP port ${port.address[0]} on ${host} is in use`)
        assert.include(refused.failure.message, "choose another port")
      })
    )

    test(
      "a host that is no IP address is refused by name",
      Effect.gen(function* () {
        const refused = yield* Effect.flip(openEndpoint("relay.example"))
        assert.include(refused.message, '"relay.example" is not an IP address')
      })
    )

    test(
      "an unreachable destination is no error and costs the others nothing",
      Effect.gen(function* () {
        const server = yield* openEndpoint(host)
        const client = yield* openEndpoint(host)
        const nowhere = Result.getOrThrow(PackedAddress.fromHost(options.unreachable, 9))
        const portless = Result.getOrThrow(PackedAddress.fromHost(host, 0))
        addPacket(client, nowhere, [], [1])
        addPacket(client, server.port.address, [], [2])
        addPacket(client, portless, [], [3])
        addPacket(client, server.port.address, [], [4])
        addPacket(client, nowhere, [], [5])
        yield* send(client)
        const received = yield* receiveCount(server, 2)
        assert.deepStrictEqual(
          received.map(({ bytes }) => bytes[0]),
          [2, 4]
        )
        const { droppedSendFailed, sent } = client.port.counters
        assert.strictEqual(sent + droppedSendFailed, 5)
      })
    )

    test(
      "closing frees the port",
      Effect.gen(function* () {
        const opened = yield* Effect.scoped(openEndpoint(host))
        const again = yield* openEndpoint(host, opened.port.address[0])
        assert.deepStrictEqual(again.port.address, opened.port.address)
        const client = yield* openEndpoint(host)
        yield* sendNumbers(client, again.port.address, [1])
        assert.deepStrictEqual((yield* receive(again))[0]!.bytes, [1])
      })
    )

    test(
      "closing ends a waiting pull with PortClosed; a send afterwards is lost, not stuck",
      Effect.gen(function* () {
        const scope = yield* Scope.make()
        const server = yield* openEndpoint(host)
        const client = yield* Scope.provide(openEndpoint(host), scope)
        const waiting = yield* Effect.forkChild(Effect.flip(client.port.pull), { startImmediately: true })
        yield* Effect.yieldNow
        yield* Scope.close(scope, Exit.void)
        assert.strictEqual((yield* Fiber.join(waiting))._tag, "PortClosed")
        assert.strictEqual((yield* Effect.flip(client.port.pull))._tag, "PortClosed")
        yield* sendNumbers(client, server.port.address, [1])
        assert.strictEqual(client.batch.count, 0)
        assert.strictEqual(client.port.counters.sent, 0)
      })
    )

    test(
      "many ports wait at the same time, each gets its own",
      Effect.gen(function* () {
        const server = yield* openEndpoint(host)
        const clients = yield* Effect.forEach(numbersTo(8), () => openEndpoint(host))
        const answers = yield* Effect.forEach(clients, (client) => Effect.forkChild(receiveCount(client, 2)))
        yield* Effect.forEach(clients, (client, number) => sendNumbers(client, server.port.address, [number, number]))
        for (let answered = 0; answered < 16;) {
          const asked = yield* server.port.pull
          for (let place = 0; place < asked.count; place++) {
            const byte = server.memory.bytes[asked.offsets[place]!]!
            addPacket(server, PackedAddress.take(asked.addresses, place), [], [byte])
          }
          answered += asked.count
          yield* send(server)
        }
        const received = yield* Fiber.joinAll(answers)
        assert.deepStrictEqual(
          received.map((answer) => answer.map(({ bytes }) => bytes[0])),
          numbersTo(8).map((number) => [number, number])
        )
      })
    )

    test(
      "a batch says when it arrived, or that nobody knows: not before it was sent, nor after it was pulled",
      Effect.gen(function* () {
        const server = yield* openEndpoint(host, 0, 16)
        const client = yield* openEndpoint(host)
        const sentAtMs = yield* monotonicMs
        yield* sendNumbers(client, server.port.address, numbersTo(40))
        let earliestMs = sentAtMs
        for (let received = 0; received < 40;) {
          const { arrivedAtMs, count } = yield* server.port.pull
          received += count
          if (Number.isNaN(arrivedAtMs)) continue
          assert.isAtLeast(arrivedAtMs, earliestMs)
          assert.isAtMost(arrivedAtMs, yield* monotonicMs)
          earliestMs = arrivedAtMs
        }
      })
    )

    test(
      "what is sent and received is counted",
      Effect.gen(function* () {
        const server = yield* openEndpoint(host)
        const client = yield* openEndpoint(host)
        yield* send(client)
        addPacket(client, server.port.address, [1, 2], [3])
        addPacket(client, server.port.address, [], [4])
        yield* send(client)
        yield* receiveCount(server, 2)
        const { sent, sentBatches, sentBytes } = client.port.counters
        assert.deepStrictEqual({ sent, sentBatches, sentBytes }, { sent: 2, sentBatches: 1, sentBytes: 4 })
        const { received, receivedBatches, receivedBytes } = server.port.counters
        assert.deepStrictEqual({ received, receivedBytes }, { received: 2, receivedBytes: 4 })
        assert.isAtLeast(receivedBatches, 1)
        assert.isAtMost(receivedBatches, 2)
      })
    )
  })
}
