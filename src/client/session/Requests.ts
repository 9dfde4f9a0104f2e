import { Effect, Option, Queue } from "effect"
import type * as ControlMessage from "../../protocol/ControlMessage.ts"
import { drawU32 } from "../SecureBytes.ts"
import * as CallCore from "./CallCore.ts"
import type { DevicePort } from "./DevicePort.ts"
import type { RequestSchedule } from "./RequestSchedule.ts"
import * as Session from "./Session.ts"
import * as Transactions from "./Transactions.ts"

/** What came of asking one relay for a session. */
export type Outcome =
  | { readonly _tag: "Granted"; readonly session: Session.Session }
  | { readonly _tag: "Refused"; readonly refusal: ControlMessage.Refused }
  | { readonly _tag: "Silent" }

const silent: Outcome = { _tag: "Silent" }

/** Challenges that are acted on: some may be forged, but who does not accept his own cookies is not asked for ever. */
const challengesMax = 3

export interface Asking {
  readonly core: CallCore.CallCore
  readonly device: DevicePort
  /** Packed address. */
  readonly relay: Uint32Array
  readonly schedule: RequestSchedule
  /** From an earlier challenge, if there was one: saves a round trip. */
  readonly cookie?: Uint8Array | undefined
  /** As long as it is false nothing is sent again; what was sent may still be answered, and then it is done. */
  readonly isWanted?: () => boolean
}

/** Asks a relay to let this participant into the call. Only one that is not `isPlaced` may be sent to another relay. */
export const join = (asking: Asking, isPlaced = true): Effect.Effect<Outcome> => {
  const { settings } = asking.core
  return askForSession(asking, (common) => ({
    _tag: "JoinRequest",
    ...common,
    token: settings.token.claimsBytes,
    streams: settings.descriptions,
    software: settings.software,
    ...(isPlaced && { placed: true as const })
  }))
}

/** Asks a relay to go on where another, or this one, has stopped. */
export const resume = (asking: Asking, { epoch, ticket }: Session.Session): Effect.Effect<Outcome> =>
  askForSession(asking, (common) => ({ _tag: "ResumeRequest", ...common, ticket, epoch }))

/** Tells the relay, and waits for its answer for a short while. */
export const leave = (
  core: CallCore.CallCore,
  device: DevicePort,
  session: Session.Session,
  schedule: RequestSchedule
) => Effect.asVoid(ask({ core, device, relay: session.relay, schedule }, () => leaveRequest(core, session)))

/** Tells the relay without waiting: twice, since nobody hears whether it has arrived. */
export const leaveAtOnce = (core: CallCore.CallCore, device: DevicePort, session: Session.Session) =>
  Effect.suspend(() => {
    const bytes = CallCore.sign(core, leaveRequest(core, session))
    return Effect.repeat(device.sendMessage(bytes, session.relay), { times: 1 })
  })

const leaveRequest = (core: CallCore.CallCore, session: Session.Session): ControlMessage.LeaveRequest => ({
  _tag: "LeaveRequest",
  transactionId: Transactions.newId(core.secureBytes),
  legTag: session.hop.send.legTag,
  counter: Transactions.nextCounter(core.transactions)
})

type SessionRequest = ControlMessage.JoinRequest | ControlMessage.ResumeRequest
type Common = Pick<ControlMessage.JoinRequest, "transactionId" | "counter" | "legTag" | "cookie">

/** The request, and with the relay's cookie the same again. */
const askForSession = Effect.fnUntraced(function* (asking: Asking, makeRequest: (common: Common) => SessionRequest) {
  const { core, relay } = asking
  const isFree = (tag: number) => core.sessions.every(({ hop }) => hop.receive.legTag !== tag)
  const receiveTag = drawU32(core.secureBytes, isFree)
  const answer = yield* ask(asking, (cookie) =>
    makeRequest({
      transactionId: Transactions.newId(core.secureBytes),
      counter: Transactions.nextCounter(core.transactions),
      legTag: receiveTag,
      ...(cookie && { cookie })
    })
  )
  switch (answer?._tag) {
    case "JoinSuccess":
    case "ResumeSuccess": {
      const { repair, startBps } = core.settings
      const session = Session.make({ granted: answer, relay, receiveTag, repair, startBps, nowMs: core.nowMs() })
      const granted: Outcome = { _tag: "Granted", session }
      return granted
    }
    case "Refused": {
      const refused: Outcome = { _tag: "Refused", refusal: answer }
      return refused
    }
    default:
      return silent
  }
})

type Request = SessionRequest | ControlMessage.LeaveRequest

/** One question to one relay: all its transactions are open until one of them is answered for good. */
interface Conversation {
  /** Those with a proof, and the challenges that are acted on. */
  readonly answers: Queue.Queue<Transactions.Answer>
  challengesLeft: number
  /** The transaction that may be challenged: the last one, and once. */
  open: Transactions.Transaction | undefined
}

/**
 * Asks, and again with each cookie that the relay wants to see. A challenge can be forged: what was asked before may still
 * be answered. But what was repeated is challenged once more, and by then there is a cookie: two transactions with one each
 * would be carried out both.
 */
const ask = Effect.fnUntraced(function* (asking: Asking, makeRequest: (cookie?: Uint8Array) => Request) {
  const answers = yield* Queue.unbounded<Transactions.Answer>()
  const conversation: Conversation = { answers, challengesLeft: challengesMax, open: undefined }
  let answer = yield* exchange(asking, makeRequest(asking.cookie), conversation)
  while (answer?._tag === "Challenge") answer = yield* exchange(asking, makeRequest(answer.cookie), conversation)
  return answer
}, Effect.scoped)

/** Who cannot prove who he is does not say for how long a relay is to be left alone. */
const withoutTime = ({ retryAfterMs: _retryAfterMs, ...refusal }: ControlMessage.Refused): ControlMessage.Refused =>
  refusal

const methods = { JoinRequest: "Join", ResumeRequest: "Resume", LeaveRequest: "Leave" } as const

/**
 * Sends a request until it is answered, always with the same transaction id: RFC 8489 section 6.2.1. A refusal without
 * proof counts when the request would be sent again. The transaction is open as long as the scope.
 */
const exchange = Effect.fnUntraced(function* (
  { core, device, isWanted = () => true, relay, schedule }: Asking,
  request: Request,
  conversation: Conversation
) {
  const { transactionId } = request
  const bytes = CallCore.sign(core, request)
  let unproved: ControlMessage.Refused | undefined
  const transaction: Transactions.Transaction = {
    method: methods[request._tag],
    relay,
    expiresAtMs: Infinity,
    handle: (answer, isProved) => {
      if (answer._tag === "Refused" && !isProved) unproved = withoutTime(answer)
      else if (answer._tag !== "Challenge" || isFirstChallenge()) Queue.offerUnsafe(conversation.answers, answer)
    }
  }
  conversation.open = transaction
  const isFirstChallenge = () => {
    if (conversation.open !== transaction || conversation.challengesLeft-- <= 0) return false
    conversation.open = undefined
    return true
  }
  yield* Effect.acquireRelease(
    Effect.sync(() => Transactions.add(core.transactions, transactionId, transaction)),
    () => Effect.sync(() => Transactions.remove(core.transactions, transactionId))
  )
  for (const waitMs of schedule) {
    if (isWanted()) yield* device.sendMessage(bytes, relay)
    const answer = yield* Effect.timeoutOption(Queue.take(conversation.answers), waitMs)
    if (Option.isSome(answer)) return answer.value
    if (unproved !== undefined) return unproved
  }
  return undefined
})
