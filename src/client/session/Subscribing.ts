import { Effect } from "effect"
import { refusalCodes } from "../../protocol/ControlMessage.ts"
import type { Subscription, Wanted } from "../../protocol/SubscriptionAttribute.ts"
import * as PacketBatch from "../../sockets/PacketBatch.ts"
import type { PacketMemory } from "../../sockets/PacketMemory.ts"
import * as CallCore from "./CallCore.ts"
import type { DevicePort } from "./DevicePort.ts"
import type * as Session from "./Session.ts"
import * as SubscriptionWish from "./SubscriptionWish.ts"
import * as Transactions from "./Transactions.ts"

/** Answers later than this are of no use. Milliseconds. */
const answerWithinMs = 3000
/** Challenges of one request that are acted on: the first may be a forgery. */
const challengesMax = 3

/** Tells the relay at once, if there is one; `poll` sees to the rest. */
export const subscribe = (core: CallCore.CallCore, device: DevicePort, wanted: Wanted): Effect.Effect<void> =>
  Effect.suspend(() => {
    SubscriptionWish.handleWish(core.subscription, wanted)
    const session = core.sessions[0]
    if (session === undefined || core.isLeaving || core.hasEnded) return Effect.void
    const nowMs = core.nowMs()
    const due = SubscriptionWish.poll(core.subscription, session, nowMs)
    return due === undefined
      ? Effect.void
      : device.sendMessage(request(core, session, due, device.resources.rings.memory, nowMs), session.relay)
  })

/** Puts the request into the batch when it is due. */
export const poll = (
  core: CallCore.CallCore,
  session: Session.Session,
  memory: PacketMemory,
  nowMs: number,
  out: PacketBatch.SendBatch
): void => {
  const due = SubscriptionWish.poll(core.subscription, session, nowMs)
  if (due !== undefined) PacketBatch.addBytes(out, memory, request(core, session, due, memory, nowMs), session.relay, 0)
}

/** One request, each time with an id of its own: the version says whether it is the same. */
const request = (
  core: CallCore.CallCore,
  session: Session.Session,
  subscription: Subscription,
  memory: PacketMemory,
  nowMs: number,
  cookie?: Uint8Array
): Uint8Array => {
  const transactionId = Transactions.newId(core.secureBytes)
  let challenges = 0
  Transactions.add(core.transactions, transactionId, {
    method: "Subscribe",
    relay: session.relay,
    expiresAtMs: nowMs + answerWithinMs,
    handle: (answer, isProved, answeredAtMs, out) => {
      const refusal = answer._tag === "Refused" && isProved ? answer : undefined
      if (refusal?.error.code === refusalCodes.busy) {
        const retryAfterMs = refusal.retryAfterMs ?? SubscriptionWish.askAgainAfterMsMax
        SubscriptionWish.handleBusy(core.subscription, subscription, retryAfterMs, answeredAtMs)
      } else if (answer._tag === "SubscribeSuccess" || refusal !== undefined) {
        SubscriptionWish.handleAnswer(core.subscription, session, subscription)
      }
      if (answer._tag !== "Challenge" || cookie !== undefined || challenges++ >= challengesMax) return
      const proved = request(core, session, subscription, memory, answeredAtMs, answer.cookie)
      PacketBatch.addBytes(out, memory, proved, session.relay, 0)
    }
  })
  return CallCore.sign(core, {
    _tag: "SubscribeRequest",
    transactionId,
    legTag: session.hop.send.legTag,
    counter: Transactions.nextCounter(core.transactions),
    ...(cookie && { cookie }),
    subscription
  })
}
