import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as LocalPort from "../../../src/client/bridge/LocalPort.ts"
import * as LocalPortPair from "../../../src/client/bridge/LocalPortPair.ts"
import * as SimulatedNetwork from "../../../src/sockets/simulated/SimulatedNetwork.ts"

const host = "192.0.2.1"
/** The simulated network gives the lowest free port from here on. */
const firstFree = 49_152

const onNetwork = <A, E, R>(test: Effect.Effect<A, E, R>) =>
  test.pipe(Effect.scoped, Effect.provide(SimulatedNetwork.layer()))

const free = (...reserved: ReadonlyArray<number>) =>
  Effect.map(LocalPortPair.openFree(host, new Set(reserved)), (pair) => LocalPortPair.portNumbers(pair).rtpPort)

describe("LocalPortPair", () => {
  it.effect("is an even port and the next", () =>
    onNetwork(
      Effect.gen(function* () {
        const pair = LocalPortPair.portNumbers(yield* LocalPortPair.openFree(host, new Set()))
        assert.deepStrictEqual(pair, { rtpPort: firstFree, rtcpPort: firstFree + 1 })
        assert.strictEqual(yield* free(), firstFree + 2)
      })
    )
  )

  it.effect("passes over odd ports, and even ones whose next is in use", () =>
    onNetwork(
      Effect.gen(function* () {
        yield* LocalPort.open(host, firstFree)
        yield* LocalPort.open(host, firstFree + 3)
        assert.strictEqual(yield* free(), firstFree + 4)
        // What was tried meanwhile is free again.
        assert.strictEqual((yield* LocalPort.open(host, firstFree + 2)).address[0], firstFree + 2)
      })
    )
  )

  it.effect("passes over what is kept for others", () =>
    onNetwork(
      Effect.gen(function* () {
        assert.strictEqual(yield* free(firstFree, firstFree + 2), firstFree + 4)
      })
    )
  )

  it.effect("says which port is in use", () =>
    onNetwork(
      Effect.gen(function* () {
        yield* LocalPort.open(host, 5001)
        const { message } = yield* Effect.flip(LocalPortPair.openAt(host, 5000))
        assert.include(message, "UDP port 5001 on 192.0.2.1 is in use")
      })
    )
  )

  it.effect("gives up when there are no pairs", () =>
    onNetwork(
      Effect.gen(function* () {
        for (let port = firstFree; port < firstFree + 200; port += 2) yield* LocalPort.open(host, port)
        const { message } = yield* Effect.flip(LocalPortPair.openFree(host, new Set()))
        assert.include(message, "no two free ports lie side by side")
      })
    )
  )
})
