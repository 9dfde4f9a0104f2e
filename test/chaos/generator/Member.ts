import { Clock, Effect, Exit, Schema, Scope, Stream } from "effect"
import * as CallToken from "../../../src/access/CallToken.ts"
import type * as KeyRing from "../../../src/access/KeyRing.ts"
import * as CallClient from "../../../src/client/CallClient.ts"
import { CallId, ParticipantId } from "../../../src/protocol/Ids.ts"
import * as CallPlan from "../CallPlan.ts"
import * as AudioPayload from "./AudioPayload.ts"
import * as FlowLog from "./FlowLog.ts"

/** A participant by the SDK, with all that it has heard. Its numbers and logs outlive the client, which may be replaced. */
export interface Member {
  readonly plan: CallPlan.MemberPlan
  /** By sender. */
  readonly heard: Map<number, FlowLog.FlowLog>
  strangers: number
  nextNumber: number
  /** `undefined`: it is in no call. */
  session: Session | undefined
}

interface Session {
  readonly client: CallClient.CallClient
  readonly scope: Scope.Closeable
  /** Where it is now: "127.0.1.1:40000". */
  relay: string
  /** Why it is of no use any more. */
  ended: string | undefined
}

/** A run is over sooner. Seconds. */
const expiresInSeconds = 4 * 3600
const audioOffer = { kind: "audio", codec: "opus", clockRate: 48_000, payloadType: 111 } as const
/** 20 ms of `audioOffer`. */
const timestampStep = 960

/** Not fit to be in a call: nothing of the kind happens unless something is broken. */
export class NotJoined extends Schema.TaggedError<NotJoined>()("NotJoined", { message: Schema.String }) {}

export const make = (plan: CallPlan.MemberPlan): Member => ({
  plan,
  heard: new Map(),
  strangers: 0,
  nextNumber: 0,
  session: undefined
})

/** Each has an address of its own on the loopback interface, by which a firewall can tell them apart. */
export const hostOf = (member: number): string => `127.0.2.${1 + member}`

export const mint = Effect.fnUntraced(function* (
  ring: KeyRing.KeyRing,
  call: number,
  participant: string,
  callClass: "one-to-one-audio" | "group-audio"
) {
  return CallToken.mint(ring, {
    callClass,
    call: CallId.make(CallPlan.callName(call)),
    participant: ParticipantId.make(participant),
    expiresAtSeconds: Math.floor((yield* Clock.currentTimeMillis) / 1000) + expiresInSeconds
  })
})

const callClassOf = (call: number) => (CallPlan.isGroup(call) ? "group-audio" : "one-to-one-audio")

export const join = Effect.fnUntraced(function* (self: Member, ring: KeyRing.KeyRing, relays: ReadonlyArray<string>) {
  const { call, member, relay } = self.plan
  const scope = yield* Scope.make()
  const home = relays[relay]!
  const client = yield* CallClient.join({
    relays: [home],
    token: yield* mint(ring, call, CallPlan.participantName(member), callClassOf(call)),
    streams: [audioOffer],
    // Packets are told apart by what is in them; what encryption costs is the device's own.
    sharedSecret: undefined,
    // Every packet is wanted, however late.
    playoutDelayMs: 300,
    host: hostOf(member)
  }).pipe(
    Scope.provide(scope),
    Effect.tapCause(() => Scope.close(scope, Exit.void)),
    Effect.mapError(({ message }) => new NotJoined({ message: `${CallPlan.participantName(member)}: ${message}` }))
  )
  const session: Session = { client, scope, relay: home, ended: undefined }
  self.session = session
  yield* client.packets.pipe(
    Stream.runForEachArray((packets) => Effect.sync(() => packets.forEach((packet) => take(self, packet)))),
    Effect.forkIn(scope)
  )
  yield* client.connection.pipe(
    Stream.runForEach((event) => Effect.sync(() => follow(session, event))),
    Effect.forkIn(scope)
  )
})

const take = (self: Member, { arrivedAtMs, payload }: CallClient.ReceivedPacket): void => {
  const decoded = AudioPayload.decode(payload)
  if (decoded === undefined || decoded.call !== self.plan.call) {
    self.strangers++
    return
  }
  FlowLog.handlePacket(heardOf(self, decoded.member), decoded.number, arrivedAtMs)
}

/** What it has heard of somebody. */
export const heardOf = (self: Member, sender: number): FlowLog.FlowLog => {
  const known = self.heard.get(sender)
  if (known !== undefined) return known
  const log = FlowLog.make()
  self.heard.set(sender, log)
  return log
}

const follow = (session: Session, event: CallClient.ConnectionEvent): void => {
  if (event._tag === "Connected" || event._tag === "Resumed") session.relay = event.relay
  if (event._tag === "Ended") session.ended = event.reason
}

export const leave = (self: Member): Effect.Effect<void> =>
  Effect.suspend(() => {
    const { session } = self
    self.session = undefined
    return session === undefined ? Effect.void : Scope.close(session.scope, Exit.void)
  })

/** One packet of audio. Of somebody who is in no call, nothing. */
export const speak = (self: Member): Effect.Effect<void> => {
  const { plan, session } = self
  if (session === undefined || session.ended !== undefined) return Effect.void
  const number = self.nextNumber++
  return session.client.send(session.client.streams[0]!, {
    payload: AudioPayload.encode({ ...plan, number }),
    timestamp: (number * timestampStep) >>> 0,
    marker: false,
    descriptor: unknownLevel
  })
}

/** RFC 6464: no level is told. */
const unknownLevel = 127
