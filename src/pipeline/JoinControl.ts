import { Clock, Effect, Result } from "effect"
import { SecureRandom } from "effect/crypto"
import * as Ticket from "../access/Ticket.ts"
import type { ForwardingPlan } from "../call/ForwardingPlan.ts"
import * as ControlMessage from "../protocol/ControlMessage.ts"
import type { CallId } from "../protocol/Ids.ts"
import type * as Stun from "../protocol/Stun.ts"
import type { StreamDescription } from "../protocol/StreamDescription.ts"
import * as PackedAddress from "../sockets/PackedAddress.ts"
import { type AdmissionRequest, Throttle } from "../throttle/Throttle.ts"
import * as Admission from "./Admission.ts"
import * as AnswerCache from "./AnswerCache.ts"
import { Answers, type Question, type Refusal } from "./Answers.ts"
import * as CallEntry from "./CallEntry.ts"
import { CallNotices } from "./CallNotices.ts"
import { CallPlaces } from "./CallPlaces.ts"
import { CallSessions } from "./CallSessions.ts"
import * as JoinLimit from "./JoinLimit.ts"
import { RelayCore } from "./RelayCore.ts"
import * as RelayLeg from "./RelayLeg.ts"
import { RelayPeers } from "./RelayPeers.ts"
import * as Session from "./Session.ts"

type Request = ControlMessage.JoinRequest | ControlMessage.ResumeRequest

/** A ticket outlives the longest call that anybody has had patience for. Seconds. */
const ticketSeconds = 24 * 60 * 60
/** What a device is told when the call's actor or its store does not answer. Milliseconds. */
const retryAfterMs = 2000

const { refusalCodes } = ControlMessage
const actorAway: Refusal = { code: refusalCodes.busy, reason: "the call cannot be reached now", retryAfterMs }

const lessToDoThere: Refusal = { code: refusalCodes.tryAlternate, reason: "another relay has less to do" }
const goingAway: Refusal = { code: refusalCodes.busy, reason: "the relay is about to stop", retryAfterMs }

/** Joins and resumes: prove the address, prove the participant, ask the throttle, ask the call, open the session. */
export const make = Effect.gen(function* () {
  const { calls, controlCounters, draining, nowMs, options, place } = yield* RelayCore
  const answers = yield* Answers
  const places = yield* CallPlaces
  const notices = yield* CallNotices
  const throttle = yield* Throttle
  const random = yield* SecureRandom.SecureRandom
  const entry = yield* CallEntry.make
  const peers = yield* RelayPeers
  const sessions = yield* CallSessions
  const limit = JoinLimit.make()
  // Unix time as it was at the start, going on whether the wall clock is set or not.
  const startedAtMs = (yield* Clock.currentTimeMillis) - nowMs()
  const steadySeconds = () => Math.floor((startedAtMs + nowMs()) / 1000)
  const given = AnswerCache.make(steadySeconds())

  /** Who is in a call here and comes again goes on with it, with a ticket or without. */
  const admissionOf = (request: Request, claims: Admission.Admitted["claims"]): AdmissionRequest => {
    const { callClass, keyId, participant } = claims
    const sessions = calls.calls.get(claims.call)?.sessions
    const goesOn = request._tag === "ResumeRequest" || sessions?.has(participant) === true
    return {
      priority: goesOn ? "resume" : Admission.joinPriority(callClass, sessions !== undefined),
      caller: participant,
      tenant: keyId,
      completesCall: sessions !== undefined && Admission.isOfTwo(callClass)
    }
  }

  /** Asks the call's actor to let the participant in, on a new leg. */
  const ask = Effect.fnUntraced(function* (
    request: Request,
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
    request: Request,
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

  const carryOut = Effect.fnUntraced(function* (
    request: Request,
    admitted: Admission.Admitted,
    ticketEpoch: number,
    question: Question,
    cacheKey: string
  ) {
    const { claims, claimsBytes, key } = admitted
    yield* throttle.admit(admissionOf(request, claims))
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
  const carryOutOrRefuse = (...[request, admitted, epoch, question, cacheKey]: Parameters<typeof carryOut>) => {
    const relays = peers.backups(admitted.claims.call)
    const refuse = (refusal: Refusal) => answers.refuse(question, { ...refusal, relays }, admitted.key)
    const told = (code: number) => (error: { readonly message: string }) => refuse({ code, reason: error.message })
    return Effect.scoped(carryOut(request, admitted, epoch, question, cacheKey)).pipe(
      Effect.catchTags({
        Refused: ({ message, retryAfterMs }) =>
          answers.refuse(
            question,
            { code: refusalCodes.busy, reason: message, retryAfterMs, relays: peers.withRoom(admitted.claims.call) },
            admitted.key
          ),
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
      Effect.catchCause((cause) =>
        Effect.andThen(Effect.logWarning("a call's actor did not answer", cause), refuse(actorAway))
      )
    )
  }

  /** Who joins too often is told so; what finds no place is repeated, as what is lost is. */
  const withinLimit = ({ claims, key }: Admission.Admitted, question: Question, join: Effect.Effect<void>) => {
    const { address } = question.datagram
    if (!JoinLimit.enter(limit, address)) {
      controlCounters.joinQueueFull++
      return Effect.void
    }
    const retryAfterMs = JoinLimit.waitMs(limit, claims, nowMs())
    return Effect.ensuring(
      retryAfterMs === 0
        ? join
        : answers.refuse(question, { code: refusalCodes.busy, reason: "joined too often", retryAfterMs }, key),
      Effect.sync(() => JoinLimit.leave(limit, address))
    )
  }

  /** Running media is never moved: whose call is here joins here. Who was sent here stays, however little is known there. */
  const placeElsewhere = (request: Request, call: CallId): string | undefined =>
    request._tag === "JoinRequest" && request.placed === undefined && !calls.calls.has(call)
      ? peers.placeElsewhere(call, {
          address: place,
          participants: calls.sessionsByTag.size,
          fullness: throttle.fullness()
        })
      : undefined

  return Effect.fn("ControlPipeline.join")(function* (
    request: Request,
    question: Question,
    integrity: Stun.IntegrityLocation
  ) {
    const { datagram } = question
    const { keyRing } = options
    const nowSeconds = Math.floor((yield* Clock.currentTimeMillis) / 1000)
    // A join with an older cookie may have been carried out and forgotten since: whoever has captured it could do it
    // again. A resume cannot be done twice, its ticket is used.
    const knownSeconds = steadySeconds() - given.completeSinceSeconds
    const sinceSeconds = request._tag === "JoinRequest" ? nowSeconds - knownSeconds : 0
    if (!Admission.isAddressProved(keyRing, request.cookie, datagram, nowSeconds, sinceSeconds))
      return yield* answers.challenge(question)
    const checked =
      request._tag === "JoinRequest"
        ? Result.map(Admission.checkJoin(keyRing, request, datagram, integrity, nowSeconds), (admitted) => ({
            ...admitted,
            epoch: 0
          }))
        : Admission.checkResume(keyRing, request, datagram, integrity, nowSeconds)
    if (Result.isFailure(checked)) {
      const { key } = checked.failure
      if (key === undefined) controlCounters.unauthenticated++
      return yield* answers.refuse(question, checked.failure, key)
    }
    const cacheKey = AnswerCache.keyOf(request.transactionId, datagram.address)
    const before = AnswerCache.find(given, cacheKey)
    if (before !== undefined) return answers.repeat(question, before)
    if (draining.isOpen()) {
      const relays = peers.backups(checked.success.claims.call)
      return yield* answers.refuse(question, { ...goingAway, relays }, checked.success.key)
    }
    const elsewhere = placeElsewhere(request, checked.success.claims.call)
    if (elsewhere !== undefined) {
      return yield* answers.refuse(question, { ...lessToDoThere, relays: [elsewhere] }, checked.success.key)
    }
    if (!AnswerCache.begin(given, cacheKey, steadySeconds())) return
    const join = carryOutOrRefuse(request, checked.success, checked.success.epoch, question, cacheKey)
    yield* withinLimit(checked.success, question, join).pipe(
      Effect.ensuring(Effect.sync(() => AnswerCache.forget(given, cacheKey)))
    )
  })
})

const streamsOf = (plan: ForwardingPlan, participant: string): ReadonlyArray<StreamDescription> =>
  plan.participants.find(({ id }) => id === participant)?.streams ?? []
