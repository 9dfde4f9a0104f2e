import { Clock, Context, Deferred, Effect, FiberMap, Layer, Schedule } from "effect"
import { SecureRandom } from "effect/crypto"
import * as MessageIntegrity from "../access/MessageIntegrity.ts"
import type { ForwardingPlan } from "../call/ForwardingPlan.ts"
import * as ControlMessage from "../protocol/ControlMessage.ts"
import type { QualityExtra } from "../protocol/QualityExtra.ts"
import * as RosterPages from "../protocol/RosterPages.ts"
import * as Stun from "../protocol/Stun.ts"
import type { VideoAllocation } from "../protocol/VideoAttribute.ts"
import { ControlOutbox } from "./ControlOutbox.ts"
import { RelayCore } from "./RelayCore.ts"
import { RelayPeers } from "./RelayPeers.ts"
import type { Session } from "./Session.ts"

/** A directive that the device has not acknowledged yet. */
interface Open {
  readonly session: Session
  readonly acknowledged: Deferred.Deferred<void>
}

/** What `send` adds to every directive. */
type Addressing = "transactionId" | "legTag" | "counter"
type Content =
  | Omit<ControlMessage.RosterDirective, Addressing>
  | Omit<ControlMessage.RelaysDirective, Addressing>
  | Omit<ControlMessage.VideoDirective, Addressing>
  | Omit<ControlMessage.ExtrasDirective, Addressing>
  | Omit<ControlMessage.GoingAwayDirective, Addressing>

/**
 * 200 ms, 300 ms, 450 ms ... up to 5 s, as long as there is the session: a device that nothing has reached for half a minute
 * is gone, one that comes back before has missed nothing.
 */
const repeats = Schedule.min([Schedule.exponential("200 millis", 1.5), Schedule.spaced("5 seconds")])

/** Wraps at 32 bits; that takes a change of the call a second for a century. */
const rosterOf = ({ participants, version }: ForwardingPlan) =>
  RosterPages.paginate(
    version.number % 0x1_0000_0000,
    participants.map(({ id, streams }) => ({ participant: id, streams }))
  )

/** What the relay tells devices: each message is repeated until the device has acknowledged it. */
export class Directives extends Context.Service<
  Directives,
  {
    /** Who is in the call. Replaces a roster that is still on its way. */
    readonly sendRoster: (session: Session, plan: ForwardingPlan) => Effect.Effect<void>
    /** Where the device may go on, as of now. Replaces what is still on its way. */
    readonly sendRelays: (session: Session) => Effect.Effect<void>
    /** Which video the device is to send. Replaces what is still on its way; the device obeys the highest version only. */
    readonly sendVideo: (session: Session, allocation: VideoAllocation) => Effect.Effect<void>
    /** All that the relay and the device go without. Replaces what is still on its way; the device obeys the newest only. */
    readonly sendExtras: (session: Session, withheld: ReadonlyArray<QualityExtra>) => Effect.Effect<void>
    /** Nothing more is sent to this device. */
    readonly forget: (session: Session) => Effect.Effect<void>
    /** Tells a device that the relay stops; ends when the device knows or does not answer. */
    readonly sendGoingAway: (session: Session, inMs: number) => Effect.Effect<void>
    /** Takes in an acknowledgement. Devices send one for every copy, so most of what is not open was. */
    readonly acknowledge: (
      message: ControlMessage.DirectiveSuccess,
      datagram: Uint8Array,
      integrity: Stun.IntegrityLocation
    ) => "acknowledged" | "notOpen" | "notAuthentic"
  }
>()("tandem/pipeline/Directives") {
  static readonly layer: Layer.Layer<
    Directives,
    never,
    RelayCore | RelayPeers | ControlOutbox | SecureRandom.SecureRandom
  > = Layer.effect(
    Directives,
    Effect.gen(function* () {
      const { nowMs } = yield* RelayCore
      const peers = yield* RelayPeers
      const outbox = yield* ControlOutbox
      const random = yield* SecureRandom.SecureRandom
      const open = new Map<string, Open>()
      const rosters = yield* FiberMap.make<Session>()
      const relayLists = yield* FiberMap.make<Session>()
      const allocations = yield* FiberMap.make<Session>()
      const extras = yield* FiberMap.make<Session>()

      const send = Effect.fnUntraced(function* (session: Session, content: Content) {
        const transactionId = yield* random.randomBytes(Stun.transactionIdBytes)
        const { address, legTag } = session.leg.hop.send
        const counter = ++session.lastDirective
        const message = ControlMessage.encode({ ...content, transactionId, legTag, counter })
        const bytes = MessageIntegrity.sign(message, session.key)
        const key = transactionId.join(".")
        const acknowledged = yield* Deferred.make<void>()
        open.set(key, { session, acknowledged })
        yield* Effect.sync(() => outbox.send(bytes, address)).pipe(
          Effect.repeat(repeats),
          Effect.raceFirst(Deferred.await(acknowledged)),
          Effect.ensuring(Effect.sync(() => open.delete(key)))
        )
      })

      return Directives.of({
        sendRoster: (session, plan) =>
          FiberMap.run(
            rosters,
            session,
            Effect.forEach(rosterOf(plan), (page) => send(session, { _tag: "RosterDirective", ...page }), {
              concurrency: "unbounded",
              discard: true
            })
          ),
        sendRelays: (session) =>
          FiberMap.run(
            relayLists,
            session,
            Effect.flatMap(Clock.currentTimeMillis, (wallMs) => {
              const relays = peers.backups(session.call)
              return send(session, { _tag: "RelaysDirective", relayTimeMs: Math.floor(wallMs), relays })
            })
          ),
        sendVideo: (session, allocation) =>
          FiberMap.run(allocations, session, send(session, { _tag: "VideoDirective", allocation })),
        sendExtras: (session, withheld) =>
          FiberMap.run(extras, session, send(session, { _tag: "ExtrasDirective", withheld })),
        forget: (session) =>
          Effect.forEach([rosters, relayLists, allocations, extras], (sent) => FiberMap.remove(sent, session), {
            discard: true
          }),
        sendGoingAway: (session, inMs) =>
          send(session, { _tag: "GoingAwayDirective", inMs, relays: peers.backups(session.call) }),
        acknowledge: (message, datagram, integrity) => {
          const directive = open.get(message.transactionId.join("."))
          if (directive === undefined) return "notOpen"
          if (!MessageIntegrity.verify(datagram, integrity, directive.session.key)) return "notAuthentic"
          directive.session.lastControlAtMs = nowMs()
          Deferred.doneUnsafe(directive.acknowledged, Effect.void)
          return "acknowledged"
        }
      })
    })
  )
}
