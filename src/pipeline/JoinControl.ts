import { Cause, Clock, Effect } from "effect"
import { SecureRandom } from "effect/crypto"
import * as Ticket from "../access/Ticket.ts"
import type { ForwardingPlan } from "../call/ForwardingPlan.ts"
import * as ControlMessage from "../protocol/ControlMessage.ts"
import type * as Stun from "../protocol/Stun.ts"
import type { StreamDescription } from "../protocol/StreamDescription.ts"
import * as PackedAddress from "../sockets/PackedAddress.ts"
import type * as Admission from "./Admission.ts"
import * as AnswerCache from "./AnswerCache.ts"
import { Answers, type Question, type Refusal } from "./Answers.ts"
import * as CallEntry from "./CallEntry.ts"
import { CallNotices } from "./CallNotices.ts"
import { CallPlaces } from "./CallPlaces.ts"
import { CallSessions } from "./CallSessions.ts"
import * as JoinCheck from "./JoinCheck.ts"
import * as JoinLimit from "./JoinLimit.ts"
import * as RareWarning from "./RareWarning.ts"
import { RelayCore } from "./RelayCore.ts"
import * as RelayLeg from "./RelayLeg.ts"
import { RelayPeers } from "./RelayPeers.ts"
import * as Session from "./Session.ts"

/** A ticket outlives the longest call that anybody has had patience for. Seconds. */
const ticketSeconds = 24 * 60 * 60
/** What a device is told when the call's actor or its store does not answer. Milliseconds. */
const retryAfterMs = 2000

const { refusalCodes } = ControlMessage
const actorAway: Refusal = { code: refusalCodes.busy, reason: "the call cannot be reached now", retryAfterMs }

/** Joins and resumes that are cleared: ask the call, open the session. */
export const make = Effect.gen(function* () {
  const { calls, controlCounters, nowMs, options } = yield* RelayCore
  const answers = yield* Answers
  const places = yield* CallPlaces
  const notices = yield* CallNotices
  const random = yield* SecureRandom.SecureRandom
  const entry = yield* CallEntry.make
  const peers = yield* RelayPeers
  const sessions = yield* CallSessions
  const limit = JoinLimit.make()
  const warnOfActor = RareWarning.make("a call's actor did not answer")
  const check = yield* JoinCheck.make
  const { given, steadySeconds } = check

  /** Asks the call's actor to let the participant in, on a new leg. */
  const ask = Effect.fnUntraced(function* (
    request: JoinCheck.Request,
    admitted: Admission.Admitted,
    epoch: number,
    legTag: number,
    question: Question
  ) {
    const { claims } = admitted
    const { call, callClass, expiresAtSeconds: tokenExpiresAtSeconds, keyId } = claims
    const leg = {
      id: claims.participant,
      relay: yield* places.enter(call),
      address: PackedAddress.format(question.datagram.address),
      legTag,
      deviceLegTag: request.legTag
    }
    return request._tag === "JoinRequest"
      ? yield* entry.join(call, { ...leg, callClass, keyId, tokenExpiresAtSeconds, streams: request.streams })
      : yield* entry.resume(call, { ...leg, epoch })
  })

  /** The leg is known before anything else runs, and so before the answer has left: the device's first frames are welcome. */
  const openSession = Effect.fnUntraced(function* (
    request: JoinCheck.Request,
    { claims, key }: Admission.Admitted,
    given: CallEntry.Granted & { readonly legTag: number },
    address: Uint32Array
  ) {
    const leg = RelayLeg.make({
      call: claims.call,
      participant: claims.participant,
      streams: streamsOf(given.plan, claims.participant),
      receiveTag: given.legTag,
      sendTag: request.legTag,
      epoch: given.epoch,
      address,
      repair: options.repair,
      startBps: options.startBps
    })
    // A device that joins has started anew: to its leg of before nothing is on its way that it could use.
    const before = calls.calls.get(claims.call)?.sessions.get(claims.participant)
    if (request._tag === "JoinRequest" && before !== undefined) yield* sessions.close(before)
    yield* entry.open(Session.make(leg, given, claims, key, { counter: request.counter }, nowMs()), given)
  })

  const carryOut = Effect.fnUntraced(function* (cleared: JoinCheck.Cleared) {
    const { admission, admitted, cacheKey, question, request, ticketEpoch } = cleared
    const { claims, claimsBytes, key } = admitted
    yield* admission
    const legTag = yield* places.newTag
    const granted = yield* ask(request, admitted, ticketEpoch, legTag, question).pipe(
      Effect.map((answer) => ({ ...answer, legTag })),
      // It may have let the participant in all the same, and nobody will ever come onto this leg.
      Effect.tapError(({ _tag }) =>
        _tag === "TimeoutError" || _tag === "CallStoreError" || _tag === "ActorLost"
          ? notices.left({ call: claims.call, participant: claims.participant, legTag, restores: 0 })
          : Effect.void
      )
    )
    const relayTimeMs = Math.floor(yield* Clock.currentTimeMillis)
    const expiresAtSeconds = Math.floor(relayTimeMs / 1000) + ticketSeconds
    const nonce = yield* random.randomBytes(Ticket.nonceBytes)
    const answer = {
      transactionId: request.transactionId,
      ticket: Ticket.seal(options.keyRing, { claimsBytes, epoch: granted.epoch, expiresAtSeconds }, nonce),
      legTag: granted.legTag,
      epoch: granted.epoch & 0xff,
      mappedAddress: question.datagram.address,
      relays: peers.backups(claims.call),
      relayTimeMs
    }
    const message: ControlMessage.ControlMessage =
      request._tag === "JoinRequest" ? { _tag: "JoinSuccess", ...answer } : { _tag: "ResumeSuccess", ...answer }
    // Before the session opens and its first roster goes out: a device does not listen to a relay that has not answered.
    AnswerCache.finish(given, cacheKey, answers.grant(question, message, key), steadySeconds())
    yield* openSession(request, admitted, granted, question.datagram.address)
  })

  /** Every way in which a call can refuse, as what the device is told. */
  const carryOutOrRefuse = (cleared: JoinCheck.Cleared) => {
    const { admitted, question } = cleared
    const relays = peers.backups(admitted.claims.call)
    const refuse = (refusal: Refusal) =>
      Effect.sync(() => void answers.refuse(question, { ...refusal, relays }, admitted.key))
    const told = (code: number) => (error: { readonly message: string }) => refuse({ code, reason: error.message })
    return Effect.scoped(carryOut(cleared)).pipe(
      Effect.catchTags({
        Refused: (refused) => Effect.sync(() => check.refuseForLoad(question, admitted, refused)),
        CallFull: told(refusalCodes.callFull),
        SsrcTaken: told(refusalCodes.ssrcTaken),
        StreamsRefused: told(refusalCodes.malformed),
        UnknownParticipant: told(refusalCodes.unknownCall),
        StaleEpoch: told(refusalCodes.ticketInvalid),
        CallStoreError: ({ reason }) =>
          reason._tag === "StateUnreadable"
            ? Effect.andThen(
                Effect.logError(reason.message),
                refuse({ ...actorAway, reason: "what is stored of the call cannot be read" })
              )
            : refuse({ ...actorAway, reason: "the state server cannot be reached" })
      }),
      // A mistake of ours is told each time: two of them need not be the same one.
      Effect.catchCause((cause) =>
        Effect.andThen(
          Cause.hasDies(cause) ? Effect.logError("a join could not be carried out", cause) : warnOfActor(cause),
          refuse(actorAway)
        )
      )
    )
  }

  /** Who joins too often is told so; what finds no place is repeated, as what is lost is. */
  const withinLimit = (cleared: JoinCheck.Cleared): Effect.Effect<void> => {
    const { admitted, question } = cleared
    const { address } = question.datagram
    if (!JoinLimit.enter(limit, address)) {
      controlCounters.joinQueueFull++
      return Effect.void
    }
    const retryAfterMs = JoinLimit.waitMs(limit, admitted.claims, nowMs())
    const tooOften = { code: refusalCodes.busy, reason: "joined too often", retryAfterMs }
    return Effect.ensuring(
      retryAfterMs === 0
        ? carryOutOrRefuse(cleared)
        : Effect.sync(() => void answers.refuse(question, tooOften, admitted.key)),
      Effect.sync(() => JoinLimit.leave(limit, address))
    )
  }

  /** It may have been repeated while it waited for its turn. */
  const once = (cleared: JoinCheck.Cleared): Effect.Effect<void> =>
    AnswerCache.begin(given, cleared.cacheKey, steadySeconds())
      ? Effect.ensuring(
          withinLimit(cleared),
          Effect.sync(() => AnswerCache.forget(given, cleared.cacheKey))
        )
      : Effect.void

  /** What is left to do, to be run beside everything else; `undefined`: nothing, the device has been answered. */
  return (
    request: JoinCheck.Request,
    question: Question,
    integrity: Stun.IntegrityLocation
  ): Effect.Effect<void> | undefined => {
    const cleared = check.clear(request, question, integrity)
    return cleared && Effect.suspend(() => once(cleared))
  }
})

const streamsOf = (plan: ForwardingPlan, participant: string): ReadonlyArray<StreamDescription> =>
  plan.participants.find(({ id }) => id === participant)?.streams ?? []
