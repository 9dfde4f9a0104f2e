import { Context, Effect, Exit, Layer, Random, Scope, Stream } from "effect"
import { TestClock } from "effect/testing"
import * as CallActor from "../../src/actor/CallActor.ts"
import { CallReports } from "../../src/actor/CallReports.ts"
import * as CallClient from "../../src/client/CallClient.ts"
import type { ConnectionEvent } from "../../src/client/ConnectionEvent.ts"
import type { StreamOffer } from "../../src/client/JoinOptions.ts"
import type { ReceivedPacket } from "../../src/client/streams/ReceivedPacket.ts"
import { SecureBytes } from "../../src/client/SecureBytes.ts"
import * as SingleRunner from "../../src/cluster/SingleRunner.ts"
import { RelayId } from "../../src/protocol/Ids.ts"
import * as Relay from "../../src/server/Relay.ts"
import * as LinkEmulator from "../../src/sockets/simulated/LinkEmulator.ts"
import * as SimulatedNetwork from "../../src/sockets/simulated/SimulatedNetwork.ts"
import * as CallStore from "../../src/state/CallStore.ts"
import * as Throttle from "../../src/throttle/Throttle.ts"
import * as LegPair from "../media/LegPair.ts"
import * as Raw from "./RawDevice.ts"

/** Several relays of one fleet on a simulated network, in virtual time, with the actors of their calls in one place. */

export const latencyMs = 10
const secret = new Uint8Array(32).fill(3)
export const audioOffer = { kind: "audio", codec: "opus", clockRate: 48000, payloadType: 111 } as const
export const videoOffer = { kind: "video", codec: "vp8", clockRate: 90000, payloadType: 96 } as const

export const relayNames = ["a", "b", "c", "d", "e"] as const
export type RelayName = (typeof relayNames)[number]

export const relayHost = (name: RelayName): string => `10.0.0.${1 + relayNames.indexOf(name)}`
export const relayAddress = (name: RelayName): string => `${relayHost(name)}:3478`
export const deviceHost = (n: number): string => `10.0.1.${n}`

/** Everything that lies between two hosts, both ways. */
export const setLinks = Effect.fnUntraced(function* (
  from: string,
  to: ReadonlyArray<string>,
  options: Partial<LinkEmulator.LinkOptions>
) {
  const network = yield* SimulatedNetwork.SimulatedNetwork
  const link = { ...LinkEmulator.perfect, latencyMs, ...options }
  for (const other of to) {
    yield* network.setLink(from, other, link)
    yield* network.setLink(other, from, link)
  }
})

/** All links of all hosts. */
export const setAllLinks = (options: Partial<LinkEmulator.LinkOptions>) =>
  Effect.forEach(everybody, (host) => setLinks(host, everybody, options), { discard: true })

const everybody = [...relayNames.map(relayHost), ...Array.from({ length: 8 }, (_, n) => deviceHost(n))]

export interface RunningRelay {
  readonly name: RelayName
  /** As a process ends that is killed: nobody hears of it. */
  readonly kill: Effect.Effect<unknown, never, SimulatedNetwork.SimulatedNetwork>
  /** As a process ends that is told to. */
  readonly stop: Effect.Effect<void>
}

let graves = 0

/** What still runs of the relay runs where nobody hears it. */
const bury = Effect.fnUntraced(function* (name: RelayName) {
  const grave = `10.255.${++graves >> 8}.${graves & 255}`
  yield* setLinks(grave, everybody, { lossRatio: 1 })
  yield* (yield* SimulatedNetwork.SimulatedNetwork).moveHost(relayHost(name), grave)
})

/** It names the others to its devices, or these of them. */
export const startRelay = Effect.fnUntraced(function* (name: RelayName, named: ReadonlyArray<RelayName> = relayNames) {
  const outer = yield* Effect.scope
  const scope = yield* Effect.acquireRelease(Scope.make(), (scope) => Scope.close(scope, Exit.void))
  yield* setLinks(relayHost(name), everybody, {})
  const relay = Relay.layerWith({
    keyRing: Raw.keyRing,
    relayId: RelayId.make(name),
    host: relayHost(name),
    port: 3478,
    otherRelays: named.filter((other) => other !== name).map(relayAddress),
    audioRingBytes: 1 << 20,
    videoRingBytes: 1 << 20
  })
  yield* Layer.buildWithScope(Layer.fresh(relay), scope)
  const stop = Scope.close(scope, Exit.void)
  const running: RunningRelay = {
    name,
    kill: setLinks(relayHost(name), everybody, { lossRatio: 1 }).pipe(
      // Its port is free at once, as that of a dead process is.
      Effect.andThen(bury(name)),
      Effect.andThen(Effect.forkIn(stop, outer))
    ),
    stop
  }
  return running
})

/** The address of a load balancer, behind which one relay is at a time. */
export const balancer = "10.0.0.100:3478"

/** From now on this relay is behind the balancer. */
export const balance = (name: RelayName) =>
  Effect.flatMap(SimulatedNetwork.SimulatedNetwork, ({ redirect }) => redirect(balancer, relayAddress(name)))

/** A participant, and all that it has received. It joins at relays, or at what stands for them. */
export const member = Effect.fnUntraced(function* (
  n: number,
  relays: ReadonlyArray<RelayName | typeof balancer>,
  call = "call",
  host = n,
  streams: ReadonlyArray<StreamOffer> = [audioOffer, videoOffer]
) {
  const draw = LegPair.dice(n)
  const secureBytes: SecureBytes = (size) => Uint8Array.from({ length: size }, () => draw() * 256)
  const client = yield* CallClient.join({
    relays: relays.map((relay) => (relay === balancer ? balancer : relayAddress(relay))),
    token: yield* Raw.mint(`p${n}`, call),
    streams,
    sharedSecret: secret,
    // Every packet is wanted, however late.
    playoutDelayMs: 300,
    host: deviceHost(host)
  }).pipe(Effect.provideService(SecureBytes, secureBytes))
  const received: Array<ReceivedPacket> = []
  const events: Array<ConnectionEvent> = []
  yield* client.packets.pipe(
    Stream.runForEach((packet) => Effect.sync(() => void received.push(packet))),
    Effect.forkScoped
  )
  yield* client.connection.pipe(
    Stream.runForEach((event) => Effect.sync(() => void events.push(event))),
    Effect.forkScoped
  )
  return { n, client, received, events }
})
export type Member = Effect.Success<ReturnType<typeof member>>

/** 50 packets of audio a second. Each carries its number, and says how loud it is, if somebody knows. */
export const speak = Effect.fnUntraced(function* (
  { client }: Member,
  seconds: number,
  first = 0,
  levelOf: (tick: number) => number = () => 127
) {
  const [audio] = client.streams
  for (let tick = first; tick < first + seconds * 50; tick++) {
    const payload = Uint8Array.of(tick >> 8, tick & 0xff)
    yield* client.send(audio!, { payload, timestamp: tick * 960, marker: false, descriptor: levelOf(tick) })
    yield* Effect.sleep("20 millis")
  }
})

/** Everybody at once. */
export const talk = (members: ReadonlyArray<Member>, seconds: number) =>
  Effect.forEach(members, (member) => speak(member, seconds), { concurrency: "unbounded", discard: true })

/** The numbers of the packets that one has heard of another, in order of delivery. */
export const heard = ({ received }: Member, from: Member): ReadonlyArray<number> =>
  received
    .filter((packet) => packet.participant === `p${from.n}` && packet.kind === "audio")
    .map(({ payload }) => (payload[0]! << 8) | payload[1]!)

/** The longest time in which one has heard nothing of another, between the first and the last packet. Milliseconds. */
export const longestGapMs = ({ received }: Member, from: Member): number => {
  const times = received
    .filter((packet) => packet.participant === `p${from.n}`)
    .map(({ arrivedAtMs }) => arrivedAtMs)
    .sort((a, b) => a - b)
  return times.reduce((longest, atMs, index) => (index === 0 ? 0 : Math.max(longest, atMs - times[index - 1]!)), 0)
}

/**
 * A store whose writes can be held up: an actor that has to save does not answer meanwhile. What is read is read. Those that
 * are held up go on in the end, or are lost: as with a node that is given up, whoever waits for the actor is interrupted.
 */
class Hold extends Context.Service<Hold, { isHeld: boolean; areLost: boolean; areAway: boolean }>()("test/Hold") {}

const layerHold = Layer.sync(Hold, () => ({ isHeld: false, areLost: false, areAway: false }))

/** Relays' reports reach no actor while they are away; without one they decide nothing. */
const layerReports = Layer.effect(
  CallReports,
  Effect.gen(function* () {
    const reports = yield* CallReports
    const hold = yield* Hold
    return CallReports.of({
      send: (...sent) => Effect.suspend(() => (hold.areAway ? Effect.void : reports.send(...sent)))
    })
  })
)

const layerStore = Layer.effect(
  CallStore.CallStore,
  Effect.gen(function* () {
    const store = yield* CallStore.CallStore
    const hold = yield* Hold
    const wait = Effect.suspend(() => {
      if (!hold.isHeld) return Effect.void
      return Effect.sleep("10 millis").pipe(
        Effect.repeat({ while: () => hold.isHeld }),
        Effect.andThen(Effect.suspend(() => (hold.areLost ? Effect.interrupt : Effect.void)))
      )
    })
    return CallStore.CallStore.of({
      ...store,
      save: (...write) => Effect.andThen(wait, store.save(...write)),
      remove: (...write) => Effect.andThen(wait, store.remove(...write))
    })
  })
).pipe(Layer.provide(CallStore.layerMemory))

/** From now on the calls' actors do not answer, or do again. */
export const holdActors = (isHeld: boolean) =>
  Effect.map(Hold, (hold) => {
    hold.isHeld = isHeld
  })

/** From now on the calls' actors hear nothing, or do again. */
export const sendActorsAway = (areAway: boolean) =>
  Effect.map(Hold, (hold) => {
    hold.areAway = areAway
  })

/** Who waits for an actor then is interrupted when it would answer again. */
export const loseActors = Effect.map(Hold, (hold) => {
  hold.areLost = true
})

/** Runs in virtual time, on a network and with a store and actors of its own. */
export const scene = <A, E>(
  seed: number,
  test: Effect.Effect<
    A,
    E,
    | Scope.Scope
    | SimulatedNetwork.SimulatedNetwork
    | Layer.Success<ReturnType<typeof SimulatedNetwork.layer>>
    | Layer.Success<typeof SingleRunner.layer>
    | CallStore.CallStore
    | Hold
    | Throttle.Throttle
  >
) =>
  test.pipe(
    Effect.provide(
      // The actors are nobody's in particular: they outlive every relay.
      CallActor.layer.pipe(
        Layer.provideMerge(
          Layer.mergeAll(
            layerReports.pipe(Layer.provideMerge(SingleRunner.layer)),
            layerStore,
            Throttle.layerOpen,
            SimulatedNetwork.layer({ ...LinkEmulator.perfect, latencyMs })
          )
        ),
        Layer.provideMerge(layerHold)
      )
    ),
    Effect.scoped,
    Raw.passing,
    Raw.inThePresent,
    Random.withSeed(seed),
    Effect.provide(TestClock.layer())
  )
