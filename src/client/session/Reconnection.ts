import { Clock, Effect, Option, Queue, Result } from "effect"
import * as CallToken from "../../access/CallToken.ts"
import * as CarryOver from "../../media/CarryOver.ts"
import * as RoundTripEstimator from "../../media/RoundTripEstimator.ts"
import { type Refused, refusalCodes } from "../../protocol/ControlMessage.ts"
import * as PackedAddress from "../../sockets/PackedAddress.ts"
import { isPassing, refused } from "../JoinFailure.ts"
import * as BackupPaths from "./BackupPaths.ts"
import * as BusyRelays from "./BusyRelays.ts"
import * as CallCore from "./CallCore.ts"
import type { DevicePort } from "./DevicePort.ts"
import * as Liveness from "./Liveness.ts"
import * as MoveLimit from "./MoveLimit.ts"
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
/** A relay that is busy for longer is asked again all the same: nobody waits longer for a call. Milliseconds. */
const retryAfterMsMax = giveUpAfterMs
/** Each relay of a round is asked so much later than the one before it. Milliseconds. */
const staggerMs = 400
/**
 * A relay that does not know the session says so at once, but it may be another relay's by now, whose answer was lost:
 * that one has so long to answer again. Milliseconds.
 */
const otherGrantMs = 500

/** Moves the call to another relay, or to the same once more, whenever that is needed. Until the client has ended. */
export const run = (core: CallCore.CallCore, device: DevicePort): Effect.Effect<void> =>
  Queue.take(core.handovers).pipe(
    Effect.flatMap((handover) => (isDue(core, handover) ? handOver(core, device, handover) : Effect.void)),
    Effect.repeat({ while: () => !core.hasEnded })
  )

/** Handovers wait in a queue; meanwhile the session may have been replaced, or the relay heard again. */
const isDue = (core: CallCore.CallCore, { _tag, session }: CallCore.Handover): boolean =>
  !core.hasEnded &&
  session === core.sessions[0] &&
  (_tag === "RelayGoesAway" || Liveness.isSuspect(core.liveness, CallCore.signsOf(session)))

const handOver = Effect.fn("CallClient.handOver")(function* (
  core: CallCore.CallCore,
  device: DevicePort,
  handover: CallCore.Handover
): Effect.fn.Return<void> {
  const { session } = handover
  // Who has nowhere else to go waits for the relay's successor at the same address.
  if (handover._tag === "RelayGoesAway" && backups(handover).length === 0) {
    const waitMs = Math.min(handover.inMs, waitForSuccessorMsMax)
    const newer = yield* Effect.timeoutOption(Queue.take(core.handovers), waitMs)
    // It stops sooner than it has said, or says something else.
    if (Option.isSome(newer) && isDue(core, newer.value)) return yield* handOver(core, device, newer.value)
  }
  const heardAtMs = Session.lastHeardAtMs(session)
  for (let round = 0; ; round++) {
    const granted = yield* askRelays(core, device, handover, round)
    if (core.hasEnded) return
    if (granted !== undefined) {
      takeOver(core, handover, granted, heardAtMs)
      if (handover._tag === "RelayLost") yield* carryOver(core, device, session, granted, heardAtMs)
      return
    }
    // It was a burst of losses, or a network that was away and has brought the old relay back as well.
    if (!isDue(core, handover)) return
    if (core.nowMs() - Session.lastHeardAtMs(session) >= giveUpAfterMs) {
      return CallCore.end(
        core,
        `no relay was heard for ${giveUpAfterMs / 1000} seconds: check the network and join again`
      )
    }
    yield* Effect.sleep(pauseMs(core, round))
  }
})

/** Shorter when a relay may be asked again sooner: it may be all that there is. */
const pauseMs = ({ busy, nowMs }: CallCore.CallCore, round: number): number => {
  const untilFreeMs = Math.max(0, Math.ceil(BusyRelays.nextFreeAtMs(busy) - nowMs()))
  return Math.min(pauseMsMax, pauseMsFirst * 2 ** round, untilFreeMs)
}

/** Those who may take over, as the relay has named them. */
const backups = (handover: CallCore.Handover): ReadonlyArray<Uint32Array> => {
  const { otherRelays, relay } = handover.session
  return handover._tag === "RelayGoesAway" && handover.relays.length > 0
    ? Session.othersThan(relay, handover.relays)
    : otherRelays
}

/**
 * The relay itself comes last. One that is silent may have come back when it has had its time; one that goes away is asked
 * to stay when those that it has named do not answer. Who has refused as busy is left out as long as it has said.
 */
const candidates = (
  core: CallCore.CallCore,
  handover: CallCore.Handover,
  round: number
): ReadonlyArray<Uint32Array> => {
  const nowMs = core.nowMs()
  BusyRelays.takeFree(core.busy, nowMs)
  const others = BackupPaths.inOrder(core.backups, backups(handover), nowMs)
  const { suspicion } = core.liveness
  const silentMs = suspicion === undefined ? 0 : nowMs - suspicion.sinceMs + Liveness.suspectAfterMs
  const isAmongThem =
    others.length === 0 || silentMs >= MoveLimit.silenceMsMax || (handover._tag === "RelayGoesAway" && round > 0)
  const all = isAmongThem ? [...others, handover.session.relay] : others
  return all.filter((relay) => !BusyRelays.isBusy(core.busy, relay, nowMs))
}

/** What came of asking one relay. With a void failure it was nothing, and another may do better. */
type Answer =
  | { readonly _tag: "Granted"; readonly session: Session.Session }
  | { readonly _tag: "SessionUnknown"; readonly relay: Uint32Array }

/**
 * One round: asks one relay after another, without waiting for who was asked before, until one has taken over. Of several
 * resumes with one ticket only one is granted, so no harm is done.
 */
const askRelays = Effect.fnUntraced(function* (
  core: CallCore.CallCore,
  device: DevicePort,
  handover: CallCore.Handover,
  round: number
): Effect.fn.Return<Session.Session | undefined> {
  const relays = candidates(core, handover, round)
  if (relays.length === 0) return undefined
  const answer = yield* Effect.raceAll(
    relays.map((relay, index) =>
      Effect.andThen(
        Effect.sleep(index * staggerMs),
        resumeAt(core, device, handover, relay, relays.length > 1 ? otherGrantMs : 0)
      )
    )
  ).pipe(Effect.option)
  if (Option.isNone(answer)) return undefined
  return answer.value._tag === "Granted" ? answer.value.session : yield* joinAt(core, device, answer.value.relay)
})

const resumeAt = Effect.fnUntraced(function* (
  core: CallCore.CallCore,
  device: DevicePort,
  handover: CallCore.Handover,
  relay: Uint32Array,
  waitMs: number
): Effect.fn.Return<Answer, void> {
  const isWanted = () => isDue(core, handover)
  if (!isWanted()) return yield* Effect.fail(undefined)
  const cookie = BackupPaths.cookieFor(core.backups, relay)
  const asking = { core, device, relay, schedule: RequestSchedule.resume, cookie, isWanted }
  const outcome = yield* Requests.resume(asking, handover.session)
  if (outcome._tag === "Granted") return outcome
  if (outcome._tag === "Silent") return yield* Effect.fail(undefined)
  const { code } = outcome.refusal.error
  noteBusy(core, relay, outcome.refusal)
  if (code !== refusalCodes.ticketInvalid && code !== refusalCodes.unknownCall) return yield* Effect.fail(undefined)
  yield* Effect.sleep(waitMs)
  return { _tag: "SessionUnknown", relay }
})

const joinAt = Effect.fnUntraced(function* (
  core: CallCore.CallCore,
  device: DevicePort,
  relay: Uint32Array
): Effect.fn.Return<Session.Session | undefined> {
  const nowWallMs = yield* Clock.currentTimeMillis
  if (Result.isFailure(CallToken.checkClaims(core.settings.token.claims, Math.floor(nowWallMs / 1000)))) {
    CallCore.end(core, "the session cannot be resumed and the token has expired: join with a new token")
    return undefined
  }
  const cookie = BackupPaths.cookieFor(core.backups, relay)
  const joined = yield* Requests.join({ core, device, relay, schedule: RequestSchedule.urgent, cookie })
  if (joined._tag === "Granted") return joined.session
  if (joined._tag === "Refused") noteBusy(core, relay, joined.refusal)
  if (joined._tag === "Refused" && !isPassing(joined.refusal.error.code) && !core.hasEnded) {
    CallCore.end(core, refused(PackedAddress.format(relay), joined.refusal, nowWallMs).message)
  }
  return undefined
})

const noteBusy = (
  { busy, nowMs }: CallCore.CallCore,
  relay: Uint32Array,
  { error, retryAfterMs = 0 }: Refused
): void => {
  if (error.code !== refusalCodes.busy) return
  BusyRelays.handleRefusal(busy, relay, Math.min(retryAfterMsMax, retryAfterMs), nowMs())
}

/**
 * Media goes over the new session from now on, even if the old relay was heard meanwhile: it has been told that the
 * device has left. Whether it was dead becomes known later.
 */
const takeOver = (
  core: CallCore.CallCore,
  { _tag, session: old }: CallCore.Handover,
  session: Session.Session,
  heardAtMs: number
): void => {
  const nowMs = core.nowMs()
  MoveLimit.handleMove(core.moves, nowMs)
  const isElsewhere = !PackedAddress.equals(old.relay, 0, session.relay, 0)
  core.left = _tag === "RelayLost" && isElsewhere ? { session: old, heardAtMs, lastAskedAtMs: -Infinity } : undefined
  CallCore.startSession(core, session)
  CallCore.publishMapped(core, "Resumed", session)
}

/** What was sent to the silent relay, or waits to be, has got no further, and receivers still wait for some of it. */
const carryOver = (
  core: CallCore.CallCore,
  device: DevicePort,
  old: Session.Session,
  { hop }: Session.Session,
  heardAtMs: number
) =>
  device.sendMedia((out) => {
    // What was on its way when the relay was heard last, too.
    const sinceMs = heardAtMs - RoundTripEstimator.roundTripMs(old.hop.roundTrip)
    CarryOver.carryOver(hop.send, old.hop.send, device.resources.rings, sinceMs, core.nowMs(), out)
  })
