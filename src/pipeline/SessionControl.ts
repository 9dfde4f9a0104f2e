import { Clock, Effect, Option, Result } from "effect"
import { CallReports } from "../actor/CallReports.ts"
import * as MessageIntegrity from "../access/MessageIntegrity.ts"
import * as ReplayWindow from "../access/ReplayWindow.ts"
import * as Subscription from "../call/Subscription.ts"
import * as ControlMessage from "../protocol/ControlMessage.ts"
import type * as Stun from "../protocol/Stun.ts"
import * as PackedAddress from "../sockets/PackedAddress.ts"
import { Throttle } from "../throttle/Throttle.ts"
import * as Admission from "./Admission.ts"
import * as AnswerCache from "./AnswerCache.ts"
import { Answers, type Question } from "./Answers.ts"
import { CallNotices } from "./CallNotices.ts"
import * as CallReporting from "./CallReporting.ts"
import { CallSessions } from "./CallSessions.ts"
import { RelayCore } from "./RelayCore.ts"
import { RelayPeers } from "./RelayPeers.ts"
import * as Session from "./Session.ts"
import { StrayInbox } from "./StrayInbox.ts"
import * as StrayTable from "./StrayTable.ts"

/** A device that is silent for this long has left. It pings every 5 s. */
const silentAfterMs = 30_000
const sweepEvery = "1 second"
/** What a device has sent before it left arrives by then, and must not bring it back. Milliseconds. */
const goneForMs = 5000
const keyOf = ({ datagram, transactionId }: Question) => AnswerCache.keyOf(transactionId, datagram.address)

/** What a device says in its session: pings, which also move it to another address, what it wants to see, and leaving. */
export const make = Effect.gen(function* () {
  const { calls, controlCounters, nowMs, options, relief } = yield* RelayCore
  const answers = yield* Answers
  const sessions = yield* CallSessions
  const notices = yield* CallNotices
  const reports = yield* CallReports
  const peers = yield* RelayPeers
  const throttle = yield* Throttle
  const strays = yield* StrayInbox
  const secondsNow = Effect.map(Clock.currentTimeMillis, (nowMs) => Math.floor(nowMs / 1000))
  const given = AnswerCache.make(yield* secondsNow)

  /** The session that the request names, if the request is its device's and has not been here before. */
  const authenticate = (
    legTag: number,
    { datagram }: Question,
    integrity: Stun.IntegrityLocation
  ): Session.Session | undefined => {
    const session = calls.sessionsByTag.get(legTag)
    if (session === undefined) {
      controlCounters.unknownSession++
      strays.handleMessage(datagram, legTag)
    } else if (!MessageIntegrity.verify(datagram.bytes, integrity, session.key)) controlCounters.unauthenticated++
    else return session
    return undefined
  }

  /** A message that is here for the second time gets the answer of the first, or none. */
  const isFirst = (session: Session.Session, { counter }: { readonly counter: number }, question: Question) => {
    const isProved = Session.isProved(session)
    if (ReplayWindow.accept(session.replay, counter)) {
      // The session is restored, and nobody knows which of the earlier counters its device has used.
      if (!isProved) ReplayWindow.close(session.replay)
      return true
    }
    const before = AnswerCache.find(given, keyOf(question))
    if (before === undefined) controlCounters.replayed++
    else answers.repeat(question, before)
    return false
  }

  const placeOf = ({ call, leg, participant, restores }: Session.Session) => ({
    call,
    participant,
    legTag: leg.receiveTag,
    restores
  })

  const leave = (session: Session.Session) =>
    Effect.suspend(() => {
      const { hop, receiveTag } = session.leg
      StrayTable.refuse(strays.table, hop.send.address, receiveTag, nowMs() + goneForMs)
      return Effect.andThen(sessions.close(session), notices.left(placeOf(session)))
    })

  /** Takes effect at once; the call learns of it behind it. */
  const move = (session: Session.Session, address: Uint32Array) => {
    PackedAddress.copy(address, 0, session.leg.hop.send.address, 0)
    return notices.moved(placeOf(session), PackedAddress.format(address))
  }

  const isHome = ({ leg }: Session.Session, address: Uint32Array): boolean =>
    PackedAddress.equals(address, 0, leg.hop.send.address, 0)

  /**
   * Whether the request is not a captured one that somebody sends from elsewhere: it comes from where the device is, or proves
   * that its sender is where it comes from. The first one of a restored session has to prove it anyhow, for it may be of before.
   */
  const isVouchedFor = (
    session: Session.Session,
    { cookie }: { readonly cookie?: Uint8Array },
    { datagram }: Question,
    nowSeconds: number
  ): boolean => {
    if (isHome(session, datagram.address) && Session.isProved(session)) return true
    const restoredAtSeconds = nowSeconds - Math.floor((nowMs() - session.restoredAtMs) / 1000)
    return Admission.isAddressProved(options.keyRing, cookie, datagram, nowSeconds, restoredAtSeconds)
  }

  const ping = Effect.fnUntraced(function* (
    request: ControlMessage.PingRequest,
    question: Question,
    integrity: Stun.IntegrityLocation
  ) {
    // It is of a device that keeps a path open to where it may have to go on: nothing is looked up, nothing is kept.
    if (request.legTag === undefined) return answers.challenge(question)
    const session = authenticate(request.legTag, question, integrity)
    if (session === undefined) return
    const { address } = question.datagram
    const isNewer = request.counter > session.replay.highest
    const nowSeconds = yield* secondsNow
    // A captured ping ends here: it moves nobody, and learns a cookie that needs the key.
    if (!isVouchedFor(session, request, question, nowSeconds)) return answers.challenge(question)
    if (!isFirst(session, request, question)) return
    session.lastControlAtMs = nowMs()
    const answer: ControlMessage.PingSuccess = {
      _tag: "PingSuccess",
      transactionId: request.transactionId,
      mappedAddress: address,
      relays: peers.backups(session.call),
      ...(session.subscription && { subscriptionVersion: session.subscription.version })
    }
    AnswerCache.finish(given, keyOf(question), answers.grant(question, answer, session.key), nowSeconds)
    if (!isHome(session, address) && isNewer) yield* move(session, address)
  })

  const report = Effect.fnUntraced(function* (session: Session.Session) {
    const call = calls.calls.get(session.call)
    const report = call && CallReporting.reportOf(relief, call, CallReporting.subscriptionNews(session))
    if (report !== undefined) yield* reports.send(options.relayId, [report])
  })

  /** To see more is new work; to see less is always welcome. */
  const admitSubscription = (session: Session.Session, said: Subscription.Subscription) => {
    const { credentials, participant, subscription } = session
    return Subscription.wantsMore(subscription ?? Subscription.unspoken, said)
      ? throttle.admit({
          priority: Admission.isOfTwo(credentials.callClass) ? "new-one-to-one-video" : "new-group-video",
          caller: participant,
          tenant: credentials.keyId
        })
      : Effect.void
  }

  const subscribe = Effect.fnUntraced(function* (
    request: ControlMessage.SubscribeRequest,
    question: Question,
    integrity: Stun.IntegrityLocation
  ) {
    const session = authenticate(request.legTag, question, integrity)
    if (session === undefined) return
    const nowSeconds = yield* secondsNow
    if (!isVouchedFor(session, request, question, nowSeconds)) return answers.challenge(question)
    const said = Subscription.make(request.subscription)
    // Nothing is kept of it: who asks again is refused again.
    if (Result.isFailure(said)) {
      const refusal = { code: ControlMessage.refusalCodes.malformed, reason: said.failure.message }
      return void answers.refuse(question, refusal, session.key)
    }
    if (!isFirst(session, request, question)) return
    session.lastControlAtMs = nowMs()
    const before = session.subscription
    const refused = yield* Effect.flip(admitSubscription(session, said.success)).pipe(Effect.option)
    if (Option.isSome(refused)) {
      const { message: reason, retryAfterMs } = refused.value
      const refusal = { code: ControlMessage.refusalCodes.busy, reason, retryAfterMs }
      return void answers.refuse(question, refusal, session.key)
    }
    const { version } = Session.handleSubscription(session, said.success)
    if (session.subscription !== before) yield* report(session)
    const answer: ControlMessage.SubscribeSuccess = {
      _tag: "SubscribeSuccess",
      transactionId: request.transactionId,
      subscriptionVersion: version
    }
    AnswerCache.finish(given, keyOf(question), answers.grant(question, answer, session.key), nowSeconds)
  })

  const handleLeave = Effect.fn("ControlPipeline.leave")(function* (
    request: ControlMessage.LeaveRequest,
    question: Question,
    integrity: Stun.IntegrityLocation
  ) {
    // The session of a farewell that is repeated is gone, and with it the key that it was signed with.
    const before = AnswerCache.find(given, keyOf(question))
    if (before !== undefined) return answers.repeat(question, before)
    const session = authenticate(request.legTag, question, integrity)
    if (session === undefined || !isFirst(session, request, question)) return
    const answer: ControlMessage.LeaveSuccess = { _tag: "LeaveSuccess", transactionId: request.transactionId }
    AnswerCache.finish(given, keyOf(question), answers.grant(question, answer, session.key), yield* secondsNow)
    yield* leave(session)
  })

  /** Devices that have gone without a word. */
  const sweep = Effect.suspend(() => {
    const heardBefore = nowMs() - silentAfterMs
    const silent = [...calls.sessionsByTag.values()].filter((session) => Session.lastHeardAtMs(session) < heardBefore)
    return Effect.forEach(silent, leave, { discard: true, concurrency: 16 })
  })
  yield* sweep.pipe(Effect.andThen(Effect.sleep(sweepEvery)), Effect.forever, Effect.forkScoped)

  return { ping, subscribe, leave: handleLeave }
})
