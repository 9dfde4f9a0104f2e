import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Layer, Random, Result } from "effect"
import { TestClock } from "effect/testing"
import * as DatagramNetworkConditioned from "../../src/sockets/DatagramNetworkConditioned.ts"
import * as DatagramNetworkPortable from "../../src/sockets/DatagramNetworkPortable.ts"
import * as Impairment from "../../src/sockets/Impairment.ts"
import * as SimulatedNetwork from "../../src/sockets/simulated/SimulatedNetwork.ts"
import { type Endpoint, openEndpoint, receive, sendNumbers, suite } from "../suites/DatagramNetworkSuite.ts"

const unimpaired = DatagramNetworkConditioned.layer(Impairment.none)
suite("conditioned, over the portable one", {
  layer: Layer.provide(unimpaired, DatagramNetworkPortable.layer),
  host: "127.0.0.1",
  unreachable: "203.0.113.1"
})
suite("conditioned, over a simulated one", {
  layer: Layer.provide(unimpaired, SimulatedNetwork.layer()),
  host: "10.0.0.1",
  unreachable: "203.0.113.1"
})

const numbersTo = (count: number) => Array.from({ length: count }, (_, number) => number)

/** A perfect network whose users all send through the impairment. */
const impaired = (text: string) =>
  Layer.provide(DatagramNetworkConditioned.layer(Result.getOrThrow(Impairment.parse(text))), SimulatedNetwork.layer())

/** Writes down what arrives, and when in virtual time. */
const record = Effect.fnUntraced(function* (endpoint: Endpoint) {
  const arrived: Array<readonly [atMs: number, number: number]> = []
  const next = Effect.gen(function* () {
    const received = yield* receive(endpoint)
    const atMs = yield* Clock.currentTimeMillis
    for (const { bytes } of received) arrived.push([atMs, bytes[0]!])
  })
  yield* Effect.forkScoped(Effect.forever(next))
  return arrived
})

/** Sends a number every 10 ms and returns what has arrived a second later. */
const run = (text: string, packets: number) =>
  Effect.gen(function* () {
    const client = yield* openEndpoint("10.0.0.1")
    const server = yield* openEndpoint("10.0.0.2")
    const arrived = yield* record(server)
    for (const number of numbersTo(packets)) {
      yield* sendNumbers(client, server.port.address, [number])
      yield* TestClock.adjust("10 millis")
    }
    yield* TestClock.adjust("1 second")
    return { arrived, counters: client.port.counters }
  }).pipe(Effect.scoped, Effect.provide(impaired(text)), (run) =>
    Effect.provide(run, TestClock.layer(), { local: true })
  )

describe("DatagramNetworkConditioned", () => {
  it.effect("delays what is sent", () =>
    Effect.gen(function* () {
      const { arrived } = yield* run("delay=35ms", 5)
      assert.deepStrictEqual(arrived, [
        [35, 0],
        [45, 1],
        [55, 2],
        [65, 3],
        [75, 4]
      ])
    })
  )

  it.effect("loses and counts; its dice are its own", () =>
    Effect.gen(function* () {
      const first = yield* run("loss=0.3,seed=a", 200)
      const { droppedByImpairment, sent } = first.counters
      assert.isAbove(droppedByImpairment, 40)
      assert.isBelow(droppedByImpairment, 80)
      assert.strictEqual(sent, 200 - droppedByImpairment)
      assert.strictEqual(first.arrived.length, sent)
      const again = yield* run("loss=0.3,seed=a", 200).pipe(Random.withSeed("another seed around it"))
      assert.deepStrictEqual(again.arrived, first.arrived)
      assert.notDeepEqual((yield* run("loss=0.3,seed=b", 200)).arrived, first.arrived)
    })
  )

  it.effect("duplicates, and reorders by jitter", () =>
    Effect.gen(function* () {
      const { arrived, counters } = yield* run("duplicate=0.5,jitter=40ms", 100)
      const numbers = arrived.map(([, number]) => number)
      assert.strictEqual(new Set(numbers).size, 100)
      assert.isAbove(numbers.length, 120)
      assert.strictEqual(counters.sent, numbers.length)
      assert.notDeepEqual(
        numbers,
        numbers.toSorted((a, b) => a - b)
      )
    })
  )

  it.effect("sends no faster than its rate, packets that are due together in one batch", () =>
    Effect.gen(function* () {
      const client = yield* openEndpoint("10.0.0.1")
      const server = yield* openEndpoint("10.0.0.2")
      const arrived = yield* record(server)
      // 29 bytes with headers at 23,200 bit/s: 10 ms each.
      yield* sendNumbers(client, server.port.address, [1, 2, 3])
      yield* TestClock.adjust("29 millis")
      assert.deepStrictEqual(arrived, [
        [10, 1],
        [20, 2]
      ])
    }).pipe(Effect.provide(impaired("rate=23.2kbps")))
  )

  it.effect("what is sent together falls due together and goes out as one batch", () =>
    Effect.gen(function* () {
      const client = yield* openEndpoint("10.0.0.1")
      const server = yield* openEndpoint("10.0.0.2")
      yield* sendNumbers(client, server.port.address, numbersTo(60))
      client.memory.bytes.fill(0xff)
      yield* TestClock.adjust("5 millis")
      assert.strictEqual(client.port.counters.sentBatches, 1)
      assert.deepStrictEqual(
        (yield* receive(server)).map(({ bytes }) => bytes[0]),
        numbersTo(60)
      )
    }).pipe(Effect.provide(impaired("delay=5ms")))
  )

  it.effect("holds no more than its slots, and gets them back", () =>
    Effect.gen(function* () {
      const client = yield* openEndpoint("10.0.0.1")
      const server = yield* openEndpoint("10.0.0.2")
      const sendMany = Effect.forEach(numbersTo(50), () =>
        sendNumbers(client, server.port.address, new Array<number>(100).fill(1))
      )
      yield* sendMany
      assert.strictEqual(client.port.counters.droppedByImpairment, 5000 - 4096)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(client.port.counters.sent, 4096)
      yield* sendMany
      assert.strictEqual(client.port.counters.droppedByImpairment, 2 * (5000 - 4096))
    }).pipe(Effect.provide(impaired("delay=1s")))
  )

  it.effect("sends nothing after its port was closed", () =>
    Effect.gen(function* () {
      const server = yield* openEndpoint("10.0.0.2")
      const arrived = yield* record(server)
      yield* Effect.scoped(
        Effect.gen(function* () {
          const client = yield* openEndpoint("10.0.0.1")
          yield* sendNumbers(client, server.port.address, [1])
          yield* TestClock.adjust("10 millis")
          yield* sendNumbers(client, server.port.address, [2])
        })
      )
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(arrived, [[10, 1]])
    }).pipe(Effect.provide(impaired("delay=10ms")))
  )
})
