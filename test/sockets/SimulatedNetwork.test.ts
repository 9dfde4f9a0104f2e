import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Random, Result } from "effect"
import { TestClock } from "effect/testing"
import * as PackedAddress from "../../src/sockets/PackedAddress.ts"
import * as LinkEmulator from "../../src/sockets/simulated/LinkEmulator.ts"
import * as SimulatedNetwork from "../../src/sockets/simulated/SimulatedNetwork.ts"
import { pendingMax } from "../../src/sockets/simulated/SimulatedPort.ts"
import {
  addPacket,
  type Endpoint,
  openEndpoint,
  receive,
  receiveCount,
  send,
  sendNumbers,
  suite
} from "../suites/DatagramNetworkSuite.ts"

suite("simulated, IPv4", { layer: SimulatedNetwork.layer(), host: "10.0.0.1", unreachable: "203.0.113.1" })
suite("simulated, IPv6", { layer: SimulatedNetwork.layer(), host: "2001:db8::1", unreachable: "2001:db8::2" })

const { perfect } = LinkEmulator
const address = (text: string) => Result.getOrThrow(PackedAddress.parse(text))
const numbersTo = (count: number) => Array.from({ length: count }, (_, number) => number)

/** Writes down what arrives, and when in virtual time. */
const record = Effect.fnUntraced(function* (endpoint: Endpoint) {
  const arrived: Array<{ readonly atMs: number; readonly source: string; readonly number: number }> = []
  const next = Effect.gen(function* () {
    const received = yield* receive(endpoint)
    const atMs = yield* Clock.currentTimeMillis
    for (const { bytes, source } of received) arrived.push({ atMs, source, number: bytes[0]! })
  })
  yield* Effect.forkScoped(Effect.forever(next))
  return arrived
})

/** Answers every datagram with itself. */
const echo = Effect.fnUntraced(function* (endpoint: Endpoint) {
  const next = Effect.gen(function* () {
    const asked = yield* endpoint.port.pull
    for (let place = 0; place < asked.count; place++) {
      const offset = asked.offsets[place]!
      const bytes = endpoint.memory.bytes.slice(offset, offset + asked.lengths[place]!)
      addPacket(endpoint, PackedAddress.take(asked.addresses, place), [], bytes)
    }
    yield* send(endpoint)
  })
  yield* Effect.forkScoped(Effect.forever(next))
})

describe("SimulatedNetwork", () => {
  const bad = { ...perfect, latencyMs: 20, jitterMs: 15, lossRatio: 0.1, duplicateRatio: 0.05, reorderRatio: 0.05 }

  const badRun = (seed: string) =>
    Effect.gen(function* () {
      const phone = yield* openEndpoint("10.0.0.2")
      const relay = yield* openEndpoint("10.0.0.1")
      const arrived = yield* record(relay)
      for (const number of numbersTo(200)) {
        yield* sendNumbers(phone, relay.port.address, [number])
        yield* TestClock.adjust("5 millis")
      }
      yield* TestClock.adjust("1 second")
      return arrived
    }).pipe(Effect.scoped, Effect.provide(SimulatedNetwork.layer(bad)), Random.withSeed(seed), (run) =>
      Effect.provide(run, TestClock.layer(), { local: true })
    )

  it.effect("same seed, same run; another seed, another run", () =>
    Effect.gen(function* () {
      const first = yield* badRun("a")
      assert.deepStrictEqual(yield* badRun("a"), first)
      assert.notDeepEqual(yield* badRun("b"), first)
      const numbers = first.map(({ number }) => number)
      assert.isAbove(new Set(numbers).size, 150)
      assert.isBelow(new Set(numbers).size, 200, "some are lost")
      assert.isAbove(numbers.length, new Set(numbers).size, "some come twice")
      assert.isTrue(
        numbers.some((number, place) => place > 0 && number < numbers[place - 1]!),
        "some overtake"
      )
      first.forEach(({ atMs, number }) => {
        assert.isAtLeast(atMs, number * 5 + 20)
        assert.isAtMost(atMs, number * 5 + 20 + 15 + LinkEmulator.reorderDelayMs)
      })
    })
  )

  it.effect("a packet arrives when the link says, not before", () =>
    Effect.gen(function* () {
      const phone = yield* openEndpoint("10.0.0.2")
      const relay = yield* openEndpoint("10.0.0.1")
      const arrived = yield* record(relay)
      yield* sendNumbers(phone, relay.port.address, [1])
      yield* TestClock.adjust("19 millis")
      assert.isEmpty(arrived)
      yield* TestClock.adjust("1 millis")
      assert.deepStrictEqual(arrived, [{ atMs: 20, source: PackedAddress.format(phone.port.address), number: 1 }])
    }).pipe(Effect.provide(SimulatedNetwork.layer({ ...perfect, latencyMs: 20 })))
  )

  it.effect("a batch has the time at which its first packet arrived, however late it is pulled", () =>
    Effect.gen(function* () {
      const phone = yield* openEndpoint("10.0.0.2")
      const relay = yield* openEndpoint("10.0.0.1", 0, 2)
      for (const number of numbersTo(5)) {
        yield* sendNumbers(phone, relay.port.address, [number])
        yield* TestClock.adjust("3 millis")
      }
      yield* TestClock.adjust("100 millis")
      const arrivals = yield* Effect.forEach(numbersTo(3), () =>
        Effect.map(relay.port.pull, ({ arrivedAtMs }) => arrivedAtMs)
      )
      assert.deepStrictEqual(arrivals, [20, 26, 32])
    }).pipe(Effect.provide(SimulatedNetwork.layer({ ...perfect, latencyMs: 20 })))
  )

  it.effect("many fibers wait in pull; each hop is on time within one long adjustment", () =>
    Effect.gen(function* () {
      const relay = yield* openEndpoint("10.0.0.1")
      yield* echo(relay)
      const arrivals = yield* Effect.forEach(numbersTo(20), (number) =>
        Effect.gen(function* () {
          const phone = yield* openEndpoint(`10.0.1.${number}`)
          const arrived = yield* record(phone)
          const sendOne = Effect.suspend(() => sendNumbers(phone, relay.port.address, [number]))
          yield* Effect.forkScoped(Effect.andThen(sendOne, Effect.forever(Effect.delay(sendOne, "20 millis"))))
          return arrived
        })
      )
      yield* TestClock.adjust("10 seconds")
      for (const arrived of arrivals) {
        assert.deepStrictEqual(
          arrived.map(({ atMs }) => atMs),
          numbersTo(arrived.length).map((packet) => packet * 20 + 14)
        )
        assert.strictEqual(arrived.length, 500)
      }
    }).pipe(Effect.provide(SimulatedNetwork.layer({ ...perfect, latencyMs: 7 })))
  )

  it.effect("a packet on a fast link overtakes one that was sent before on a slow link", () =>
    Effect.gen(function* () {
      const network = yield* SimulatedNetwork.SimulatedNetwork
      const relay = yield* openEndpoint("10.0.0.1")
      const slow = yield* openEndpoint("10.0.0.2")
      const fast = yield* openEndpoint("10.0.0.3")
      yield* network.setLink("10.0.0.3", "10.0.0.1", { ...perfect, latencyMs: 1 })
      const arrived = yield* record(relay)
      yield* sendNumbers(slow, relay.port.address, [1])
      yield* TestClock.adjust("10 millis")
      yield* sendNumbers(fast, relay.port.address, [2])
      yield* TestClock.adjust("100 millis")
      assert.deepStrictEqual(
        arrived.map(({ atMs, number }) => [number, atMs]),
        [
          [2, 11],
          [1, 50]
        ]
      )
    }).pipe(Effect.provide(SimulatedNetwork.layer({ ...perfect, latencyMs: 50 })))
  )

  it.effect("a link is set for one direction, during the run; what is under way arrives as it would have", () =>
    Effect.gen(function* () {
      const network = yield* SimulatedNetwork.SimulatedNetwork
      const one = yield* openEndpoint("10.0.0.1")
      const other = yield* openEndpoint("10.0.0.2")
      const atOne = yield* record(one)
      const atOther = yield* record(other)
      yield* sendNumbers(one, other.port.address, [1])
      yield* network.setLink("10.0.0.1", "10.0.0.2", { ...perfect, lossRatio: 1 })
      yield* sendNumbers(one, other.port.address, [2])
      yield* sendNumbers(other, one.port.address, [3])
      yield* TestClock.adjust("10 millis")
      yield* network.setLink("10.0.0.1", "10.0.0.2", perfect)
      yield* sendNumbers(one, other.port.address, [4])
      assert.deepStrictEqual(
        [atOne, atOther].map((arrived) => arrived.map(({ number }) => number)),
        [[3], [1, 4]]
      )
      assert.strictEqual(network.link("10.0.0.1", "10.0.0.2").lost, 1)
      assert.strictEqual(network.link("10.0.0.2", "10.0.0.1").lost, 0)
    }).pipe(Effect.provide(SimulatedNetwork.layer({ ...perfect, latencyMs: 10 })))
  )

  it.effect("after a rebinding the others see the new address, and the old one is nobody's", () =>
    Effect.gen(function* () {
      const network = yield* SimulatedNetwork.SimulatedNetwork
      const relay = yield* openEndpoint("10.0.0.1", 3478)
      const phone = yield* openEndpoint("10.0.0.2", 5000)
      yield* network.rebind("10.0.0.2:5000", "203.0.113.7:41000")
      yield* sendNumbers(phone, relay.port.address, [1])
      assert.deepStrictEqual(yield* receive(relay), [{ source: "203.0.113.7:41000", bytes: [1] }])
      yield* sendNumbers(relay, address("10.0.0.2:5000"), [2])
      yield* sendNumbers(relay, address("203.0.113.7:41000"), [3])
      assert.deepStrictEqual(yield* receive(phone), [{ source: "10.0.0.1:3478", bytes: [3] }])
      assert.strictEqual(network.undeliverable(), 1)
      assert.strictEqual(PackedAddress.format(phone.port.address), "10.0.0.2:5000")
    }).pipe(Effect.provide(SimulatedNetwork.layer()))
  )

  it.effect("a host moves with all its ports, to the links of its new network", () =>
    Effect.gen(function* () {
      const network = yield* SimulatedNetwork.SimulatedNetwork
      const relay = yield* openEndpoint("10.0.0.1")
      const media = yield* openEndpoint("10.0.0.2", 5000)
      const backup = yield* openEndpoint("10.0.0.2", 5001)
      const stranger = yield* openEndpoint("10.0.0.3", 5000)
      yield* network.setLink("100.64.0.9", "10.0.0.1", { ...perfect, latencyMs: 60 })
      const arrived = yield* record(relay)
      yield* network.moveHost("10.0.0.2", "100.64.0.9")
      for (const phone of [media, backup, stranger]) yield* sendNumbers(phone, relay.port.address, [1])
      yield* TestClock.adjust("100 millis")
      assert.deepStrictEqual(
        arrived.map(({ atMs, source }) => [source, atMs]),
        [
          ["10.0.0.3:5000", 0],
          ["100.64.0.9:5000", 60],
          ["100.64.0.9:5001", 60]
        ]
      )
    }).pipe(Effect.provide(SimulatedNetwork.layer()))
  )

  it.effect("a port that was moved holds its new address until it is closed", () =>
    Effect.gen(function* () {
      const network = yield* SimulatedNetwork.SimulatedNetwork
      yield* Effect.scoped(
        Effect.gen(function* () {
          yield* openEndpoint("10.0.0.2", 5000)
          yield* network.rebind("10.0.0.2:5000", "10.0.0.3:6000")
          assert.include((yield* Effect.flip(openEndpoint("10.0.0.3", 6000))).message, "in use")
        })
      )
      yield* openEndpoint("10.0.0.2", 5000)
      yield* openEndpoint("10.0.0.3", 6000)
    }).pipe(Effect.provide(SimulatedNetwork.layer()))
  )

  it.effect("what arrives after the port was closed is nobody's", () =>
    Effect.gen(function* () {
      const network = yield* SimulatedNetwork.SimulatedNetwork
      const relay = yield* openEndpoint("10.0.0.1")
      const to = yield* Effect.scoped(
        Effect.gen(function* () {
          const phone = yield* openEndpoint("10.0.0.2")
          yield* sendNumbers(relay, phone.port.address, [1, 2])
          yield* sendNumbers(phone, relay.port.address, [3])
          return phone.port.address
        })
      )
      yield* sendNumbers(relay, to, [4])
      yield* TestClock.adjust("10 millis")
      assert.strictEqual(network.undeliverable(), 3)
      assert.deepStrictEqual((yield* receive(relay))[0]!.bytes, [3], "the dead may still be heard")
    }).pipe(Effect.provide(SimulatedNetwork.layer({ ...perfect, latencyMs: 10 })))
  )

  it.effect("more than waits for a pull is dropped from the new end and counted", () =>
    Effect.gen(function* () {
      const relay = yield* openEndpoint("10.0.0.1")
      const phone = yield* openEndpoint("10.0.0.2")
      for (const number of numbersTo(42)) {
        yield* sendNumbers(phone, relay.port.address, new Array<number>(100).fill(number))
      }
      assert.strictEqual(relay.port.counters.droppedReceiveBufferFull, 4200 - pendingMax)
      const received = yield* receiveCount(relay, pendingMax)
      assert.deepStrictEqual([received[0]!.bytes, received.at(-1)!.bytes], [[0], [40]])
    }).pipe(Effect.provide(SimulatedNetwork.layer()))
  )

  it.effect("who binds all addresses gets a host of its own", () =>
    Effect.gen(function* () {
      const one = yield* openEndpoint("0.0.0.0", 3478)
      const other = yield* openEndpoint("::", 3478)
      assert.strictEqual(PackedAddress.format(one.port.address), "198.18.0.1:3478")
      assert.strictEqual(PackedAddress.format(other.port.address), "198.18.0.2:3478")
      yield* sendNumbers(one, other.port.address, [1])
      assert.deepStrictEqual(yield* receive(other), [{ source: "198.18.0.1:3478", bytes: [1] }])
    }).pipe(Effect.provide(SimulatedNetwork.layer()))
  )

  it.effect("what is sent to a balancer's address reaches who is behind it, and is answered from there", () =>
    Effect.gen(function* () {
      const network = yield* SimulatedNetwork.SimulatedNetwork
      const phone = yield* openEndpoint("10.0.0.9")
      const relays = [yield* openEndpoint("10.0.0.1", 3478), yield* openEndpoint("10.0.0.2", 3478)]
      const answers = yield* record(phone)
      const balancer = address("10.0.0.100:3478")
      for (const [number, relay] of relays.entries()) {
        yield* echo(relay)
        yield* network.redirect("10.0.0.100:3478", PackedAddress.format(relay.port.address))
        yield* sendNumbers(phone, balancer, [number])
        yield* TestClock.adjust("10 millis")
      }
      yield* sendNumbers(phone, relays[0]!.port.address, [2])
      yield* TestClock.adjust("10 millis")
      assert.deepStrictEqual(
        answers.map(({ number, source }) => [number, source]),
        [
          [0, "10.0.0.100:3478"],
          [1, "10.0.0.100:3478"],
          [2, "10.0.0.1:3478"]
        ]
      )
      assert.deepStrictEqual(
        relays.map(({ port }) => port.counters.received),
        [2, 1]
      )
    }).pipe(Effect.provide(SimulatedNetwork.layer({ ...perfect, latencyMs: 1 })))
  )
})
