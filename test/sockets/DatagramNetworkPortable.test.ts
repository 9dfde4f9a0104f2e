import { assert, describe, it } from "@effect/vitest"
import { Effect, Result } from "effect"
import * as Os from "node:os"
import * as DatagramNetworkPortable from "../../src/sockets/DatagramNetworkPortable.ts"
import * as PackedAddress from "../../src/sockets/PackedAddress.ts"
import {
  addPacket,
  openEndpoint,
  receive,
  receiveCount,
  send,
  sendNumbers,
  suite
} from "../suites/DatagramNetworkSuite.ts"

const { layer } = DatagramNetworkPortable

// Documentation addresses: a socket bound to the loopback address has no way there.
suite("portable, IPv4", { layer, host: "127.0.0.1", unreachable: "203.0.113.1" })
const hasIpv6 = Object.values(Os.networkInterfaces()).some((addresses) => addresses?.some((it) => it.address === "::1"))
if (hasIpv6) suite("portable, IPv6", { layer, host: "::1", unreachable: "2001:db8::1" })

describe("DatagramNetworkPortable", () => {
  it.effect.skipIf(!hasIpv6)("a port of both families hears and answers IPv4, whose addresses have one form", () =>
    Effect.gen(function* () {
      const server = yield* openEndpoint("::")
      const port = server.port.address[0]!
      const address = Result.getOrThrow(PackedAddress.fromHost("127.0.0.1", port))
      const client = yield* openEndpoint("127.0.0.1")
      yield* sendNumbers(client, address, [1])
      assert.deepStrictEqual(yield* receive(server), [
        { source: PackedAddress.format(client.port.address), bytes: [1] }
      ])
      yield* sendNumbers(server, client.port.address, [2])
      assert.deepStrictEqual(yield* receive(client), [{ source: `127.0.0.1:${port}`, bytes: [2] }])
      const client6 = yield* openEndpoint("::1")
      yield* sendNumbers(server, client6.port.address, [3])
      assert.deepStrictEqual(yield* receive(client6), [{ source: `[::1]:${port}`, bytes: [3] }])
    }).pipe(Effect.provide(layer))
  )

  it.effect("each datagram that the system refuses is counted, however many in a batch", () =>
    Effect.gen(function* () {
      const server = yield* openEndpoint("127.0.0.1")
      const client = yield* openEndpoint("127.0.0.1")
      const wrongFamily = Result.getOrThrow(PackedAddress.fromHost("::1", server.port.address[0]!))
      addPacket(client, wrongFamily, [], [1])
      addPacket(client, server.port.address, [], [2])
      addPacket(client, wrongFamily, [], [3])
      yield* send(client)
      yield* receiveCount(server, 1)
      assert.strictEqual(client.port.counters.droppedSendFailed, 2)
      assert.strictEqual(client.port.counters.sent, 1)
      assert.strictEqual(client.port.counters.sentBytes, 1)
    }).pipe(Effect.provide(layer))
  )

  it.effect("an address of another machine is refused with what to do", () =>
    Effect.gen(function* () {
      const refused = yield* Effect.flip(openEndpoint("203.0.113.1", 3478))
      assert.include(refused.message, "203.0.113.1 is no address of this machine")
    }).pipe(Effect.provide(layer))
  )

  it.effect("more than waits for a pull is dropped from the old end and counted", () =>
    Effect.gen(function* () {
      const server = yield* openEndpoint("127.0.0.1")
      const client = yield* openEndpoint("127.0.0.1")
      for (let number = 0; number < 20; number++) {
        yield* sendNumbers(client, server.port.address, new Array<number>(256).fill(number))
        yield* Effect.yieldNow
      }
      while (server.port.counters.droppedReceiveBufferFull < 20 * 256 - 4096) yield* Effect.yieldNow
      const received = yield* receiveCount(server, 4096)
      assert.strictEqual(received.length, 4096)
      assert.deepStrictEqual([received[0]!.bytes, received.at(-1)!.bytes], [[4], [19]])
    }).pipe(Effect.provide(layer))
  )
})
