import { Clock, Effect, Option, Queue, Result } from "effect"
import * as CallToken from "../../access/CallToken.ts"
import { refusalCodes } from "../../protocol/ControlMessage.ts"
import * as PackedAddress from "../../sockets/PackedAddress.ts"
import { isPassing, refused } from "../JoinFailure.ts"
import * as CallCore from "./CallCore.ts"
import type { DevicePort } from "./DevicePort.ts"
import * as Requests from "./Requests.ts"
import * as RequestSchedule from "./RequestSchedule.ts"
import * as Session from "./Session.ts"

/** After so long without a word from any relay the call is over. Milliseconds. */
const giveUpAfterMs = 30_000
/** A relay that has longer to go is left at this time all the same. Milliseconds. */
const waitForSuccessorMsMax = 30_000
/** Between two rounds over the relays. Milliseconds. */
const pauseMsFirst = 250
const pauseMsMax = 4000

/** Moves the call to another relay, or to the same once more, whenever that is needed. Until the client has ended. */
export const run = (core: CallCore.CallCore, device: DevicePort): Effect.Effect<void> =>
  Queue.take(core.handovers).pipe(
    Effect.flatMap((handover) => (isDue(core, handover) ? handOver(core, device, handover) : Effect.void)),
    Effect.repeat({ while: () => !core.hasEnded })
  )

/** Handovers wait in a queue; meanwhile the session may have been replaced, or the relay heard again. */
const isDue = ({ liveness, sessions }: CallCore.CallCore, { _tag, session }: CallCore.Handover): boolean =>
  session === sessions[0] && (_tag === "RelayGoesAway" || liveness.suspicion !== undefined)

const handOver = Effect.fn("CallClient.handOver")(function* (
  core: CallCore.CallCore,
  device: DevicePort,
  handover: CallCore.Handover
): Effect.fn.Return<void> {
  const { session } = handover
  const relays = candidates(handover)
  // Who has nowhere else to go waits for the relay's successor at the same address.
  if (handover._tag === "RelayGoesAway" && relays.length === 1) {
    const waitMs = Math.min(handover.inMs, waitForSuccessorMsMax)
    const newer = yield* Effect.timeoutOption(Queue.take(core.handovers), waitMs)
    // It stops sooner than it has said, or says something else.
    if (Option.isSome(newer) && isDue(core, newer.value)) return yield* handOver(core, device, newer.value)
  }
  for (let pauseMs = pauseMsFirst; ; pauseMs = Math.min(pauseMsMax, 2 * pauseMs)) {
    for (const relay of relays) {
      if (core.hasEnded || (yield* tryRelay(core, device, session, relay))) return
    }
    // A network that was away brings the old relay back as well.
    if (handover._tag === "RelayLost" && core.liveness.suspicion === undefined) return
    if (core.nowMs() - Session.lastHeardAtMs(session) >= giveUpAfterMs) {
      return CallCore.end(
        core,
        `no relay was heard for ${giveUpAfterMs / 1000} seconds: check the network and join again`
      )
    }
    yield* Effect.sleep(pauseMs)
  }
})

/** The relay itself comes last: it may have come back, or never been away. */
const candidates = (handover: CallCore.Handover): ReadonlyArray<Uint32Array> => {
  const { otherRelays, relay } = handover.session
  const named = handover._tag === "RelayGoesAway" && handover.relays.length > 0 ? handover.relays : otherRelays
  return [...named.filter((other) => !PackedAddress.equals(other, 0, relay, 0)), relay]
}

/** True when the relay has taken over. */
const tryRelay = Effect.fnUntraced(function* (
  core: CallCore.CallCore,
  device: DevicePort,
  session: Session.Session,
  relay: Uint32Array
) {
  const asking = { core, device, relay, schedule: RequestSchedule.urgent }
  const resumed = yield* Requests.resume(asking, session)
  if (core.hasEnded || resumed._tag === "Silent") return false
  if (resumed._tag === "Granted") return takeOver(core, resumed.session)
  const { code } = resumed.refusal.error
  if (code !== refusalCodes.ticketInvalid && code !== refusalCodes.unknownCall) return false
  const nowWallMs = yield* Clock.currentTimeMillis
  if (Result.isFailure(CallToken.checkClaims(core.settings.token.claims, Math.floor(nowWallMs / 1000)))) {
    CallCore.end(core, "the session cannot be resumed and the token has expired: join with a new token")
    return false
  }
  const joined = yield* Requests.join(asking)
  if (core.hasEnded || joined._tag === "Silent") return false
  if (joined._tag === "Granted") return takeOver(core, joined.session)
  if (!isPassing(joined.refusal.error.code)) {
    CallCore.end(core, refused(PackedAddress.format(relay), joined.refusal, nowWallMs).message)
  }
  return false
})

const takeOver = (core: CallCore.CallCore, session: Session.Session): true => {
  CallCore.startSession(core, session)
  CallCore.publishMapped(core, "Resumed", session)
  return true
}
