import { assert, describe, it } from "@effect/vitest"
import { Effect, Random, Stream } from "effect"
import * as CallClient from "../../src/client/CallClient.ts"
import * as LinkEmulator from "../../src/sockets/simulated/LinkEmulator.ts"
import * as SimulatedNetwork from "../../src/sockets/simulated/SimulatedNetwork.ts"
import * as WallClock from "../cluster/WallClock.ts"
import * as Raw from "./RawDevice.ts"

const audioOffer = { kind: "audio", codec: "opus", clockRate: 48000, payloadType: 111 } as const

const host = (n: number) => `10.0.0.${10 + n}`

/** Joins, and counts what it hears. */
const participant = Effect.fnUntraced(function* (n: number) {
  const client = yield* CallClient.join({
    relays: [Raw.relayAddress],
    token: yield* Raw.mint(`p${n}`),
    streams: [audioOffer],
    sharedSecret: undefined,
    host: host(n)
  })
  let heard = 0
  yield* client.packets.pipe(
    Stream.runForEach(() => Effect.sync(() => heard++)),
    Effect.forkScoped
  )
  return { client, heard: () => heard }
})

const speak = Effect.fnUntraced(function* (client: CallClient.CallClient, packets: number) {
  for (let tick = 0; tick < packets; tick++) {
    yield* client.send(client.streams[0]!, {
      payload: Uint8Array.of(tick),
      timestamp: tick * 960,
      marker: false,
      descriptor: 127
    })
    yield* Effect.sleep("20 millis")
  }
})

describe("a path on which an answer takes longer than the first repetition", () => {
  // A device that asks again is challenged again, and the second challenge comes when the first has been met.
  for (const roundTripMs of [450, 600, 900, 1400, 2600]) {
    it.effect(`of ${roundTripMs} ms: who joins is on the leg that the relay has`, () =>
      Effect.gen(function* () {
        const network = yield* SimulatedNetwork.SimulatedNetwork
        const link = { ...LinkEmulator.perfect, latencyMs: roundTripMs / 2 }
        for (const n of [0, 1]) {
          yield* network.setLink(host(n), "10.0.0.1", link)
          yield* network.setLink("10.0.0.1", host(n), link)
        }
        const members = yield* Effect.forEach([0, 1], participant, { concurrency: 2 })
        yield* Effect.sleep("5 seconds")
        yield* Effect.forEach(members, ({ client }) => speak(client, 100), { concurrency: 2 })
        yield* Effect.sleep("3 seconds")
        assert.deepStrictEqual(
          members.map(({ heard }) => heard()),
          [100, 100]
        )
      }).pipe(
        Effect.provide(Raw.layerRelay()),
        Effect.scoped,
        Raw.passing,
        Raw.inThePresent,
        WallClock.provide,
        Random.withSeed("far")
      )
    )
  }
})
