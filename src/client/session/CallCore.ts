import { Clock, Effect, Queue } from "effect"
import type { Done } from "effect/Cause"
import * as MessageIntegrity from "../../access/MessageIntegrity.ts"
import * as ControlMessage from "../../protocol/ControlMessage.ts"
import * as ReceiverRates from "../../media/ReceiverRates.ts"
import type { RosterEntry } from "../../protocol/RosterAttribute.ts"
import type { StreamAllocation } from "../../protocol/VideoAttribute.ts"
import * as PackedAddress from "../../sockets/PackedAddress.ts"
import type { ConnectionEvent } from "../ConnectionEvent.ts"
import * as EventHub from "../EventHub.ts"
import type { Settings } from "../JoinOptions.ts"
import { SecureBytes } from "../SecureBytes.ts"
import type { ReceivedPacket } from "../streams/ReceivedPacket.ts"
import type { ReceivedRtcp, ReceivedRtp } from "../streams/ReceivedRtp.ts"
import * as ReceivingStreams from "../streams/ReceivingStreams.ts"
import * as SendingStream from "../streams/SendingStream.ts"
import * as VideoRate from "../streams/VideoRate.ts"
import * as BackupPaths from "./BackupPaths.ts"
import * as BusyRelays from "./BusyRelays.ts"
import * as HopTotals from "./HopTotals.ts"
import * as Liveness from "./Liveness.ts"
import * as MoveLimit from "./MoveLimit.ts"
import * as RosterCollector from "./RosterCollector.ts"
import * as Session from "./Session.ts"
import * as SubscriptionWish from "./SubscriptionWish.ts"
import * as Transactions from "./Transactions.ts"
import * as VideoSending from "./VideoSending.ts"
import * as WithheldExtras from "./WithheldExtras.ts"

/** Everything that the fibers of one client share. All access is synchronous, so each finds it whole. */
export interface CallCore {
  readonly settings: Settings
  readonly secureBytes: SecureBytes
  /** Monotonic. Milliseconds. */
  readonly nowMs: () => number
  readonly transactions: Transactions.Transactions
  readonly liveness: Liveness.Liveness
  readonly backups: BackupPaths.BackupPaths
  /** Those that would not take over. */
  readonly busy: BusyRelays.BusyRelays
  readonly moves: MoveLimit.MoveLimit
  /** The last relay that was left for its silence, as long as it is not known whether it is alive. */
  left: LeftRelay | undefined
  readonly rosterPages: RosterCollector.RosterCollector
  readonly subscription: SubscriptionWish.SubscriptionWish
  readonly sending: ReadonlyArray<SendingStream.SendingStream>
  readonly receiving: ReceivingStreams.ReceivingStreams
  /** The newest session first; the others only receive what is still on its way. */
  sessions: ReadonlyArray<Session.Session>
  /** Of the sessions that are over. */
  readonly hopTotals: HopTotals.HopTotals
  readonly drops: Drops
  /** Of these queues a client has either the first, or the two others. */
  readonly packets: Queue.Queue<ReceivedPacket, Done>
  readonly wholePackets: Queue.Queue<ReceivedRtp, Done>
  readonly rtcp: Queue.Queue<ReceivedRtcp, Done>
  readonly roster: EventHub.EventHub<ReadonlyArray<RosterEntry>>
  readonly connection: EventHub.EventHub<ConnectionEvent>
  readonly keyFrameRequests: EventHub.EventHub<number>
  /** Of our video, as the relay tells it. */
  readonly receiverRates: ReceiverRates.ReceiverRates
  readonly videoRate: VideoRate.VideoRate
  readonly videoRates: EventHub.EventHub<number>
  /** Which of our video is wanted. */
  readonly videoSending: VideoSending.VideoSending
  readonly videoDirectives: EventHub.EventHub<ReadonlyArray<StreamAllocation>>
  /** What a busy relay wants to be gone without. */
  readonly withheld: WithheldExtras.WithheldExtras
  /** Why another relay has to take over; the newest counts. */
  readonly handovers: Queue.Queue<Handover>
  /** The relay has been told, or is being told: it knows the leg no more, so nothing else is sent on it. */
  isLeaving: boolean
  hasEnded: boolean
}

export interface LeftRelay {
  readonly session: Session.Session
  /** Before it was left: anything later shows that it is alive. Milliseconds. */
  readonly heardAtMs: number
  lastAskedAtMs: number
}

/** `session` is the one that the relay has served. */
export type Handover =
  /** The relay is silent, or does not know the session. */
  | { readonly _tag: "RelayLost"; readonly session: Session.Session }
  | {
      readonly _tag: "RelayGoesAway"
      readonly session: Session.Session
      readonly inMs: number
      readonly relays: ReadonlyArray<Uint32Array>
    }

/** What was of no use, by reason: datagrams that have come, and packets that were given to be sent. */
export interface Drops {
  /** First byte is of no protocol spoken here, or the frame is too short. */
  notOurs: number
  /** Forged, of a session that is over, or not from its relay. */
  unknownLegTag: number
  malformed: number
  /** Not a relay's that knows our key. */
  unauthenticated: number
  /** Answers to nothing that is open, or not from who was asked. */
  unexpected: number
  /** Frame types that this client does not handle. */
  unsupportedType: number
  /** Packets that the application has not taken in time. */
  unread: number
  /** Given to be sent, and of no stream of this client. */
  undeclaredStream: number
  /** Given to be sent, and of a stream that nobody wants now. */
  unwanted: number
  /** Given to be sent, and longer than a datagram carries. */
  oversized: number
}

/** Packets that wait for the application; beyond, the oldest go: fresh media is worth more. */
const packetsWaitingMax = 4096
/** A sender makes some a second at most. */
const rtcpWaitingMax = 256
const eventsMax = 64

export const make = Effect.fnUntraced(function* (settings: Settings) {
  const clock = yield* Clock.Clock
  const secureBytes = yield* SecureBytes
  const nowMs = () => Number(clock.monotonicTimeNanosUnsafe()) / 1_000_000
  const { handOut, playoutDelayMs, repair, sharedSecret, streams, token } = settings
  const handOutWhole = handOut === "whole" ? (packet: ReceivedRtp) => deliverWhole(core, packet) : undefined
  const { participant } = token.claims
  const core: CallCore = {
    settings,
    secureBytes,
    nowMs,
    transactions: Transactions.make(),
    liveness: Liveness.make(nowMs()),
    backups: BackupPaths.make(),
    busy: BusyRelays.make(),
    moves: MoveLimit.make(),
    left: undefined,
    rosterPages: RosterCollector.make(),
    subscription: SubscriptionWish.make(),
    sending: streams.map((stream) => SendingStream.make(stream, sharedSecret, secureBytes)),
    receiving: ReceivingStreams.make({ participant, sharedSecret, playoutDelayMs, repair, handOutWhole }),
    sessions: [],
    hopTotals: HopTotals.make(),
    drops: {
      notOurs: 0,
      unknownLegTag: 0,
      malformed: 0,
      unauthenticated: 0,
      unexpected: 0,
      unsupportedType: 0,
      unread: 0,
      undeclaredStream: 0,
      unwanted: 0,
      oversized: 0
    },
    packets: yield* Queue.sliding<ReceivedPacket, Done>(packetsWaitingMax),
    wholePackets: yield* Queue.sliding<ReceivedRtp, Done>(packetsWaitingMax),
    rtcp: yield* Queue.sliding<ReceivedRtcp, Done>(rtcpWaitingMax),
    roster: yield* EventHub.make<ReadonlyArray<RosterEntry>>({ capacity: eventsMax, replay: 1 }),
    // The one before, too: extras that are withheld from the beginning do not hide that the relay is there.
    connection: yield* EventHub.make<ConnectionEvent>({ capacity: eventsMax, replay: 2 }),
    keyFrameRequests: yield* EventHub.make<number>({ capacity: eventsMax, replay: 0 }),
    receiverRates: ReceiverRates.make(),
    videoRate: VideoRate.make(),
    // Who is slow need not know what was before.
    videoRates: yield* EventHub.make<number>({ capacity: 1, replay: 1 }),
    videoSending: VideoSending.make(),
    videoDirectives: yield* EventHub.make<ReadonlyArray<StreamAllocation>>({ capacity: 1, replay: 1 }),
    withheld: WithheldExtras.make(),
    handovers: yield* Queue.sliding<Handover>(1),
    isLeaving: false,
    hasEnded: false
  }
  return core
})

/** The bytes of a message of ours, proved with the participant's key. */
export const sign = ({ settings }: CallCore, message: ControlMessage.ControlMessage): Uint8Array =>
  MessageIntegrity.sign(ControlMessage.encode(message), settings.token.key)

export const signsOf = (session: Session.Session): Liveness.Signs => ({
  lastHeardAtMs: Session.lastHeardAtMs(session),
  lastMediaAtMs: Session.lastMediaAtMs(session),
  roundTripMs: session.hop.roundTrip.smoothedMs ?? 0
})

/** The silence after which another relay takes over. Who has no other is patient. Milliseconds. */
export const silenceMs = ({ moves, sessions }: CallCore, nowMs: number): number =>
  sessions[0]?.otherRelays.length === 0 ? MoveLimit.silenceMsMax : MoveLimit.silenceMs(moves, nowMs)

/** From now on media goes over this session. What the one before still brings is taken for a while. */
export const startSession = (self: CallCore, session: Session.Session): void => {
  self.sessions = [session, ...self.sessions]
  RosterCollector.restart(self.rosterPages)
  Liveness.restart(self.liveness, self.nowMs())
  linkKeyFrames(self)
  if (WithheldExtras.restart(self.withheld)) publishWithheld(self)
}

/** Whose media is still on its way comes within this time. Milliseconds. */
export const overlapMs = 2000

export const dropOldSessions = (self: CallCore, nowMs: number): void => {
  const newest = self.sessions[0]
  if (newest === undefined || self.sessions.length === 1 || nowMs - newest.grantedAtMs < overlapMs) return
  for (const session of self.sessions.slice(1)) HopTotals.add(self.hopTotals, session)
  self.sessions = [newest]
}

/** The leg asks for the key frames that its streams need. */
export const linkKeyFrames = ({ receiving, sessions }: CallCore): void => {
  const requests = ReceivingStreams.keyFrameRequests(receiving)
  sessions.forEach(({ hop }, index) => {
    hop.keyFrames.length = 0
    if (index === 0) hop.keyFrames.push(...requests)
  })
}

/** Hands packets to the application. */
export const deliver = ({ drops, packets }: CallCore, ready: ReadonlyArray<ReceivedPacket>): void => {
  if (ready.length === 0) return
  drops.unread += Math.max(0, Queue.sizeUnsafe(packets) + ready.length - packetsWaitingMax)
  Queue.offerAllUnsafe(packets, ready)
}

const deliverWhole = ({ drops, wholePackets }: CallCore, packet: ReceivedRtp): void => {
  if (Queue.sizeUnsafe(wholePackets) >= packetsWaitingMax) drops.unread++
  Queue.offerUnsafe(wholePackets, packet)
}

export const deliverRtcp = ({ drops, rtcp }: CallCore, packet: ReceivedRtcp): void => {
  if (Queue.sizeUnsafe(rtcp) >= rtcpWaitingMax) drops.unread++
  Queue.offerUnsafe(rtcp, packet)
}

export const publishMapped = (self: CallCore, _tag: "Connected" | "Resumed", session: Session.Session): void =>
  self.connection.publish({
    _tag,
    relay: PackedAddress.format(session.relay),
    mappedAddress: PackedAddress.format(session.mappedAddress)
  })

/** Tells the application which video is wanted, and asks for key frames of what is wanted again. */
export const publishAllocation = (self: CallCore, { streams, switchedOn }: VideoSending.Switched): void => {
  self.videoDirectives.publish(streams)
  for (const ssrc of switchedOn) self.keyFrameRequests.publish(ssrc)
}

/** Tells the application what is gone without. */
export const publishWithheld = ({ connection, withheld }: CallCore): void =>
  connection.publish({ _tag: "ExtrasWithheld", extras: withheld.extras })

/** Nothing goes on after this. */
export const end = (self: CallCore, reason: string): void => {
  if (self.hasEnded) return
  self.hasEnded = true
  self.connection.publish({ _tag: "Ended", reason })
  Queue.endUnsafe(self.packets)
  Queue.endUnsafe(self.wholePackets)
  Queue.endUnsafe(self.rtcp)
  for (const hub of [self.connection, self.roster, self.keyFrameRequests, self.videoRates, self.videoDirectives])
    hub.end()
}
