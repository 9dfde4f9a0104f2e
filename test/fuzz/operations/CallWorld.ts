import { Clock, Effect, Exit, Fiber, Scope } from "effect"
import { TestClock } from "effect/testing"
import * as CallToken from "../../../src/access/CallToken.ts"
import * as CallClient from "../../../src/client/CallClient.ts"
import type { StreamOffer } from "../../../src/client/JoinOptions.ts"
import { SecureBytes } from "../../../src/client/SecureBytes.ts"
import * as HopFrame from "../../../src/protocol/HopFrame.ts"
import { CallId, ParticipantId } from "../../../src/protocol/Ids.ts"
import { streamsMax } from "../../../src/protocol/RosterAttribute.ts"
import * as RtpHeader from "../../../src/protocol/RtpHeader.ts"
import type { DatagramNetwork } from "../../../src/sockets/DatagramNetwork.ts"
import * as LinkEmulator from "../../../src/sockets/simulated/LinkEmulator.ts"
import * as SimulatedNetwork from "../../../src/sockets/simulated/SimulatedNetwork.ts"
import type * as CallStore from "../../../src/state/CallStore.ts"
import * as Scene from "../../client/Scene.ts"
import * as Dice from "../Dice.ts"
import { hold, show } from "../Target.ts"
import * as RelayInView from "./RelayInView.ts"
import * as RelayProcess from "./RelayProcess.ts"

/** A relay, some devices, and the links between them, in virtual time. What a device wants is done beside everything else. */

export const calls = ["red", "blue"].map((name) => CallId.make(name))
export const devicesMax = 6
/** Milliseconds. */
const latencyMs = 10
const tickMs = 20

/** Devices from this one on declare so much that a roster with two of them takes two pages. */
const withManyStreams = 3
const manyStreams: ReadonlyArray<StreamOffer> = [
  Scene.opus,
  ...Dice.many(streamsMax - 1, () => ({ ...Scene.vp8, codec: "a-codec-of-16-by" }))
]

/** One start of a client on a device. */
export interface Stay {
  readonly call: number
  /** Of all starts: part of every payload. */
  readonly number: number
  readonly scope: Scope.Closeable
  readonly joining: Fiber.Fiber<CallClient.CallClient, unknown>
  joined: { readonly client: CallClient.CallClient; readonly observed: Scene.Observed } | undefined
  /** Packets that it has sent. */
  said: number
  /** Packets that it has received and that have been looked at. */
  checked: number
}

export interface Device {
  readonly index: number
  /** Present address. */
  host: string
  stay: Stay | undefined
  talks: boolean
}

const homeOf = (device: number): string => `10.0.1.${device + 1}`

export const nameOf = (device: number): ParticipantId => ParticipantId.make(`p${device}`)

/** Enough to know what is said again, wherever it turns up. */
export interface Saying {
  readonly call: number
  readonly device: number
  readonly stay: number
  readonly said: number
}

const payloadOf = ({ call, device, said, stay }: Saying): Uint8Array => {
  const payload = new Uint8Array(8 + (said % 5) * 20).fill(said)
  payload.set([call, device, stay >>> 8, stay, said >>> 8, said])
  return payload
}

export const sayingIn = (payload: Uint8Array): Saying => ({
  call: payload[0]!,
  device: payload[1]!,
  stay: (payload[2]! << 8) | payload[3]!,
  said: (payload[4]! << 8) | payload[5]!
})

export type Way = "up" | "down" | "both"

export type CallWorld = Effect.Success<ReturnType<typeof make>>

export const make = Effect.fnUntraced(function* (seed: number) {
  const network = yield* SimulatedNetwork.SimulatedNetwork
  const context = yield* Effect.context<DatagramNetwork | SimulatedNetwork.SimulatedNetwork | CallStore.CallStore>()
  const clock = yield* Clock.Clock
  const scope = yield* Effect.scope
  const relay = yield* RelayProcess.make(seed)
  const draw = Dice.ofCase(seed, "devices", 0)
  const devices = Dice.many(devicesMax, (index): Device => ({
    index,
    host: homeOf(index),
    stay: undefined,
    talks: false
  }))
  /** Whose an address is or was: none is given twice. */
  const owners = new Map(devices.map(({ host, index }) => [host, index]))
  /** What goes on after somebody has left. */
  const farewells: Array<Fiber.Fiber<unknown, unknown>> = []
  let stays = 0
  let moves = 0

  const speak = Effect.fnUntraced(function* ({ index: device, stay }: Device) {
    if (stay?.joined === undefined) return
    const { client } = stay.joined
    const said = stay.said++
    const payload = payloadOf({ call: stay.call, device, stay: stay.number, said })
    yield* client.send(client.streams[0]!, { payload, timestamp: said * 960, marker: false, descriptor: 0x80 | 30 })
  })

  /** The relay sends nobody but who is in the call what is said in it, and nobody what he has said himself. */
  const checkSent = () => {
    const sessions = [...(relay.core()?.calls.sessionsByTag.values() ?? [])]
    for (const { bytes, legTag, to } of relay.takeSent()) {
      const session = sessions.find(({ leg }) => leg.hop.send.legTag === legTag)
      // Whoever has left a moment ago was in the call when it was sent.
      if (session === undefined) continue
      const { call, device } = sayingIn(bytes.subarray(HopFrame.headerBytes + RtpHeader.fixedHeaderBytes))
      const details = () => show({ to, call, device, session: [session.call, session.participant] })
      hold(session.call === calls[call], "media goes to those in its call", details)
      hold(session.participant !== nameOf(device), "nobody is sent what he has said himself", details)
      const owner = owners.get(to.split(":")[0]!)
      hold(owner !== undefined && nameOf(owner) === session.participant, "media goes to its device", details)
    }
  }

  /** Everybody hears only his own call, from whom it is, and as it was said. */
  const checkHeard = () => {
    for (const { index, stay } of devices) {
      if (stay === undefined) continue
      const packets = stay.joined?.observed.packets ?? []
      for (; stay.checked < packets.length; stay.checked++) {
        const { participant, payload } = packets[stay.checked]!
        const heard = sayingIn(payload)
        const details = () => show({ at: index, participant, heard })
        hold(heard.call === stay.call, "nobody hears another call", details)
        hold(participant === nameOf(heard.device), "what is heard has its sender's name", details)
        hold(Buffer.compare(payload, payloadOf(heard)) === 0, "what is heard is what was said", details)
      }
    }
  }

  const tick = Effect.gen(function* () {
    for (const device of devices) if (device.talks) yield* speak(device)
    yield* TestClock.adjust(tickMs)
    checkSent()
    checkHeard()
  })

  /** Time passes, and who talks is heard. */
  const pass = Effect.fnUntraced(function* (ms: number) {
    for (let passed = 0; passed < ms; passed += tickMs) yield* tick
  })

  const whilePassing = Effect.fnUntraced(function* (effect: Effect.Effect<void>) {
    const fiber = yield* Effect.forkChild(effect, { startImmediately: true })
    while (fiber.pollUnsafe() === undefined) yield* tick
    yield* Fiber.join(fiber)
  })

  /** The device's program starts. It is in the call when `stay.joined` is there. */
  const join = Effect.fnUntraced(function* (device: Device, call: number) {
    if (device.stay !== undefined) return
    const token = CallToken.mint(RelayInView.keyRing, {
      callClass: "group-audio",
      call: calls[call]!,
      participant: nameOf(device.index),
      expiresAtSeconds: Math.floor(clock.currentTimeMillisUnsafe() / 1000) + 86_400
    })
    const clientScope = yield* Scope.fork(scope)
    const streams = device.index < withManyStreams ? [Scene.opus, Scene.vp8] : manyStreams
    const options = { relays: [RelayInView.address], token, streams, sharedSecret: undefined }
    const joining = yield* CallClient.join({ ...options, host: device.host }).pipe(
      Effect.tap((client) =>
        Effect.map(Scene.observe(client), (observed) => {
          if (device.stay?.scope === clientScope) device.stay.joined = { client, observed }
        })
      ),
      Scope.provide(clientScope),
      Effect.provideService(SecureBytes, (size) => Dice.bytes(draw, size)),
      Effect.provide(context),
      // The port is open before anything else happens to the device.
      Effect.forkIn(scope, { startImmediately: true })
    )
    device.stay = { call, number: stays++, scope: clientScope, joining, joined: undefined, said: 0, checked: 0 }
  })

  /** The device's program ends: with a word, or as fast as it can. */
  const end = Effect.fnUntraced(function* (device: Device, isOrderly: boolean) {
    const { stay } = device
    if (stay === undefined) return
    device.stay = undefined
    const farewell = isOrderly ? (stay.joined?.client.leave ?? Effect.void) : Effect.void
    const ending = Effect.andThen(farewell, Fiber.interrupt(stay.joining)).pipe(
      Effect.andThen(Scope.close(stay.scope, Exit.void))
    )
    farewells.push(yield* Effect.forkIn(ending, scope, { startImmediately: true }))
  })

  const setLink = Effect.fnUntraced(function* ({ host }: Device, options: Partial<LinkEmulator.LinkOptions>, way: Way) {
    const link = { ...LinkEmulator.perfect, latencyMs, ...options }
    if (way !== "down") yield* network.setLink(host, RelayInView.host, link)
    if (way !== "up") yield* network.setLink(RelayInView.host, host, link)
  })

  /** The device has another address from now on. */
  const move = Effect.fnUntraced(function* (device: Device) {
    const host = `172.16.0.${++moves}`
    owners.set(host, device.index)
    yield* network.moveHost(device.host, host)
    device.host = host
    yield* setLink(device, {}, "both")
  })

  /** The device has changed its network, and knows: it goes on from a fresh port, in the network where it has begun. */
  const openFreshPort = Effect.fnUntraced(function* (device: Device) {
    if (device.stay?.joined === undefined) return
    device.host = homeOf(device.index)
    yield* setLink(device, {}, "both")
    yield* Effect.orDie(device.stay.joined.client.networkChanged)
  })

  yield* whilePassing(relay.start)
  for (const device of devices) yield* setLink(device, {}, "both")
  return { devices, relay, farewells, pass, whilePassing, join, end, setLink, move, openFreshPort }
})
