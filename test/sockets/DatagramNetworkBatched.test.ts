import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Scope } from "effect"
import { TestClock } from "effect/testing"
import * as Os from "node:os"
import * as ArrivalSample from "../../src/sockets/batched/ArrivalSample.ts"
import * as Abi from "../../src/sockets/batched/LinuxAbi.ts"
import * as SystemCalls from "../../src/sockets/batched/SystemCalls.ts"
import * as DatagramNetworkBatched from "../../src/sockets/DatagramNetworkBatched.ts"
import * as PacketBatch from "../../src/sockets/PacketBatch.ts"
import {
  addPacket,
  monotonicMs,
  openEndpoint,
  type Received,
  receive,
  sendNumbers,
  suite
} from "../suites/DatagramNetworkSuite.ts"
import * as FakeKernel from "./batched/FakeKernel.ts"

const calls = SystemCalls.load()
const hasIpv6 = Object.values(Os.networkInterfaces()).some((addresses) => addresses?.some((it) => it.address === "::1"))

if ("reason" in calls) {
  it.skip(`DatagramNetworkBatched over the real kernel: ${calls.reason}`, () => {})
} else {
  const layer = DatagramNetworkBatched.layer(calls)
  // Documentation addresses: a socket bound to the loopback address has no way there.
  suite("batched, IPv4", { layer, host: "127.0.0.1", unreachable: "203.0.113.1" })
  it.effect("the kernel says when datagrams arrived, however long nobody pulls them", () =>
    Effect.gen(function* () {
      const server = yield* openEndpoint("127.0.0.1")
      const client = yield* openEndpoint("127.0.0.1")
      // The kernel begins to stamp soon after it was asked for the first time, and until then says when it was pulled.
      for (let round = 0, isStamped = false; !isStamped; round++) {
        assert.isBelow(round, 100)
        const sentAtMs = yield* monotonicMs
        yield* sendNumbers(client, server.port.address, [1])
        const sentByMs = yield* monotonicMs
        while ((yield* monotonicMs) < sentByMs + ArrivalSample.everyMs) yield* Effect.yieldNow
        const { arrivedAtMs } = yield* server.port.pull
        // The loopback hands a datagram over within the send. Two clocks are read to compare them, one after the other.
        if (!Number.isNaN(arrivedAtMs)) assert.isAtLeast(arrivedAtMs, sentAtMs - 0.1)
        isStamped = arrivedAtMs <= sentByMs + 0.1
      }
    }).pipe(Effect.scoped, Effect.provide(layer), TestClock.withLive)
  )
  if (hasIpv6) suite("batched, IPv6", { layer, host: "::1", unreachable: "2001:db8::1" })
}

const somebody = Uint32Array.of(5000, 0, 0, 0xffff, 0x7f000001)
const numbers = [1, 2, 3, 4, 5]

/** A port over a kernel of the test's making. */
const openFake = Effect.gen(function* () {
  const kernel = FakeKernel.make()
  // Each datagram a message of its own, so that the kernel can stop between any two.
  kernel.setSegmentation("no")
  const endpoint = yield* openEndpoint("127.0.0.1").pipe(Effect.provide(DatagramNetworkBatched.layer(kernel.calls)))
  return { kernel, endpoint }
})

/** One byte from somebody. */
const datagram = (number: number, stampMs?: number): FakeKernel.KernelDatagram => ({
  name: Uint8Array.of(Abi.AF_INET, 0, 0x13, 0x88, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0),
  bytes: Uint8Array.of(number),
  ...(stampMs === undefined ? {} : { stampMs })
})
const numbersOf = (received: ReadonlyArray<Received>) => received.flatMap(({ bytes }) => bytes)

const sentNumbers = ({ sent }: ReturnType<typeof FakeKernel.make>) => sent.map(({ bytes }) => bytes[0])

describe("DatagramNetworkBatched over a kernel that has faults", () => {
  it.effect("what the kernel does not take at once goes out when it takes more, in its order", () =>
    Effect.gen(function* () {
      const { endpoint, kernel } = yield* openFake
      kernel.sendFaults.push({ take: 2 }, { error: Abi.EAGAIN }, { take: 1 }, { error: Abi.ENOBUFS })
      const sending = yield* Effect.forkChild(sendNumbers(endpoint, somebody, numbers), { startImmediately: true })
      assert.deepStrictEqual(sentNumbers(kernel), [1, 2])
      assert.isTrue(kernel.turn(SystemCalls.writable))
      assert.deepStrictEqual(sentNumbers(kernel), [1, 2, 3])
      assert.isTrue(kernel.turn(SystemCalls.writable))
      yield* Fiber.join(sending)
      assert.deepStrictEqual(sentNumbers(kernel), numbers)
      assert.strictEqual(endpoint.port.counters.sent, 5)
      assert.strictEqual(endpoint.batch.count, 0)
    }).pipe(Effect.scoped)
  )

  it.effect("what the kernel does not take in time is dropped and counted, and the next batch goes out", () =>
    Effect.gen(function* () {
      const { endpoint, kernel } = yield* openFake
      kernel.sendFaults.push({ take: 2 }, { error: Abi.EAGAIN }, { error: Abi.EAGAIN })
      const sending = yield* Effect.forkChild(sendNumbers(endpoint, somebody, numbers), { startImmediately: true })
      yield* TestClock.adjust("10 millis")
      yield* Fiber.join(sending)
      assert.deepStrictEqual(sentNumbers(kernel), [1, 2])
      assert.strictEqual(endpoint.port.counters.droppedSendFailed, 3)
      yield* sendNumbers(endpoint, somebody, [6])
      assert.deepStrictEqual(sentNumbers(kernel), [1, 2, 6])
    }).pipe(Effect.scoped)
  )

  it.effect("what it is worse to lose goes first when the kernel does not take all", () =>
    Effect.gen(function* () {
      const { endpoint, kernel } = yield* openFake
      kernel.sendFaults.push(
        { take: 1 },
        { error: Abi.EAGAIN },
        { take: 3 },
        { error: Abi.EAGAIN },
        { error: Abi.EAGAIN }
      )
      for (const number of numbers) {
        addPacket(endpoint, somebody, [], [number])
        endpoint.batch.dropPrecedence[number - 1] = number % 2
      }
      const sending = yield* Effect.forkChild(endpoint.port.send(endpoint.batch), { startImmediately: true })
      kernel.turn(SystemCalls.writable)
      assert.deepStrictEqual(sentNumbers(kernel), [1, 2, 4, 3])
      yield* TestClock.adjust("10 millis")
      yield* Fiber.join(sending)
      assert.strictEqual(endpoint.port.counters.droppedSendFailed, 1)
    }).pipe(Effect.scoped)
  )

  it.effect("two who send do not mix their packets, nor does one overtake what the other waits to send", () =>
    Effect.gen(function* () {
      const { endpoint, kernel } = yield* openFake
      kernel.sendFaults.push({ take: 1 }, { error: Abi.EAGAIN })
      const first = yield* Effect.forkChild(sendNumbers(endpoint, somebody, [1, 2]), { startImmediately: true })
      const room = { capacity: 8, scratchOffset: endpoint.memory.ownerOffset + 1000, scratchBytes: 1000 }
      const other = { ...endpoint, batch: PacketBatch.makeSendBatch(room) }
      const second = yield* Effect.forkChild(sendNumbers(other, somebody, [3, 4]), { startImmediately: true })
      kernel.turn(SystemCalls.writable)
      yield* Fiber.join(first)
      yield* Fiber.join(second)
      assert.deepStrictEqual(sentNumbers(kernel), [1, 2, 3, 4])
    }).pipe(Effect.scoped)
  )

  it.effect("a reader is woken by what arrives, and nothing is watched while nobody waits", () =>
    Effect.gen(function* () {
      const { endpoint, kernel } = yield* openFake
      const waiting = yield* Effect.forkChild(receive(endpoint), { startImmediately: true })
      assert.strictEqual(kernel.watched(), SystemCalls.readable)
      kernel.arrive(datagram(1), datagram(2))
      kernel.turn()
      assert.deepStrictEqual(
        yield* Fiber.join(waiting),
        [1, 2].map((number) => ({ source: "127.0.0.1:5000", bytes: [number] }))
      )
      kernel.arrive(datagram(3))
      kernel.turn()
      assert.strictEqual(kernel.watched(), 0)
      const again = yield* Effect.forkChild(receive(endpoint), { startImmediately: true })
      kernel.turn()
      assert.deepStrictEqual(numbersOf(yield* Fiber.join(again)), [3])
    }).pipe(Effect.scoped)
  )

  it.effect(
    "where datagrams are dense, the reader waits for the next in the system call, and the loop has its turns",
    () =>
      Effect.gen(function* () {
        const { endpoint, kernel } = yield* openFake
        const all = Array.from({ length: 40 }, (_, i) => i)
        let turns = 0
        /** Forty datagrams and some time; whether the reader had to be woken for them. */
        const next = Effect.gen(function* () {
          const reading = yield* Effect.forkChild(receive(endpoint), { startImmediately: true })
          const isWaiting = kernel.watched() !== 0
          kernel.arrive(...all.map(datagram))
          kernel.turn()
          assert.deepStrictEqual(numbersOf(yield* Fiber.join(reading)), all)
          yield* TestClock.adjust("5 millis")
          return isWaiting
        })
        const beside = yield* Effect.forkChild(
          Effect.forever(
            Effect.andThen(
              Effect.yieldNow,
              Effect.sync(() => void turns++)
            )
          )
        )
        // Two turns, and the one after them.
        for (let i = 0; i < 5; i++) assert.isTrue(yield* next)
        kernel.arrive(datagram(1))
        assert.deepStrictEqual(numbersOf(yield* receive(endpoint)), [1])
        assert.isAbove(turns, 0)
        yield* Fiber.interrupt(beside)

        // Nothing comes: it blocks once, and then goes back to the event loop.
        const waiting = yield* Effect.forkChild(receive(endpoint), { startImmediately: true })
        assert.strictEqual(kernel.blockings(), 1)
        assert.strictEqual(kernel.watched(), SystemCalls.readable)
        kernel.arrive(datagram(2))
        kernel.turn()
        assert.deepStrictEqual(numbersOf(yield* Fiber.join(waiting)), [2])
      }).pipe(Effect.scoped)
  )

  it.effect("the kernel is asked when datagrams arrived once in a while, and not for every receive", () =>
    Effect.gen(function* () {
      const { endpoint, kernel } = yield* openFake
      const wallStartMs = 1_800_000_000_000
      /** After a millisecond two datagrams, the first of which has waited. */
      const next = (waitMs: number) =>
        Effect.gen(function* () {
          yield* TestClock.adjust("1 millis")
          const wallMs = wallStartMs + (yield* monotonicMs)
          kernel.setWallMs(wallMs)
          kernel.arrive(datagram(1, wallMs - waitMs), datagram(2, wallMs))
          const pulling = yield* Effect.forkChild(endpoint.port.pull, { startImmediately: true })
          kernel.turn()
          const batch = yield* Fiber.join(pulling)
          assert.strictEqual(batch.count, 2)
          return batch.arrivedAtMs
        })
      const told = yield* Effect.forEach([0.5, 0, 0, 0, 0, 1.5, 0, 0, 0, 0, 4.5], next)
      assert.deepStrictEqual(told, [0.5, NaN, NaN, NaN, NaN, 4.5, NaN, NaN, NaN, NaN, 6.5])
    }).pipe(Effect.scoped)
  )

  it.effect("closing wakes who waits, and closes the watch before the socket", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const { endpoint, kernel } = yield* Scope.provide(openFake, scope)
      const waiting = yield* Effect.forkChild(receive(endpoint), { startImmediately: true })
      yield* Scope.close(scope, Exit.void)
      assert.isTrue(Exit.isFailure(yield* Fiber.await(waiting)))
      assert.deepStrictEqual(kernel.open, { socket: false, watch: false })
      yield* sendNumbers(endpoint, somebody, [1])
      assert.deepStrictEqual(kernel.sent, [])
      assert.strictEqual(endpoint.port.counters.droppedSendFailed, 1)
    })
  )
})
