import { Effect, Schedule } from "effect"
import { TestClock } from "effect/testing"
import * as CallClient from "../../src/client/CallClient.ts"
import type * as ControlMessage from "../../src/protocol/ControlMessage.ts"
import * as LinkEmulator from "../../src/sockets/simulated/LinkEmulator.ts"
import * as SimulatedNetwork from "../../src/sockets/simulated/SimulatedNetwork.ts"
import { dice } from "../media/LegPair.ts"
import * as FakeRelay from "./FakeRelay.ts"
import { audioPacket, deviceHost, during, lin, observe, optionsOf, rosterOf } from "./Scene.ts"

/** Relays with one call between them, as a fleet has it: a session is at one of them, and its ticket is good once. */

export const hosts = ["203.0.113.1", "203.0.113.2", "203.0.113.3"] as const
export const latencyMs = 10

export const setLinks = Effect.fnUntraced(function* (options: Partial<LinkEmulator.LinkOptions>) {
  for (const host of hosts) yield* setLink(host, options)
})

/** The links between the device and one relay, both ways. */
export const setLink = Effect.fnUntraced(function* (host: string, options: Partial<LinkEmulator.LinkOptions>) {
  const network = yield* SimulatedNetwork.SimulatedNetwork
  const link = { ...LinkEmulator.perfect, latencyMs, ...options }
  yield* network.setLink(deviceHost, host, link)
  yield* network.setLink(host, deviceHost, link)
})

const refuse = (transactionId: Uint8Array): ControlMessage.Refused => ({
  _tag: "Refused",
  method: "Resume",
  transactionId,
  error: { code: 441, reason: "" },
  relays: []
})

/** Three relays, the first of which names the other two, and a client in a call with lin at the first. */
export const joined = Effect.fnUntraced(function* () {
  yield* setLinks({})
  const relays = yield* Effect.forEach(hosts, (host) => FakeRelay.make(host))
  const [first, second, third] = relays as [FakeRelay.FakeRelay, FakeRelay.FakeRelay, FakeRelay.FakeRelay]
  let epoch = 1
  for (const relay of relays) {
    relay.behaviour.relays = relays.filter((other) => other !== relay).map(({ address }) => address)
    relay.behaviour.instead = (request) => {
      if (request._tag !== "ResumeRequest" || request.cookie === undefined) return undefined
      if (request.epoch !== epoch) return refuse(request.transactionId)
      epoch++
      for (const other of relays) if (other !== relay) other.hop = undefined
      return undefined
    }
  }
  const client = yield* during(100, CallClient.join(optionsOf([hosts[0]])))
  const observed = yield* observe(client)
  const other = lin(1)
  yield* first.direct(rosterOf(1, [other.entry]))
  yield* TestClock.adjust(100)
  return { relays, first, second, third, client, observed, other }
})

type Joined = Effect.Success<ReturnType<typeof joined>>

/** The device speaks, a packet every 20 ms. */
export const speak = ({ client }: Joined) => {
  let number = 0
  return Effect.suspend(() => client.send(client.streams[0]!, audioPacket(number++))).pipe(every20Ms)
}

/** So does lin: each packet comes from the relay that the device is at, if it lives. */
export const hearLin = ({ other, relays }: Joined) => {
  let number = 0
  return Effect.suspend(() => {
    const relay = relays.find(({ behaviour, hop }) => hop !== undefined && !behaviour.isDead)
    const packet = audioPacket(number++)
    if (relay !== undefined) return relay.sendMedia(other.audio, packet)
    other.audio.nextSequenceNumber = (other.audio.nextSequenceNumber + 1) & 0xffff
    return Effect.void
  }).pipe(every20Ms)
}

const every20Ms = <E, R>(send: Effect.Effect<void, E, R>) =>
  send.pipe(Effect.repeat(Schedule.spaced("20 millis")), Effect.forkScoped({ startImmediately: true }))

/** The device's link is gone, both ways and to all relays, for 250 ms at a time and a tenth of all time. */
export const loseInBursts = (seed: number) => {
  const draw = dice(seed)
  return Effect.gen(function* () {
    yield* Effect.sleep(-Math.log(1 - draw()) * 9 * burstMs)
    yield* setLinks({ lossRatio: 1 })
    yield* Effect.sleep(burstMs)
    yield* setLinks({})
  }).pipe(Effect.forever, Effect.forkScoped({ startImmediately: true }))
}
const burstMs = 250
