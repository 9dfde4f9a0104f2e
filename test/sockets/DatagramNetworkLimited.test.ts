import { assert, describe, it } from "@effect/vitest"
import { Cause, Clock, Effect, Exit, Layer, Schema, type Scope } from "effect"
import { TestClock } from "effect/testing"
import type { DatagramNetwork } from "../../src/sockets/DatagramNetwork.ts"
import * as DatagramNetworkLimited from "../../src/sockets/DatagramNetworkLimited.ts"
import * as DatagramNetworkPortable from "../../src/sockets/DatagramNetworkPortable.ts"
import * as SimulatedNetwork from "../../src/sockets/simulated/SimulatedNetwork.ts"
import { pendingMax } from "../../src/sockets/simulated/SimulatedPort.ts"
import { type Endpoint, openEndpoint, sendNumbers, suite } from "../suites/DatagramNetworkSuite.ts"

// The clock of these tests stands still: the suite's packets altogether cost less than is ever slept.
const hardly = DatagramNetworkLimited.layer({ packetsPerSecond: 1e6 })
suite("limited, over the portable one", {
  layer: Layer.provide(hardly, DatagramNetworkPortable.layer),
  host: "127.0.0.1",
  unreachable: "203.0.113.1"
})
suite("limited, over a simulated one", {
  layer: Layer.provide(hardly, SimulatedNetwork.layer()),
  host: "10.0.0.1",
  unreachable: "203.0.113.1"
})

const receiveSlots = 8
const numbersTo = (count: number) => Array.from({ length: count }, (_, number) => number)

/** A port of the slower machine, and one of another machine that knows no limit. */
const openBoth = Effect.fnUntraced(function* (packetsPerSecond: number) {
  const slow = yield* openEndpoint("10.0.0.1", 0, receiveSlots).pipe(
    Effect.provide(DatagramNetworkLimited.layer({ packetsPerSecond }))
  )
  return { slow, fast: yield* openEndpoint("10.0.0.2") }
})

interface Arrival {
  readonly atMs: number
  readonly number: number
}

/** Writes down what an endpoint receives, and when in virtual time, and does something after each batch. */
const record = Effect.fnUntraced(function* (
  { memory, port }: Endpoint,
  andThen: (packets: number) => Effect.Effect<void> = () => Effect.void
) {
  const arrived: Array<Arrival> = []
  const next = Effect.gen(function* () {
    const batch = yield* port.pull
    const atMs = yield* Clock.currentTimeMillis
    for (let place = 0; place < batch.count; place++) {
      arrived.push({ atMs, number: memory.bytes[batch.offsets[place]!]! })
    }
    yield* andThen(batch.count)
  })
  yield* Effect.forkScoped(Effect.forever(next))
  return arrived
})

/** More than the rate in some span of time: what one batch and the slack may be ahead of it is none. */
const excess = (arrivedMs: ReadonlyArray<number>, packetsPerSecond: number, batchPackets: number): number => {
  const ahead = batchPackets + (2 * packetsPerSecond) / 1000
  let most = 0
  arrivedMs.forEach((fromMs, first) =>
    arrivedMs.slice(first).forEach((toMs, i) => {
      most = Math.max(most, i + 1 - ahead - ((toMs - fromMs) * packetsPerSecond) / 1000)
    })
  )
  return most
}

const simulated = <A, E>(run: Effect.Effect<A, E, DatagramNetwork | Scope.Scope>) =>
  run.pipe(Effect.scoped, Effect.provide(SimulatedNetwork.layer()), (run) =>
    Effect.provide(run, TestClock.layer(), { local: true })
  )

const Bursts = Schema.Array(
  Schema.Struct({
    packets: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 40 })),
    pauseMs: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 50 }))
  })
)

describe("DatagramNetworkLimited", () => {
  it.effect.prop(
    "hands out everything in its order, and no more than its rate",
    [Bursts, Schema.Literals([150, 400, 1000, 3000])],
    ([bursts, packetsPerSecond]) =>
      Effect.gen(function* () {
        const { fast, slow } = yield* openBoth(packetsPerSecond)
        const arrived = yield* record(slow)
        let sent = 0
        for (const { packets, pauseMs } of bursts) {
          yield* sendNumbers(
            fast,
            slow.port.address,
            numbersTo(packets).map(() => sent++ & 0xff)
          )
          yield* TestClock.adjust(pauseMs)
        }
        yield* TestClock.adjust((sent / packetsPerSecond) * 1000 + 10)
        assert.deepStrictEqual(
          arrived.map(({ number }) => number),
          numbersTo(sent).map((number) => number & 0xff)
        )
        const times = arrived.map(({ atMs }) => atMs)
        assert.isAtMost(excess(times, packetsPerSecond, receiveSlots), 0)
      }).pipe(simulated),
    { arbitrary: { runs: 50 } }
  )

  it.effect("a burst waits as long as the packets before it take", () =>
    Effect.gen(function* () {
      const { fast, slow } = yield* openBoth(1000)
      const arrived = yield* record(slow)
      yield* TestClock.adjust("100 millis")
      yield* sendNumbers(fast, slow.port.address, numbersTo(4 * receiveSlots))
      yield* TestClock.adjust("100 millis")
      // The first is there alone, and the millisecond before it pays for it; no more is left of the hundred.
      const times = [100, 100, 108, 116, 124].flatMap((atMs, pull) => numbersTo([1, 8, 8, 8, 7][pull]!).map(() => atMs))
      assert.deepStrictEqual(
        arrived.map(({ atMs }) => atMs),
        times
      )
    }).pipe(simulated)
  )

  it.effect("what is sent costs time, too, which the next pull waits for", () =>
    Effect.gen(function* () {
      const { fast, slow } = yield* openBoth(1000)
      // Each datagram that comes in goes out to ten.
      const arrived = yield* record(slow, (packets) => sendNumbers(slow, fast.port.address, numbersTo(packets * 10)))
      const delivered = yield* record(fast)
      for (let i = 0; i < 200; i++) {
        yield* sendNumbers(fast, slow.port.address, [i])
        yield* TestClock.adjust("5 millis")
      }
      assert.closeTo(delivered.length, 1000, 10 * receiveSlots)
      assert.closeTo(arrived.length, 100, receiveSlots)
    }).pipe(simulated)
  )

  it.effect("the two directions cost no more than the busier of them", () =>
    Effect.gen(function* () {
      const { fast, slow } = yield* openBoth(1000)
      const arrived = yield* record(slow, (packets) => sendNumbers(slow, fast.port.address, numbersTo(packets)))
      for (let i = 0; i < 100; i++) {
        yield* sendNumbers(fast, slow.port.address, numbersTo(10))
        yield* TestClock.adjust("10 millis")
      }
      assert.isAtLeast(arrived.length, 1000 - receiveSlots)
    }).pipe(simulated)
  )

  it.effect("below its rate nothing waits", () =>
    Effect.gen(function* () {
      const { fast, slow } = yield* openBoth(1000)
      const arrived = yield* record(slow)
      for (let i = 0; i < 100; i++) {
        yield* sendNumbers(fast, slow.port.address, [i])
        yield* TestClock.adjust("2 millis")
      }
      assert.deepStrictEqual(
        arrived,
        numbersTo(100).map((number) => ({ atMs: 2 * number, number }))
      )
    }).pipe(simulated)
  )

  it.effect("a send never waits", () =>
    Effect.gen(function* () {
      const { fast, slow } = yield* openBoth(10)
      for (let i = 0; i < 10; i++) yield* sendNumbers(slow, fast.port.address, numbersTo(100))
      assert.strictEqual(yield* Clock.currentTimeMillis, 0)
      assert.strictEqual(slow.port.counters.sent, 1000)
    }).pipe(simulated)
  )

  it.effect("what waits is the system's to keep or to drop", () =>
    Effect.gen(function* () {
      const { fast, slow } = yield* openBoth(100)
      const arrived = yield* record(slow)
      for (let i = 0; i < 50; i++) {
        yield* sendNumbers(fast, slow.port.address, numbersTo(100))
        yield* TestClock.adjust("1 millis")
      }
      assert.strictEqual(slow.port.counters.droppedReceiveBufferFull, 5000 - pendingMax - arrived.length)
    }).pipe(simulated)
  )

  it.effect("says what it allows, and takes no number that allows nothing", () =>
    Effect.gen(function* () {
      const { slow } = yield* openBoth(2500)
      assert.strictEqual(slow.port.description, "simulated, at most 2500 packets a second")
      for (const packetsPerSecond of [0, -1, NaN, Infinity]) {
        const exit = yield* Effect.exit(openBoth(packetsPerSecond))
        assert.isTrue(Exit.isFailure(exit) && Cause.hasDies(exit.cause))
      }
    }).pipe(simulated)
  )
})
