import * as PackedAddress from "../../sockets/PackedAddress.ts"
import * as PacketBatch from "../../sockets/PacketBatch.ts"
import type { PacketMemory } from "../../sockets/PacketMemory.ts"
import * as BackupPaths from "./BackupPaths.ts"
import * as CallCore from "./CallCore.ts"
import * as MoveLimit from "./MoveLimit.ts"
import * as Session from "./Session.ts"
import * as Transactions from "./Transactions.ts"

/** Answers later than this are of no use. Milliseconds. */
const answerWithinMs = 3000

/**
 * Asks the relays that have no session of this device: the first backup, so that the path to it is known to be open, and
 * the one that has been left, whether that was right.
 */
export const poll = (
  core: CallCore.CallCore,
  session: Session.Session,
  memory: PacketMemory,
  nowMs: number,
  out: PacketBatch.SendBatch
): void => {
  const backup = BackupPaths.poll(core.backups, session.otherRelays, nowMs)
  if (backup !== undefined) send(core, backup, memory, nowMs, out)
  const { left, moves } = core
  if (left === undefined) return
  if (Session.lastHeardAtMs(left.session) > left.heardAtMs) {
    MoveLimit.handleFalseMove(moves, nowMs)
    core.left = undefined
  } else if (nowMs - moves.lastMoveAtMs >= CallCore.overlapMs) {
    core.left = undefined
  } else if (nowMs - left.lastAskedAtMs >= BackupPaths.answerMs) {
    left.lastAskedAtMs = nowMs
    send(core, left.session.relay, memory, nowMs, out)
  }
}

/** A Ping of no session: whatever relay gets it answers with a challenge. */
const send = (
  core: CallCore.CallCore,
  relay: Uint32Array,
  memory: PacketMemory,
  nowMs: number,
  out: PacketBatch.SendBatch
): void => {
  const transactionId = Transactions.newId(core.secureBytes)
  const counter = Transactions.nextCounter(core.transactions)
  const ping = CallCore.sign(core, { _tag: "PingRequest", transactionId, counter })
  if (!PacketBatch.addBytes(out, memory, ping, relay, 0)) return
  Transactions.add(core.transactions, transactionId, {
    method: "Ping",
    relay,
    expiresAtMs: nowMs + answerWithinMs,
    handle: (answer, _isProved, answeredAtMs) => {
      if (answer._tag !== "Challenge") return
      BackupPaths.handleCookie(core.backups, relay, answer.cookie, answeredAtMs)
      const { left } = core
      if (left !== undefined && PackedAddress.equals(left.session.relay, 0, relay, 0)) {
        left.session.lastControlAtMs = answeredAtMs
      }
    }
  })
}
