import { assert, describe, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import * as CallClient from "../../src/client/CallClient.ts"
import * as LinkEmulator from "../../src/sockets/simulated/LinkEmulator.ts"
import * as SimulatedNetwork from "../../src/sockets/simulated/SimulatedNetwork.ts"
import * as Raw from "../server/RawDevice.ts"
import { hosts, type Name, scene, setLinks } from "./RelayScene.ts"
import { audioPacket, observe, opus, sharedSecret, vp8 } from "./Scene.ts"

const join = Effect.fnUntraced(function* (participant: Name) {
  const client = yield* CallClient.join({
    relays: [Raw.relayAddress],
    token: yield* Raw.mint(participant),
    streams: [opus, vp8],
    sharedSecret,
    // Every packet is wanted, however late.
    playoutDelayMs: 300,
    host: hosts[participant],
    port: 5000
  })
  return { client, observed: yield* observe(client) }
})

/** So many packets, 20 ms each. */
const speak = Effect.fnUntraced(function* (client: CallClient.CallClient, count: number, first = 0) {
  for (let number = first; number < first + count; number++) {
    yield* client.send(client.streams[0]!, audioPacket(number))
    yield* Effect.sleep(20)
  }
})

const numbersTo = (count: number) => Array.from({ length: count }, (_, number) => number)

/** The client against the relay that it is made for. */
describe("a call over the relay", () => {
  it.effect("is heard whole at 5 % loss on every link", () =>
    scene(
      80,
      Effect.gen(function* () {
        const ada = yield* join("ada")
        const lin = yield* join("lin")
        yield* Effect.sleep(200)
        yield* setLinks({ lossRatio: 0.05, jitterMs: 5 })
        yield* Effect.all([speak(ada.client, 150), speak(lin.client, 150)], { concurrency: 2 })
        yield* Effect.sleep(1000)
        for (const [listener, speaker] of [
          [ada, lin],
          [lin, ada]
        ] as const) {
          assert.deepStrictEqual(
            listener.observed.packets.map(({ payload }) => payload),
            numbersTo(150).map((number) => audioPacket(number).payload)
          )
          assert.deepStrictEqual(
            listener.observed.roster.map((event) => [event._tag, event.participant]),
            [["Joined", speaker.client.participant]]
          )
          assert.notInclude(
            listener.observed.connection.map(({ _tag }) => _tag),
            "Resumed"
          )
        }
        yield* setLinks({})
        yield* lin.client.leave
        yield* Effect.sleep(200)
        assert.deepStrictEqual(ada.observed.roster.at(-1), { _tag: "Left", participant: lin.client.participant })
      })
    )
  )

  it.effect("tells who sends how much video gets to who receives, though his own path holds more", () =>
    scene(
      83,
      Effect.gen(function* () {
        const network = yield* SimulatedNetwork.SimulatedNetwork
        const ada = yield* join("ada")
        yield* join("lin")
        const narrow = { ...LinkEmulator.perfect, latencyMs: 10, rateBps: 600_000, queueBytes: 20_000 }
        const [relayHost] = Raw.relayAddress.split(":") as [string]
        yield* network.setLink(relayHost, hosts.lin, narrow)
        yield* Effect.sleep(200)
        const told: Array<number> = []
        yield* ada.client.videoRate.pipe(
          Stream.runForEach((bps) => Effect.sync(() => told.push(bps))),
          Effect.forkScoped({ startImmediately: true })
        )
        for (let frame = 0; frame < 180; frame++) {
          const packets = Math.max(1, Math.round((told.at(-1) ?? 300_000) / 8 / 30 / 1000))
          yield* ada.client.sendAll(
            ada.client.streams[1]!,
            Array.from({ length: packets }, (_, part) => ({
              payload: new Uint8Array(1000),
              timestamp: frame * 3000,
              marker: part === packets - 1,
              descriptor: part === 0 ? 0x80 : 0
            }))
          )
          yield* Effect.sleep(33)
        }
        assert.isAbove(Math.max(...told), 900_000, "at first nobody knows")
        assert.isAtMost(told.at(-1)!, 600_000)
        assert.isAtLeast(told.at(-1)!, 100_000)
      })
    )
  )

  it.effect("goes on when an address translator has given a device another address", () =>
    scene(
      81,
      Effect.gen(function* () {
        const network = yield* SimulatedNetwork.SimulatedNetwork
        const ada = yield* join("ada")
        const lin = yield* join("lin")
        yield* Effect.sleep(200)
        yield* speak(ada.client, 50)
        yield* network.rebind(`${hosts.ada}:5000`, `${hosts.ada}:6000`)
        yield* speak(ada.client, 100, 50)
        yield* Effect.sleep(500)
        assert.deepStrictEqual(
          ada.observed.connection.map(({ _tag }) => _tag),
          ["Connected", "Suspect", "Moved", "Connected"]
        )
        const missed = lin.observed.packets.reduce((sum, { missedBefore }) => sum + missedBefore, 0)
        // Up to 550 ms pass before the device is suspicious; of what it says meanwhile the last 400 ms are repaired.
        assert.isAtMost(missed, 10)
        assert.strictEqual(lin.observed.packets.length + missed, 150)
      })
    )
  )

  it.effect("is found again after the network was away for ten seconds", () =>
    scene(
      82,
      Effect.gen(function* () {
        const ada = yield* join("ada")
        const lin = yield* join("lin")
        yield* Effect.sleep(200)
        yield* speak(ada.client, 20)
        yield* setLinks({ lossRatio: 1 })
        yield* speak(ada.client, 500, 20)
        yield* setLinks({})
        yield* Effect.sleep("6 seconds")
        yield* speak(ada.client, 20, 520)
        yield* Effect.sleep(500)
        for (const { observed } of [ada, lin]) {
          assert.notInclude(
            observed.connection.map(({ _tag }) => _tag),
            "Ended"
          )
          assert.notStrictEqual(observed.connection.at(-1)!._tag, "Suspect")
        }
        assert.deepStrictEqual(
          lin.observed.packets.slice(-20).map(({ payload }) => payload),
          numbersTo(20).map((number) => audioPacket(520 + number).payload)
        )
      })
    )
  )
})
