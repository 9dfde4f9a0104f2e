import { Clock, Effect, Schedule } from "effect"
import * as MessageIntegrity from "../access/MessageIntegrity.ts"
import * as ReplayWindow from "../access/ReplayWindow.ts"
import { Call } from "../actor/CallRpcs.ts"
import type * as ControlMessage from "../protocol/ControlMessage.ts"
import type * as Stun from "../protocol/Stun.ts"
import * as PackedAddress from "../sockets/PackedAddress.ts"
import * as Admission from "./Admission.ts"
import * as AnswerCache from "./AnswerCache.ts"
import { Answers, type Question } from "./Answers.ts"
import { CallSessions } from "./CallSessions.ts"
import { RelayCore } from "./RelayCore.ts"
import * as Session from "./Session.ts"

/** A device that is silent for this long has left. It pings every 5 s. */
const silentAfterMs = 30_000
const sweepEvery = "1 second"
/** The actor is told about a change that has taken effect here already, for some ten minutes. */
const tellRetries = {
  schedule: Schedule.min([Schedule.exponential("200 millis"), Schedule.spaced("10 seconds")]),
  times: 65
}

const keyOf = ({ datagram, transactionId }: Question) => AnswerCache.keyOf(transactionId, datagram.address)

/** What a device says in its session: pings, which also move it to another address, and leaving. */
export const make = Effect.gen(function* () {
  const { calls, controlCounters, nowMs, options } = yield* RelayCore
  const answers = yield* Answers
  const sessions = yield* CallSessions
  const callOf = yield* Call.client
  const given = AnswerCache.make()

  /** The session that the request names, if the request is its device's and has not been here before. */
  const authenticate = (
    request: ControlMessage.PingRequest | ControlMessage.LeaveRequest,
    { datagram }: Question,
    integrity: Stun.IntegrityLocation
  ): Session.Session | undefined => {
    const session = calls.sessionsByTag.get(request.legTag)
    if (session === undefined) controlCounters.unknownSession++
    else if (!MessageIntegrity.verify(datagram.bytes, integrity, session.key)) controlCounters.unauthenticated++
    else return session
    return undefined
  }

  /** A message that is here for the second time gets the answer of the first, or none. */
  const isFirst = (session: Session.Session, { counter }: { readonly counter: number }, question: Question) => {
    if (ReplayWindow.accept(session.replay, counter)) return true
    const before = AnswerCache.find(given, keyOf(question))
    if (before === undefined) controlCounters.replayed++
    else answers.repeat(question, before)
    return false
  }

  const tell = <A, E>(what: Effect.Effect<A, E>) =>
    what.pipe(
      Effect.retry(tellRetries),
      Effect.catchCause((cause) => Effect.logWarning("a call's actor was not told of a change", cause))
    )

  const leave = (session: Session.Session) =>
    Effect.andThen(
      sessions.close(session),
      tell(callOf(session.call).Leave({ id: session.participant, legTag: session.leg.hop.receive.legTag }))
    )

  /** Takes effect at once; the call learns of it behind it. */
  const move = (session: Session.Session, address: Uint32Array) => {
    PackedAddress.copy(address, 0, session.leg.hop.send.address, 0)
    return tell(
      callOf(session.call).Move({
        id: session.participant,
        legTag: session.leg.hop.receive.legTag,
        address: PackedAddress.format(address)
      })
    )
  }

  const ping = Effect.fnUntraced(function* (
    request: ControlMessage.PingRequest,
    question: Question,
    integrity: Stun.IntegrityLocation
  ) {
    const session = authenticate(request, question, integrity)
    if (session === undefined) return
    const { address } = question.datagram
    const isNewer = request.counter > session.replay.highest
    const isHome = PackedAddress.equals(address, 0, session.leg.hop.send.address, 0)
    const nowSeconds = Math.floor((yield* Clock.currentTimeMillis) / 1000)
    // A captured ping that is sent again from elsewhere ends here: it moves nobody, and learns a cookie that needs the key.
    if (!isHome && !Admission.isAddressProved(options.keyRing, request.cookie, question.datagram, nowSeconds)) {
      return yield* answers.challenge(question)
    }
    if (!isFirst(session, request, question)) return
    session.lastControlAtMs = nowMs()
    const answer = { _tag: "PingSuccess" as const, transactionId: request.transactionId, mappedAddress: address }
    AnswerCache.finish(given, keyOf(question), answers.grant(question, answer, session.key))
    if (!isHome && isNewer) yield* move(session, address)
  })

  const handleLeave = Effect.fn("ControlPipeline.leave")(function* (
    request: ControlMessage.LeaveRequest,
    question: Question,
    integrity: Stun.IntegrityLocation
  ) {
    // The session of a farewell that is repeated is gone, and with it the key that it was signed with.
    const before = AnswerCache.find(given, keyOf(question))
    if (before !== undefined) return answers.repeat(question, before)
    const session = authenticate(request, question, integrity)
    if (session === undefined || !isFirst(session, request, question)) return
    const answer: ControlMessage.LeaveSuccess = { _tag: "LeaveSuccess", transactionId: request.transactionId }
    AnswerCache.finish(given, keyOf(question), answers.grant(question, answer, session.key))
    yield* leave(session)
  })

  /** Devices that have gone without a word. */
  const sweep = Effect.suspend(() => {
    const heardBefore = nowMs() - silentAfterMs
    const silent = [...calls.sessionsByTag.values()].filter((session) => Session.lastHeardAtMs(session) < heardBefore)
    return Effect.forEach(silent, leave, { discard: true, concurrency: 16 })
  })
  yield* sweep.pipe(Effect.andThen(Effect.sleep(sweepEvery)), Effect.forever, Effect.forkScoped)

  return { ping, leave: handleLeave }
})
