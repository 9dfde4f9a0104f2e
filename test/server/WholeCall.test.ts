import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Random, Stream } from "effect"
import { TestClock } from "effect/testing"
import * as CallClient from "../../src/client/CallClient.ts"
import type { ReceivedPacket } from "../../src/client/streams/ReceivedPacket.ts"
import { SecureBytes } from "../../src/client/SecureBytes.ts"
import * as LinkEmulator from "../../src/sockets/simulated/LinkEmulator.ts"
import * as SimulatedNetwork from "../../src/sockets/simulated/SimulatedNetwork.ts"
import * as WallClock from "../cluster/WallClock.ts"
import * as LegPair from "../media/LegPair.ts"
import * as Raw from "./RawDevice.ts"

const secret = new Uint8Array(32).fill(3)
const audioOffer = { kind: "audio", codec: "opus", clockRate: 48000, payloadType: 111 } as const
const videoOffer = { kind: "video", codec: "vp8", clockRate: 90000, payloadType: 96 } as const

/** Bytes that everybody can foresee, so that the run is its seed. */
const seededBytes = (seed: number): SecureBytes => {
  const draw = LegPair.dice(seed)
  return (size) => Uint8Array.from({ length: size }, () => draw() * 256)
}

const host = (n: number) => `10.0.0.${10 + n}`

/** A participant who is in the call, and all that it has received. */
const participant = Effect.fnUntraced(function* (n: number, options: { readonly repair?: boolean } = {}) {
  const client = yield* CallClient.join({
    relays: [Raw.relayAddress],
    token: yield* Raw.mint(`p${n}`),
    streams: [audioOffer, videoOffer],
    sharedSecret: secret,
    // Every packet is wanted, however late.
    playoutDelayMs: 300,
    host: host(n),
    ...options
  }).pipe(Effect.provideService(SecureBytes, seededBytes(n)))
  const received: Array<ReceivedPacket> = []
  yield* client.packets.pipe(
    Stream.runForEach((packet) => Effect.sync(() => received.push(packet))),
    Effect.forkScoped
  )
  return { n, client, received }
})
type Member = Effect.Success<ReturnType<typeof participant>>

/** A second of audio and video: 50 packets of one, 30 frames of three packets of the other, the first a key frame. */
const speak = Effect.fnUntraced(function* ({ client, n }: Member, seconds: number) {
  const [audio, video] = client.streams
  for (let tick = 0; tick < seconds * 50; tick++) {
    yield* client.send(audio!, {
      payload: Uint8Array.of(n, tick),
      timestamp: tick * 960,
      marker: false,
      descriptor: 127
    })
    if (tick % 2 === 0) {
      const descriptor = tick === 0 ? 0xa0 : 0x80
      const payloads = [0, 1, 2].map((part) => Uint8Array.of(n, tick, part))
      yield* client.sendAll(
        video!,
        payloads.map((payload, part) => ({ payload, timestamp: tick * 1800, marker: part === 2, descriptor }))
      )
    }
    yield* Effect.sleep("20 millis")
  }
})

/** A call of so many over a relay, everybody's links in both directions as given. */
const call = (options: {
  readonly members: number
  readonly seconds: number
  readonly link: Partial<LinkEmulator.LinkOptions>
  readonly seed: string
  readonly repair?: boolean
  /** Runs beside the call. */
  readonly meanwhile?: Effect.Effect<void, never, SimulatedNetwork.SimulatedNetwork | WallClock.WallClock>
}) =>
  Effect.gen(function* () {
    const network = yield* SimulatedNetwork.SimulatedNetwork
    const repair = options.repair ?? true
    const members = yield* Effect.forEach(
      Array.from({ length: options.members }, (_, n) => n),
      (n) => participant(n, { repair })
    )
    yield* Effect.sleep("1 second")
    for (const { n } of members) {
      const link = { ...LinkEmulator.perfect, latencyMs: 20, ...options.link }
      yield* network.setLink(host(n), "10.0.0.1", link)
      yield* network.setLink("10.0.0.1", host(n), link)
    }
    const meanwhile = yield* Effect.forkChild(options.meanwhile ?? Effect.void)
    yield* Effect.forEach(members, (member) => speak(member, options.seconds), { concurrency: "unbounded" })
    yield* Effect.sleep("2 seconds")
    yield* Fiber.join(meanwhile)
    const statistics = yield* Effect.forEach(members, ({ client }) => client.statistics)
    return members.map(({ n, received }, index) => ({ n, received: [...received], statistics: statistics[index]! }))
  }).pipe(
    Effect.provide(Raw.layerRelay({ repair: options.repair ?? true })),
    Effect.scoped,
    Raw.passing,
    Raw.inThePresent,
    WallClock.provide,
    Random.withSeed(options.seed),
    // A clock of its own for every call: two that are compared begin at the same time.
    Effect.provide(TestClock.layer())
  )

/** What one member has received of one other, as "tick" or "tick.part", in order of delivery. */
const heard = (received: ReadonlyArray<ReceivedPacket>, from: number, kind: "audio" | "video") =>
  received
    .filter((packet) => packet.participant === `p${from}` && packet.kind === kind)
    .map(({ payload }) => payload.slice(1).join("."))

const spoken = (seconds: number, kind: "audio" | "video") =>
  Array.from({ length: seconds * 50 }, (_, tick) => tick & 0xff).flatMap((tick, n) => {
    if (kind === "audio") return [`${tick}`]
    return n % 2 === 0 ? [0, 1, 2].map((part) => `${tick}.${part}`) : []
  })

describe("a whole call in virtual time", () => {
  for (const seed of ["rain-1", "rain-2"]) {
    it.effect(`every packet arrives once, in order, through 5 % loss on every hop (seed ${seed})`, () =>
      Effect.gen(function* () {
        const members = yield* call({ members: 3, seconds: 4, link: { lossRatio: 0.05, jitterMs: 5 }, seed })
        for (const { n, received, statistics } of members) {
          for (const from of [0, 1, 2].filter((other) => other !== n)) {
            for (const kind of ["audio", "video"] as const) {
              assert.deepStrictEqual(heard(received, from, kind), spoken(4, kind), `seed ${seed}: p${from} at p${n}`)
            }
          }
          assert.isAbove(statistics.downlink.packetsRepaired, 10)
          assert.approximately(statistics.roundTripMs!, 45, 10)
        }
      })
    )
  }

  it.effect("without repair a tenth is missing", () =>
    Effect.gen(function* () {
      const members = yield* call({ members: 2, seconds: 4, link: { lossRatio: 0.05 }, seed: "rain-1", repair: false })
      const whole = 2 * (spoken(4, "audio").length + spoken(4, "video").length)
      const arrived = members.reduce((sum, { received }) => sum + received.length, 0)
      assert.approximately(1 - arrived / whole, 0.0975, 0.04)
    })
  )

  it.effect("the same seed makes the same call, another seed another", () =>
    Effect.gen(function* () {
      const run = (seed: string) =>
        Effect.map(call({ members: 2, seconds: 2, link: { lossRatio: 0.1, jitterMs: 8 }, seed }), (members) =>
          members.map(({ received, statistics }) => [
            received.map(({ arrivedAtMs, repaired }) => [arrivedAtMs, repaired]),
            statistics.traffic,
            statistics.downlink
          ])
        )
      const first = yield* run("twice")
      assert.deepStrictEqual(yield* run("twice"), first)
      assert.notDeepEqual(yield* run("other"), first)
    })
  )

  for (const hours of [0, 1, -1]) {
    const set = hours === 0 ? "" : `, when all clocks have been set by ${hours} h`
    it.effect(`goes on from Wi-Fi to cellular, with a gap of less than a second${set}`, () =>
      Effect.gen(function* () {
        const move = Effect.gen(function* () {
          const network = yield* SimulatedNetwork.SimulatedNetwork
          yield* (yield* WallClock.WallClock).jump(hours * 3_600_000)
          yield* Effect.sleep("2 seconds")
          yield* network.moveHost(host(0), "172.16.5.5")
        })
        const members = yield* call({ members: 2, seconds: 6, link: {}, seed: "move", meanwhile: move })
        for (const { n, received } of members) {
          const audio = received.filter(({ kind }) => kind === "audio")
          const gaps = audio.slice(1).map(({ arrivedAtMs }, i) => arrivedAtMs - audio[i]!.arrivedAtMs)
          assert.isBelow(Math.max(...gaps), 1000, `p${n}`)
          assert.deepStrictEqual(heard(received, 1 - n, "audio").at(-1), spoken(6, "audio").at(-1))
        }
      })
    )
  }
})
