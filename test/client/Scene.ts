import { Effect, Fiber, Random, type Scope, Stream } from "effect"
import { TestClock } from "effect/testing"
import * as CallClient from "../../src/client/CallClient.ts"
import type { ConnectionEvent } from "../../src/client/ConnectionEvent.ts"
import type { JoinOptions } from "../../src/client/JoinOptions.ts"
import type { RosterEvent } from "../../src/client/RosterEvent.ts"
import { SecureBytes } from "../../src/client/SecureBytes.ts"
import type { ReceivedPacket } from "../../src/client/streams/ReceivedPacket.ts"
import * as SendingStream from "../../src/client/streams/SendingStream.ts"
import { ParticipantId } from "../../src/protocol/Ids.ts"
import type { RosterEntry } from "../../src/protocol/RosterAttribute.ts"
import { StreamDescription } from "../../src/protocol/StreamDescription.ts"
import type { DatagramNetwork } from "../../src/sockets/DatagramNetwork.ts"
import * as LinkEmulator from "../../src/sockets/simulated/LinkEmulator.ts"
import * as SimulatedNetwork from "../../src/sockets/simulated/SimulatedNetwork.ts"
import { dice } from "../media/LegPair.ts"
import * as FakeRelay from "./FakeRelay.ts"

/** What tests of the client have in common: the network, the options, the other participant, what has come out. */

export const relayA = "203.0.113.1"
export const relayB = "203.0.113.2"
export const deviceHost = "192.0.2.7"
export const device = `${deviceHost}:5000`
export const linkMs = 20

export const sharedSecret = new Uint8Array(32).fill(9)

export const opus = { kind: "audio", codec: "opus", clockRate: 48_000, payloadType: 111 } as const
export const vp8 = { kind: "video", codec: "vp8", clockRate: 90_000, payloadType: 96 } as const

export const optionsOf = (relays: ReadonlyArray<string>): JoinOptions => ({
  relays: relays.map((host) => `${host}:3478`),
  token: FakeRelay.token,
  streams: [opus, vp8],
  sharedSecret,
  host: deviceHost,
  port: 5000
})

/** Runs in a network of its own, on a clock of its own, with dice of its own. */
export const run =
  (seed: number) =>
  <A, E>(scene: Effect.Effect<A, E, DatagramNetwork | SimulatedNetwork.SimulatedNetwork | Scope.Scope>) => {
    const draw = dice(seed)
    const secureBytes = (size: number) => Uint8Array.from({ length: size }, () => Math.floor(draw() * 256))
    return scene.pipe(
      Effect.scoped,
      Effect.provide(SimulatedNetwork.layer({ ...LinkEmulator.perfect, latencyMs: linkMs })),
      Effect.provideService(SecureBytes, secureBytes),
      Random.withSeed(seed)
    )
  }

/** Runs while `forMs` pass. */
export const during = Effect.fnUntraced(function* <A, E, R>(forMs: number, effect: Effect.Effect<A, E, R>) {
  const fiber = yield* Effect.forkChild(effect, { startImmediately: true })
  yield* TestClock.adjust(forMs)
  return yield* Fiber.join(fiber)
})

/** What comes out of a client from now on. */
export interface Observed {
  readonly packets: Array<ReceivedPacket>
  readonly roster: Array<RosterEvent>
  readonly connection: Array<ConnectionEvent>
  readonly keyFrameRequests: Array<number>
}

export const observe = Effect.fnUntraced(function* (client: CallClient.CallClient) {
  const observed: Observed = { packets: [], roster: [], connection: [], keyFrameRequests: [] }
  const collect = <A>(stream: Stream.Stream<A>, into: Array<A>) =>
    Stream.runForEach(stream, (item) => Effect.sync(() => into.push(item))).pipe(
      Effect.forkScoped({ startImmediately: true })
    )
  yield* collect(client.packets, observed.packets)
  yield* collect(client.roster, observed.roster)
  yield* collect(client.connection, observed.connection)
  yield* collect(client.keyFrameRequests, observed.keyFrameRequests)
  return observed
})

/** A client that has joined at relay A, and relay A. */
export const joined = Effect.fnUntraced(function* (options: Partial<JoinOptions> = {}) {
  const relay = yield* FakeRelay.make(relayA, options.token)
  const client = yield* during(5 * linkMs, CallClient.join({ ...optionsOf([relayA]), ...options }))
  const observed = yield* observe(client)
  return { relay, client, observed }
})

/** What lin sends. */
export const lin = (number: number) => {
  const participant = ParticipantId.make(`lin-${number}`)
  const draw = dice(number)
  const secureBytes = (size: number) => Uint8Array.from({ length: size }, () => Math.floor(draw() * 256))
  const audio = { ...opus, ssrc: 1000 + number }
  const video = { ...vp8, ssrc: 2000 + number }
  const describe = ({ clockRate, codec, kind, ssrc }: typeof audio | typeof video) =>
    new StreamDescription({ clockRate, codec, kind, ssrc })
  const entry: RosterEntry = { participant, streams: [describe(audio), describe(video)] }
  return {
    participant,
    entry,
    audio: SendingStream.make(audio, sharedSecret, secureBytes),
    video: SendingStream.make(video, sharedSecret, secureBytes)
  }
}

/** Audio packet `number`, 20 ms each. */
export const audioPacket = (number: number): SendingStream.OutgoingPacket => ({
  payload: Uint8Array.of(number, number + 1, number + 2),
  timestamp: number * 960,
  marker: number === 0,
  descriptor: 0x80 | 30
})

/** A roster of one page. */
export const rosterOf = (version: number, entries: ReadonlyArray<RosterEntry>, counter = version) =>
  ({ _tag: "RosterDirective", counter, page: { version, page: 0, pages: 1 }, entries }) as const
