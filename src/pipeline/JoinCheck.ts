import { Clock, Effect, Exit, Option, Result } from "effect"
import type * as ControlMessage from "../protocol/ControlMessage.ts"
import { refusalCodes } from "../protocol/ControlMessage.ts"
import type { CallId } from "../protocol/Ids.ts"
import type * as Stun from "../protocol/Stun.ts"
import type { Refused } from "../throttle/Refused.ts"
import { type AdmissionRequest, Throttle } from "../throttle/Throttle.ts"
import * as Admission from "./Admission.ts"
import * as AnswerCache from "./AnswerCache.ts"
import { Answers, type Question, type Refusal } from "./Answers.ts"
import { RelayCore } from "./RelayCore.ts"
import { RelayPeers } from "./RelayPeers.ts"
import * as RefusedJoins from "./RefusedJoins.ts"

export type Request = ControlMessage.JoinRequest | ControlMessage.ResumeRequest

/** A join or resume that may be carried out, if the throttle has said so or will. */
export interface Cleared {
  readonly request: Request
  readonly question: Question
  readonly admitted: Admission.Admitted
  /** Of a resume's ticket. */
  readonly ticketEpoch: number
  readonly cacheKey: string
  readonly admission: Effect.Effect<void, Refused>
}

/** What a device is told that may go elsewhere. Milliseconds. */
const retryAfterMs = 2000
const lessToDoThere: Refusal = { code: refusalCodes.tryAlternate, reason: "another relay has less to do" }
const goingAway: Refusal = { code: refusalCodes.busy, reason: "the relay is about to stop", retryAfterMs }

/**
 * All that can be said of a join or resume without waiting for anybody, as plain functions: prove the address, prove the
 * participant, ask the throttle. Nobody is made to wait in a queue to be refused.
 */
export const make = Effect.gen(function* () {
  const { calls, controlCounters, draining, nowMs, options, place } = yield* RelayCore
  const answers = yield* Answers
  const throttle = yield* Throttle
  const peers = yield* RelayPeers
  const clock = yield* Clock.Clock
  // Unix time as it was at the start, going on whether the wall clock is set or not.
  const startedAtMs = (yield* Clock.currentTimeMillis) - nowMs()
  const steadySeconds = () => Math.floor((startedAtMs + nowMs()) / 1000)
  const given = AnswerCache.make(steadySeconds())
  const refusedJoins = RefusedJoins.make()

  /** Who is in a call here and comes again goes on with it, with a ticket or without. */
  const admissionOf = (request: Request, claims: Admission.Admitted["claims"]): AdmissionRequest => {
    const { callClass, keyId, participant } = claims
    const sessions = calls.calls.get(claims.call)?.sessions
    const goesOn = request._tag === "ResumeRequest" || sessions?.has(participant) === true
    return {
      priority: goesOn ? "resume" : Admission.joinPriority(callClass, sessions !== undefined),
      caller: participant,
      tenant: keyId,
      completesCall: sessions?.size === 1 && Admission.isOfTwo(callClass)
    }
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

  /** For load, and with those who have room. */
  const refuseForLoad = (question: Question, { claims, key }: Admission.Admitted, refused: Refused): void => {
    const { message: reason, retryAfterMs } = refused
    const relays = peers.withRoom(claims.call)
    const answer = answers.refuse(question, { code: refusalCodes.busy, reason, retryAfterMs, relays }, key)
    const { datagram, transactionId } = question
    RefusedJoins.add(refusedJoins, datagram.address, transactionId, answer, nowMs() + retryAfterMs)
  }

  const clear = (request: Request, question: Question, integrity: Stun.IntegrityLocation): Cleared | undefined => {
    const { datagram, transactionId } = question
    const { keyRing } = options
    const refusedBefore = RefusedJoins.find(refusedJoins, datagram.address, transactionId, nowMs())
    if (refusedBefore === "too early" && request._tag === "JoinRequest") return answers.challenge(question)
    if (refusedBefore instanceof Uint8Array) {
      answers.repeat(question, refusedBefore)
      return undefined
    }
    const nowSeconds = Math.floor(clock.currentTimeMillisUnsafe() / 1000)
    // A join with an older cookie may have been carried out and forgotten since: whoever has captured it could do it
    // again. A resume cannot be done twice, its ticket is used.
    const knownSeconds = steadySeconds() - given.completeSinceSeconds
    const sinceSeconds = request._tag === "JoinRequest" ? nowSeconds - knownSeconds : 0
    if (!Admission.isAddressProved(keyRing, request.cookie, datagram, nowSeconds, sinceSeconds)) {
      return answers.challenge(question)
    }
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
      answers.refuse(question, checked.failure, key)
      return undefined
    }
    const { epoch: ticketEpoch, ...admitted } = checked.success
    const { claims, key } = admitted
    const cacheKey = AnswerCache.keyOf(transactionId, datagram.address)
    const before = AnswerCache.find(given, cacheKey)
    if (before !== undefined) {
      answers.repeat(question, before)
      return undefined
    }
    if (draining.isOpen()) {
      answers.refuse(question, { ...goingAway, relays: peers.backups(claims.call) }, key)
      return undefined
    }
    const elsewhere = placeElsewhere(request, claims.call)
    if (elsewhere !== undefined) {
      answers.refuse(question, { ...lessToDoThere, relays: [elsewhere] }, key)
      return undefined
    }
    if (AnswerCache.isKnown(given, cacheKey)) return undefined
    const admission = throttle.admit(admissionOf(request, claims))
    const refused = refusedAtOnce(admission)
    if (refused !== undefined) {
      refuseForLoad(question, admitted, refused)
      return undefined
    }
    return { request, question, admitted, ticketEpoch, cacheKey, admission }
  }

  return { clear, refuseForLoad, given, steadySeconds }
})

/** A throttle that knows at once has answered already. */
const refusedAtOnce = (admission: Effect.Effect<void, Refused>): Refused | undefined =>
  Exit.isExit(admission) && Exit.isFailure(admission)
    ? Option.getOrUndefined(Exit.findErrorOption(admission as Exit.Exit<void, Refused>))
    : undefined
