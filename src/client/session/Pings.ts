import { Queue } from "effect"
import * as RoundTripEstimator from "../../media/RoundTripEstimator.ts"
import * as PackedAddress from "../../sockets/PackedAddress.ts"
import * as PacketBatch from "../../sockets/PacketBatch.ts"
import type { PacketMemory } from "../../sockets/PacketMemory.ts"
import * as BackupPaths from "./BackupPaths.ts"
import * as CallCore from "./CallCore.ts"
import * as Liveness from "./Liveness.ts"
import * as Session from "./Session.ts"
import * as SubscriptionWish from "./SubscriptionWish.ts"
import * as Transactions from "./Transactions.ts"

/** Answers later than this are of no use. Milliseconds. */
const answerWithinMs = 3000
/** Challenges of one ping that are acted on: the first may be a forgery. */
const challengesMax = 3

/**
 * Puts a ping into the batch. It keeps the mapping of an address translator open and measures the round trip; if the
 * relay sees it come from a new address it asks for a proof, and with that moves the session there. Pings are not
 * repeated: the next one comes soon.
 */
export const send = (
  core: CallCore.CallCore,
  session: Session.Session,
  memory: PacketMemory,
  nowMs: number,
  out: PacketBatch.SendBatch,
  cookie?: Uint8Array
): void => {
  const transactionId = Transactions.newId(core.secureBytes)
  const ping = CallCore.sign(core, {
    _tag: "PingRequest",
    transactionId,
    legTag: session.hop.send.legTag,
    counter: Transactions.nextCounter(core.transactions),
    ...(cookie && { cookie })
  })
  if (!PacketBatch.addBytes(out, memory, ping, session.relay, 0)) return
  let challenges = 0
  Transactions.add(core.transactions, transactionId, {
    method: "Ping",
    relay: session.relay,
    expiresAtMs: nowMs + answerWithinMs,
    handle: (answer, isProved, answeredAtMs, out) => {
      if (answer._tag === "PingSuccess") {
        RoundTripEstimator.handleSample(session.hop.roundTrip, answeredAtMs - nowMs)
        Session.handleRelays(session, answer.relays)
        SubscriptionWish.handleVersion(core.subscription, session, answer.subscriptionVersion)
        moveTo(core, session, answer.mappedAddress)
      } else if (answer._tag === "Challenge") {
        if (cookie === undefined && challenges++ < challengesMax) {
          send(core, session, memory, answeredAtMs, out, answer.cookie)
        }
      } else if (answer._tag === "Refused" && isProved && session === core.sessions[0]) {
        // A refusal without proof is as good as no answer: Liveness makes of it what there is to make.
        Liveness.renounce(core.liveness, answeredAtMs)
        Queue.offerUnsafe(core.handovers, { _tag: "RelayLost", session })
      }
    }
  })
}

const moveTo = (core: CallCore.CallCore, session: Session.Session, mappedAddress: Uint32Array): void => {
  if (PackedAddress.equals(mappedAddress, 0, session.mappedAddress, 0)) return
  session.mappedAddress = mappedAddress
  BackupPaths.forget(core.backups)
  if (session !== core.sessions[0]) return
  core.connection.publish({ _tag: "Moved", mappedAddress: PackedAddress.format(mappedAddress) })
}
