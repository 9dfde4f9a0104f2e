import { Queue, Result } from "effect"
import * as MessageIntegrity from "../../access/MessageIntegrity.ts"
import * as ReplayWindow from "../../access/ReplayWindow.ts"
import * as ControlMessage from "../../protocol/ControlMessage.ts"
import * as PackedAddress from "../../sockets/PackedAddress.ts"
import * as PacketBatch from "../../sockets/PacketBatch.ts"
import type { PacketMemory } from "../../sockets/PacketMemory.ts"
import * as ReceivingStreams from "../streams/ReceivingStreams.ts"
import * as CallCore from "./CallCore.ts"
import * as RosterCollector from "./RosterCollector.ts"
import * as Session from "./Session.ts"
import * as Transactions from "./Transactions.ts"
import * as VideoSending from "./VideoSending.ts"
import * as WithheldExtras from "./WithheldExtras.ts"

type Directive =
  | ControlMessage.RosterDirective
  | ControlMessage.RelaysDirective
  | ControlMessage.VideoDirective
  | ControlMessage.ExtrasDirective
  | ControlMessage.GoingAwayDirective

/** Where a control datagram lies, and who has sent it. */
export interface ControlDatagram {
  readonly bytes: Uint8Array
  /** Packed address. */
  readonly source: Uint32Array
}

/**
 * Takes in one control datagram: an answer to a request of ours, or a directive of the relay. What has to be sent at once
 * goes into the batch.
 */
export const handle = (
  core: CallCore.CallCore,
  datagram: ControlDatagram,
  memory: PacketMemory,
  nowMs: number,
  out: PacketBatch.SendBatch
): void => {
  const decoded = ControlMessage.decode(datagram.bytes)
  if (Result.isFailure(decoded)) {
    core.drops.malformed++
    return
  }
  const { integrity, message } = decoded.success
  const isProved =
    integrity !== undefined && MessageIntegrity.verify(datagram.bytes, integrity, core.settings.token.key)
  switch (message._tag) {
    case "JoinSuccess":
    case "ResumeSuccess":
    case "PingSuccess":
    case "SubscribeSuccess":
    case "LeaveSuccess":
    case "Challenge":
    case "Refused":
      // A proof that is wrong is worse than none.
      if (!isProved && (integrity !== undefined || !Transactions.mayBeUnsigned(message))) break
      return handleAnswer(core, message, isProved, datagram.source, nowMs, out)
    case "RosterDirective":
    case "RelaysDirective":
    case "VideoDirective":
    case "ExtrasDirective":
    case "GoingAwayDirective":
      if (!isProved) break
      return handleDirective(core, message, memory, nowMs, out)
    default:
      core.drops.unexpected++
      return
  }
  core.drops.unauthenticated++
}

const handleAnswer = (
  core: CallCore.CallCore,
  answer: Transactions.Answer,
  isProved: boolean,
  source: Uint32Array,
  nowMs: number,
  out: PacketBatch.SendBatch
): void => {
  const transaction = Transactions.find(core.transactions, answer, source)
  if (transaction === undefined) {
    core.drops.unexpected++
    return
  }
  if (isProved) {
    Transactions.remove(core.transactions, answer.transactionId)
    const session = core.sessions.find(({ relay }) => PackedAddress.equals(relay, 0, source, 0))
    if (session !== undefined) session.lastControlAtMs = nowMs
  }
  transaction.handle(answer, isProved, nowMs, out)
}

/**
 * Answered always, because the relay repeats what it has no answer to; obeyed once, and only then a sign of life: whoever
 * has captured it can replay it. One of a session that is over has been replayed, or is late: nobody waits for its answer.
 */
const handleDirective = (
  core: CallCore.CallCore,
  directive: Directive,
  memory: PacketMemory,
  nowMs: number,
  out: PacketBatch.SendBatch
): void => {
  const session = core.sessions.find(({ hop }) => hop.receive.legTag === directive.legTag)
  if (session === undefined) {
    core.drops.unknownLegTag++
    return
  }
  const { counter, transactionId } = directive
  const isNew = ReplayWindow.accept(session.directives, counter)
  if (isNew) session.lastControlAtMs = nowMs
  const success = CallCore.sign(core, { _tag: "DirectiveSuccess", transactionId, counter })
  PacketBatch.addBytes(out, memory, success, session.relay, 0)
  // What a relay says that has been left behind does not count any more.
  if (session !== core.sessions[0]) return
  // A roster needs no window: its version says whether it is new, and its pages may come far apart.
  if (directive._tag === "RosterDirective") takeRosterPage(core, directive, nowMs)
  else if (isNew && directive._tag === "RelaysDirective") Session.handleRelays(session, directive.relays)
  else if (isNew && directive._tag === "VideoDirective") takeAllocation(core, session, directive)
  else if (isNew && directive._tag === "ExtrasDirective") goWithout(core, directive)
  else if (isNew && directive._tag === "GoingAwayDirective") makeWay(core, session, directive)
}

const takeRosterPage = (core: CallCore.CallCore, directive: ControlMessage.RosterDirective, nowMs: number): void => {
  const roster = RosterCollector.handlePage(core.rosterPages, directive)
  if (roster === undefined) return
  ReceivingStreams.applyRoster(core.receiving, roster, nowMs)
  CallCore.linkKeyFrames(core)
  core.roster.publish(roster)
}

/** What is not said of our video streams is not for us. */
const takeAllocation = (
  core: CallCore.CallCore,
  session: Session.Session,
  { allocation: { streams, version } }: ControlMessage.VideoDirective
): void => {
  const ours = streams.filter(({ ssrc }) =>
    core.sending.some(({ stream }) => stream.ssrc === ssrc && stream.kind === "video")
  )
  const switched = VideoSending.handleAllocation(core.videoSending, session, { version, streams: ours })
  if (switched !== undefined) CallCore.publishAllocation(core, switched)
}

const goWithout = (core: CallCore.CallCore, { counter, withheld }: ControlMessage.ExtrasDirective): void => {
  if (WithheldExtras.handleDirective(core.withheld, counter, withheld)) CallCore.publishWithheld(core)
}

const makeWay = (
  core: CallCore.CallCore,
  session: Session.Session,
  { inMs, relays }: ControlMessage.GoingAwayDirective
): void => {
  core.connection.publish({ _tag: "GoingAway", inMs })
  Queue.offerUnsafe(core.handovers, { _tag: "RelayGoesAway", session, inMs, relays: Session.parseRelays(relays) })
}
