import { Effect, Exit, Result, Scope, Stream } from "effect"
import type { CallId, ParticipantId } from "../protocol/Ids.ts"
import type { RosterEntry } from "../protocol/RosterAttribute.ts"
import type { Wanted } from "../protocol/SubscriptionAttribute.ts"
import type { StreamAllocation } from "../protocol/VideoAttribute.ts"
import type { DatagramNetwork, PortNotOpened } from "../sockets/DatagramNetwork.ts"
import type { InvalidAddress } from "../sockets/PackedAddress.ts"
import * as CallStatistics from "./CallStatistics.ts"
import type { ConnectionEvent } from "./ConnectionEvent.ts"
import type { JoinRefused, RelayUnreachable } from "./JoinFailure.ts"
import { type HandOut, type JoinOptions, type LocalStream, settle } from "./JoinOptions.ts"
import * as RosterEvent from "./RosterEvent.ts"
import { SecureBytes } from "./SecureBytes.ts"
import * as BackupPaths from "./session/BackupPaths.ts"
import * as CallCore from "./session/CallCore.ts"
import * as DevicePort from "./session/DevicePort.ts"
import * as Joining from "./session/Joining.ts"
import * as Liveness from "./session/Liveness.ts"
import * as PortReader from "./session/PortReader.ts"
import * as Reconnection from "./session/Reconnection.ts"
import * as Requests from "./session/Requests.ts"
import * as RequestSchedule from "./session/RequestSchedule.ts"
import type { Session } from "./session/Session.ts"
import * as Subscribing from "./session/Subscribing.ts"
import * as Timers from "./session/Timers.ts"
import * as ReceivingStreams from "./streams/ReceivingStreams.ts"

/** What every participant in a call can do, whoever makes and reads its packets: `CallClient`, or with `RtpClient` others. */
export interface CallMember {
  readonly call: CallId
  readonly participant: ParticipantId
  /** As they were offered, in that order, with their SSRCs. */
  readonly streams: ReadonlyArray<LocalStream>
  /** Who comes and goes; first of all, who is there. */
  readonly roster: Stream.Stream<RosterEvent.RosterEvent>
  /** SSRCs of own streams that somebody needs a key frame of. Repeated while it does not come. */
  readonly keyFrameRequests: Stream.Stream<number>
  /**
   * What all video of this participant together should be encoded at, as often as that changes: payload, bits a second. By
   * what the path to the relay carries, and what those who receive it can take; nothing is told before video has been sent.
   */
  readonly videoRate: Stream.Stream<number>
  /**
   * Which of the own video streams are wanted, and of simulcast layers at which rate, with all headers: the newest that the relay
   * has said. Of a stream with rate 0
   * nothing is sent, whatever is given: it is dropped and counted. When it is wanted again a key frame is asked for. Nothing
   * comes as long as everything may be sent; an empty list: everything may be sent again.
   */
  readonly videoDirectives: Stream.Stream<ReadonlyArray<StreamAllocation>>
  /** Asks for a key frame of another participant's stream, until one comes. What cannot be asked for is passed over. */
  readonly requestKeyFrame: (ssrc: number) => Effect.Effect<void>
  /**
   * Says which streams of the others are wanted, the most wanted first, and where they are shown; "everything", if nothing is
   * ever said. The relay is told until it knows, and so is every relay after it; the last wish counts. SSRCs that nobody
   * has yet do no harm. More than 64 entries, or one that cannot be, are a defect.
   */
  readonly subscribe: (wanted: Wanted) => Effect.Effect<void>
  /** How the connection is, and how it becomes. The last event is `Ended`. */
  readonly connection: Stream.Stream<ConnectionEvent>
  readonly statistics: Effect.Effect<CallStatistics.CallStatistics>
  /**
   * To be told when the device has changed its network: the client goes on from a fresh port at once. If there is none to
   * be had, tell again when there may be.
   */
  readonly networkChanged: Effect.Effect<void, PortNotOpened>
  /** Leaves the call, and waits up to a second for the relay to know. */
  readonly leave: Effect.Effect<void>
}

/** A member with the machinery that a client sends and receives by. */
export interface Joined {
  readonly core: CallCore.CallCore
  readonly device: DevicePort.DevicePort
  readonly member: CallMember
}

/** Joins a call. The member lives as long as the scope, whose end leaves the call. */
export const join = Effect.fnUntraced(function* (
  options: JoinOptions,
  handOut: HandOut
): Effect.fn.Return<
  Joined,
  JoinRefused | RelayUnreachable | PortNotOpened | InvalidAddress,
  DatagramNetwork | Scope.Scope
> {
  const settled = settle(options, handOut, yield* SecureBytes)
  if (Result.isFailure(settled)) return yield* Effect.fail(settled.failure)
  const core = yield* CallCore.make(settled.success)
  // Of its own, so that a join that fails leaves no port open.
  const scope = yield* Scope.fork(yield* Effect.scope)
  const device = yield* connect(core).pipe(
    Scope.provide(scope),
    Effect.onError(() => Scope.close(scope, Exit.void))
  )
  return { core, device, member: makeMember(core, device) }
})

/** The kind of call says how much room pictures need, and who sends one all the same. */
const portOptionsOf = ({ descriptions, host, port, token }: CallCore.CallCore["settings"]) => ({
  host,
  port,
  hasVideo:
    descriptions.some(({ kind }) => kind === "video") ||
    token.claims.callClass === "one-to-one-video" ||
    token.claims.callClass === "group-video"
})

/** Opens the port, joins, and starts what keeps the call going. */
const connect = Effect.fnUntraced(function* (core: CallCore.CallCore) {
  const device: DevicePort.DevicePort = yield* DevicePort.make(
    portOptionsOf(core.settings),
    core.withheld.packets,
    (port) => endOnDefect(core, PortReader.run(core, device, port))
  )
  yield* device.open
  const session = yield* Joining.join(core, device)
  CallCore.startSession(core, session)
  CallCore.publishMapped(core, "Connected", session)
  yield* Effect.forkScoped(endOnDefect(core, Timers.run(core, device)))
  yield* Effect.forkScoped(endOnDefect(core, Reconnection.run(core, device)))
  yield* Effect.addFinalizer(() => leave(core, (session) => Requests.leaveAtOnce(core, device, session)))
  return device
})

/** A client of which a part is dead would seem to be alive. */
const endOnDefect = (core: CallCore.CallCore, part: Effect.Effect<void>): Effect.Effect<void> =>
  Effect.tapDefect(part, (defect) => {
    CallCore.end(core, "the client has failed: see the log, and join again")
    return Effect.logError("a part of the call client has failed", defect)
  })

const leave = (core: CallCore.CallCore, tell: (session: Session) => Effect.Effect<void>): Effect.Effect<void> =>
  Effect.suspend(() => {
    const session = core.sessions[0]
    if (session === undefined || core.hasEnded) return Effect.void
    core.isLeaving = true
    return Effect.andThen(
      tell(session),
      Effect.sync(() => CallCore.end(core, "left the call"))
    )
  })

const makeMember = (core: CallCore.CallCore, device: DevicePort.DevicePort): CallMember => {
  const { claims } = core.settings.token
  return {
    call: claims.call,
    participant: claims.participant,
    streams: core.settings.streams,
    roster: core.roster.stream.pipe(
      Stream.map((roster) => roster.filter(({ participant }) => participant !== claims.participant)),
      // Of whole rosters, so that who is slow misses no change for good.
      Stream.mapAccum(
        (): ReadonlyArray<RosterEntry> => [],
        (before, after) => [after, RosterEvent.between(before, after)]
      )
    ),
    keyFrameRequests: core.keyFrameRequests.stream,
    videoRate: core.videoRates.stream,
    videoDirectives: core.videoDirectives.stream,
    requestKeyFrame: (ssrc) => Effect.sync(() => ReceivingStreams.requestKeyFrame(core.receiving, ssrc)),
    subscribe: (wanted) => Subscribing.subscribe(core, device, wanted),
    connection: core.connection.stream,
    statistics: Effect.sync(() => CallStatistics.collect(core, device)),
    networkChanged: Effect.gen(function* () {
      if (core.hasEnded) return
      yield* device.open
      const session = core.sessions[0]
      BackupPaths.forget(core.backups)
      if (session === undefined) return
      const signs = CallCore.signsOf(session)
      // The relay is most likely there, and asks for a proof of the new address.
      Liveness.suspect(core.liveness, signs, Liveness.pingAnswerMs + signs.roundTripMs, core.nowMs())
    }),
    leave: leave(core, (session) => Requests.leave(core, device, session, RequestSchedule.farewell))
  }
}
