import { Clock, Effect, Result } from "effect"
import { SecureRandom } from "effect/crypto"
import * as Ticket from "../access/Ticket.ts"
import { Call } from "../actor/CallRpcs.ts"
import type { ForwardingPlan } from "../call/ForwardingPlan.ts"
import * as ControlMessage from "../protocol/ControlMessage.ts"
import type * as Stun from "../protocol/Stun.ts"
import type { StreamDescription } from "../protocol/StreamDescription.ts"
import * as PackedAddress from "../sockets/PackedAddress.ts"
import { Throttle } from "../throttle/Throttle.ts"
import * as Admission from "./Admission.ts"
import * as AnswerCache from "./AnswerCache.ts"
import { Answers, type Question, type Refusal } from "./Answers.ts"
import { CallNotices } from "./CallNotices.ts"
import { CallSessions } from "./CallSessions.ts"
import * as JoinLimit from "./JoinLimit.ts"
import * as LegTable from "./LegTable.ts"
import { RelayCore } from "./RelayCore.ts"
import * as RelayLeg from "./RelayLeg.ts"
import * as Session from "./Session.ts"

type Request = ControlMessage.JoinRequest | ControlMessage.ResumeRequest

/** A ticket outlives the longest call that anybody has had patience for. Seconds. */
const ticketSeconds = 24 * 60 * 60
/** The actor and its store answer sooner, or the device asks again. */
const actorTimeout = "3 seconds"
/** What a device is told when the call's actor or its store does not answer. Milliseconds. */
const retryAfterMs = 2000

const { refusalCodes } = ControlMessage
const actorAway: Refusal = { code: refusalCodes.busy, reason: "the call cannot be reached now", retryAfterMs }

/** Joins and resumes: prove the address, prove the participant, ask the throttle, ask the call, open the session. */
export const make = Effect.gen(function* () {
  const { calls, controlCounters, forwarding, nowMs, options } = yield* RelayCore
  const answers = yield* Answers
  const sessions = yield* CallSessions
  const notices = yield* CallNotices
  const throttle = yield* Throttle
  const random = yield* SecureRandom.SecureRandom
  const callOf = yield* Call.client
  const limit = JoinLimit.make()
  // Unix time as it was at the start, going on whether the wall clock is set or not.
  const startedAtMs = (yield* Clock.currentTimeMillis) - nowMs()
  const steadySeconds = () => Math.floor((startedAtMs + nowMs()) / 1000)
  const given = AnswerCache.make(steadySeconds())

  const newTag = random.randomBytes(4).pipe(
    Effect.map((bytes) => new DataView(bytes.buffer, bytes.byteOffset).getUint32(0)),
    Effect.repeat({ until: (tag) => LegTable.isFree(forwarding.legs, tag) })
  )

  /** Asks the call's actor to let the participant in, on a new leg. */
  const ask = Effect.fnUntraced(function* (
    request: Request,
    admitted: Admission.Admitted,
    epoch: number,
    legTag: number,
    question: Question
  ) {
    const { claims } = admitted
    const call = callOf(claims.call)
    const leg = {
      id: claims.participant,
      relay: options.relayId,
      address: PackedAddress.format(question.datagram.address),
      legTag,
      deviceLegTag: request.legTag
    }
    return request._tag === "JoinRequest"
      ? yield* call.Join({ ...leg, callClass: claims.callClass, streams: request.streams })
      : yield* call.Resume({ ...leg, epoch })
  })

  /** The leg is known before anything else runs, and so before the answer has left: the device's first frames are welcome. */
  const openSession = Effect.fnUntraced(function* (
    request: Request,
    { claims, key }: Admission.Admitted,
    given: { readonly epoch: number; readonly legTag: number; readonly plan: ForwardingPlan },
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
      repair: options.repair
    })
    yield* sessions.open(Session.make(leg, key, request.counter, nowMs()), given.plan)
  })

  const carryOut = Effect.fnUntraced(function* (
    request: Request,
    admitted: Admission.Admitted,
    ticketEpoch: number,
    question: Question,
    cacheKey: string
  ) {
    const { claims, claimsBytes, key } = admitted
    const isCallHere = calls.calls.has(claims.call)
    yield* throttle.admit(
      request._tag === "ResumeRequest" ? "resume" : Admission.joinPriority(claims.callClass, isCallHere)
    )
    const legTag = yield* newTag
    const granted = yield* ask(request, admitted, ticketEpoch, legTag, question).pipe(
      Effect.timeout(actorTimeout),
      Effect.map((answer) => ({ ...answer, legTag })),
      // It may have let the participant in all the same, and nobody will ever come onto this leg.
      Effect.tapError(({ _tag }) =>
        _tag === "TimeoutError" || _tag === "CallStoreError"
          ? notices.left({ call: claims.call, participant: claims.participant, legTag })
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
      relays: options.otherRelays,
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
    const refuse = (refusal: Refusal) => answers.refuse(question, refusal, admitted.key)
    const told = (code: number) => (error: { readonly message: string }) => refuse({ code, reason: error.message })
    return carryOut(request, admitted, epoch, question, cacheKey).pipe(
      Effect.catchTags({
        Refused: ({ message, retryAfterMs }) => refuse({ code: refusalCodes.busy, reason: message, retryAfterMs }),
        CallFull: told(refusalCodes.callFull),
        SsrcTaken: told(refusalCodes.ssrcTaken),
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
    if (!AnswerCache.begin(given, cacheKey, steadySeconds())) return
    const join = carryOutOrRefuse(request, checked.success, checked.success.epoch, question, cacheKey)
    yield* withinLimit(checked.success, question, join).pipe(
      Effect.ensuring(Effect.sync(() => AnswerCache.forget(given, cacheKey)))
    )
  })
})

const streamsOf = (plan: ForwardingPlan, participant: string): ReadonlyArray<StreamDescription> =>
  plan.participants.find(({ id }) => id === participant)?.streams ?? []
