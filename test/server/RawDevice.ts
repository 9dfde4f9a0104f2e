import { Clock, Effect, Fiber, Layer, Result } from "effect"
import { TestClock } from "effect/testing"
import * as CallToken from "../../src/access/CallToken.ts"
import * as KeyRing from "../../src/access/KeyRing.ts"
import * as MessageIntegrity from "../../src/access/MessageIntegrity.ts"
import * as SingleRunner from "../../src/cluster/SingleRunner.ts"
import * as ControlMessage from "../../src/protocol/ControlMessage.ts"
import { CallId, ParticipantId } from "../../src/protocol/Ids.ts"
import { StreamDescription } from "../../src/protocol/StreamDescription.ts"
import * as Stun from "../../src/protocol/Stun.ts"
import * as Relay from "../../src/server/Relay.ts"
import { DatagramNetwork } from "../../src/sockets/DatagramNetwork.ts"
import * as PackedAddress from "../../src/sockets/PackedAddress.ts"
import * as PacketBatch from "../../src/sockets/PacketBatch.ts"
import * as PacketMemory from "../../src/sockets/PacketMemory.ts"
import * as LinkEmulator from "../../src/sockets/simulated/LinkEmulator.ts"
import * as SimulatedNetwork from "../../src/sockets/simulated/SimulatedNetwork.ts"
import * as CallStore from "../../src/state/CallStore.ts"
import * as Throttle from "../../src/throttle/Throttle.ts"

export const relayAddress = "10.0.0.1:3478"
export const keyRing = KeyRing.make({ keys: [{ id: "k1", secret: new Uint8Array(32).fill(7) }] })

/** A relay on a simulated network with 10 ms of latency, in virtual time. */
export const layerRelay = (options: Partial<Relay.Options> = {}) =>
  Relay.layerWith({
    keyRing,
    host: "10.0.0.1",
    port: 3478,
    audioRingBytes: 1 << 20,
    videoRingBytes: 1 << 20,
    ...options
  }).pipe(
    Layer.provide([Throttle.layerOpen, SingleRunner.layer, CallStore.layerMemory]),
    Layer.provideMerge(SimulatedNetwork.layer({ ...LinkEmulator.perfect, latencyMs: 10 }))
  )

export const mint = (participant: string, call = "call", expiresInSeconds = 300) =>
  Effect.map(Clock.currentTimeMillis, (nowMs) =>
    CallToken.mint(keyRing, {
      callClass: "group-video",
      call: CallId.make(call),
      participant: ParticipantId.make(participant),
      expiresAtSeconds: Math.floor(nowMs / 1000) + expiresInSeconds
    })
  )

export const audio = (ssrc: number) => new StreamDescription({ ssrc, kind: "audio", clockRate: 48000, codec: "opus" })

/** Runs an effect to its end while virtual time passes. */
export const passing = Effect.fnUntraced(function* <A, E, R>(effect: Effect.Effect<A, E, R>) {
  const fiber = yield* Effect.forkChild(effect)
  while (fiber.pollUnsafe() === undefined) yield* TestClock.adjust("10 millis")
  return yield* Fiber.join(fiber)
})

/** Tokens have to expire before they were made, so a test cannot begin in 1970. */
export const inThePresent = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.andThen(TestClock.setTime(1_800_000_000_000), effect)

/** A device that says exactly what the test tells it to, and remembers every datagram that it gets. */
export const open = (address: string) => openTo(relayAddress, address)

/** The same for a relay that is elsewhere. */
export const openTo = Effect.fnUntraced(function* (relayAt: string, address: string) {
  const network = yield* DatagramNetwork
  const memory = PacketMemory.make({ receiveSlots: 64, ownerBytes: 64 * 1024 })
  const [host, port] = address.split(":") as [string, string]
  const socket = yield* network.open({ host, port: Number(port), memory })
  const out = PacketBatch.makeSendBatch({ capacity: 64, scratchOffset: memory.ownerOffset, scratchBytes: 64 * 1024 })
  const relay = Result.getOrThrow(PackedAddress.parse(relayAt))
  const received: Array<Uint8Array> = []
  yield* socket.pull.pipe(
    Effect.tap((batch) =>
      Effect.sync(() => {
        for (let i = 0; i < batch.count; i++) {
          received.push(memory.bytes.slice(batch.offsets[i]!, batch.offsets[i]! + batch.lengths[i]!))
        }
      })
    ),
    Effect.forever,
    Effect.ignore,
    Effect.forkScoped
  )
  const sendBytes = Effect.fnUntraced(function* (bytes: Uint8Array) {
    PacketBatch.addBytes(out, memory, bytes, relay, 0)
    yield* socket.send(out)
  })
  /** All that comes within 100 ms of virtual time. */
  const answersTo = Effect.fnUntraced(function* (bytes: Uint8Array) {
    received.length = 0
    yield* sendBytes(bytes)
    yield* TestClock.adjust("100 millis")
    return received.splice(0)
  })
  return { sendBytes, answersTo, received }
})

let transactions = 0
/** A transaction id of its own for every message of a test file. */
export const transactionId = (): Uint8Array => {
  const id = new Uint8Array(Stun.transactionIdBytes)
  new DataView(id.buffer).setUint32(0, ++transactions)
  return id
}

/** A bare Binding request, as any STUN client sends it. */
export const binding = (): Uint8Array =>
  Stun.encodeHeader({ class: "request", method: 1, transactionId: transactionId() })

export const signed = (message: ControlMessage.ControlMessage, key: Uint8Array): Uint8Array =>
  MessageIntegrity.sign(ControlMessage.encode(message), key)

export const messagesIn = (datagrams: ReadonlyArray<Uint8Array>): ReadonlyArray<ControlMessage.ControlMessage> =>
  datagrams.flatMap((bytes) => {
    if (!Stun.isControl(bytes[0]!)) return []
    return [Result.getOrThrow(ControlMessage.decode(bytes)).message]
  })

export const only = <Tag extends ControlMessage.ControlMessage["_tag"]>(
  datagrams: ReadonlyArray<Uint8Array>,
  tag: Tag
): Extract<ControlMessage.ControlMessage, { readonly _tag: Tag }> => {
  const found = messagesIn(datagrams).filter((message) => message._tag === tag)
  if (found.length !== 1) {
    throw new Error(
      `expected one ${tag}, got ${
        messagesIn(datagrams)
          .map(({ _tag }) => _tag)
          .join(", ") || "nothing"
      }`
    )
  }
  return found[0] as Extract<ControlMessage.ControlMessage, { readonly _tag: Tag }>
}

/** Joins with the challenge in between, and acknowledges the first roster. */
export const join = Effect.fnUntraced(function* (
  device: Effect.Success<ReturnType<typeof open>>,
  token: CallToken.CallToken,
  options: { readonly legTag: number; readonly streams: ReadonlyArray<StreamDescription> }
) {
  const request = { _tag: "JoinRequest" as const, token: token.claimsBytes, ...options }
  const first = yield* device.answersTo(signed({ ...request, transactionId: transactionId(), counter: 1 }, token.key))
  const { cookie } = only(first, "Challenge")
  const again = { ...request, transactionId: transactionId(), counter: 2, cookie }
  const granted = yield* device.answersTo(signed(again, token.key))
  // A device that has not been answered yet does not listen to anything else.
  if (messagesIn(granted)[0]?._tag !== "JoinSuccess") throw new Error("the first message is not the answer to the join")
  const roster = messagesIn(granted).find(({ _tag }) => _tag === "RosterDirective")
  if (roster?._tag === "RosterDirective") {
    const { counter, transactionId } = roster
    yield* device.sendBytes(signed({ _tag: "DirectiveSuccess", transactionId, counter }, token.key))
  }
  return { ...only(granted, "JoinSuccess"), cookie, roster, request: again }
})
