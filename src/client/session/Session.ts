import { Result } from "effect"
import * as ReplayWindow from "../../access/ReplayWindow.ts"
import * as Leg from "../../media/Leg.ts"
import * as RateNotice from "../../media/RateNotice.ts"
import type { JoinSuccess, ResumeSuccess } from "../../protocol/ControlMessage.ts"
import * as Feedback from "../../protocol/Feedback.ts"
import * as SequenceNumber from "../../protocol/SequenceNumber.ts"
import * as PackedAddress from "../../sockets/PackedAddress.ts"

/** What one relay has granted: the leg to it, and what the next relay needs to take over. */
export interface Session {
  readonly hop: Leg.Leg
  /** What the path to the relay carries, as the relay is told. */
  readonly uplink: RateNotice.RateNotice
  /** Packed address. */
  readonly relay: Uint32Array
  readonly ticket: Uint8Array
  readonly epoch: number
  /** Who may take over, as the relay has said last, the best first; never the relay itself. Packed addresses. */
  otherRelays: ReadonlyArray<Uint32Array>
  /** Counters of the relay's directives. */
  readonly directives: ReplayWindow.ReplayWindow
  /** As the relay sees this device. */
  mappedAddress: Uint32Array
  lastControlAtMs: number
  readonly grantedAtMs: number
  /** Media packets that the relay has given a number, whether they arrived or not. */
  packetsExpected: number
}

export const make = (options: {
  readonly granted: JoinSuccess | ResumeSuccess
  readonly relay: Uint32Array
  /** Chosen by this device. */
  readonly receiveTag: number
  readonly repair: boolean
  readonly startBps?: number | undefined
  readonly nowMs: number
}): Session => {
  const { granted, nowMs, receiveTag, relay, repair, startBps } = options
  const { epoch, legTag, mappedAddress, ticket } = granted
  const hop = Leg.make({ receiveTag, sendTag: legTag, epoch, address: relay, repair, startBps })
  const uplink = RateNotice.make(Feedback.uplinkSsrc)
  hop.rateNotices = [uplink]
  return {
    hop,
    uplink,
    relay,
    ticket,
    epoch,
    otherRelays: othersThan(relay, parseRelays(granted.relays)),
    directives: ReplayWindow.make(),
    mappedAddress,
    lastControlAtMs: nowMs,
    grantedAtMs: nowMs,
    packetsExpected: 0
  }
}

/** Relays that this device cannot read are not for it. */
export const parseRelays = (relays: ReadonlyArray<string>): ReadonlyArray<Uint32Array> =>
  relays.flatMap((relay) => {
    const parsed = PackedAddress.parse(relay)
    return Result.isSuccess(parsed) ? [parsed.success] : []
  })

export const othersThan = (relay: Uint32Array, relays: ReadonlyArray<Uint32Array>): ReadonlyArray<Uint32Array> =>
  relays.filter((other) => !PackedAddress.equals(other, 0, relay, 0))

/** What a relay says anew replaces what it has said; one that says nothing leaves it as it is. */
export const handleRelays = (self: Session, relays: ReadonlyArray<string>): void => {
  if (relays.length > 0) self.otherRelays = othersThan(self.relay, parseRelays(relays))
}

export const lastHeardAtMs = ({ hop, lastControlAtMs }: Session): number =>
  Math.max(hop.receive.lastFrameAtMs, lastControlAtMs)

export const lastMediaAtMs = ({ hop }: Session): number => Math.max(hop.receive.lastMediaAtMs, hop.send.lastMediaAtMs)

/** To be called after each frame with the highest repair sequence that was known before it. */
export const countExpected = (self: Session, highestBefore: number): void => {
  const ahead = SequenceNumber.distance(highestBefore, self.hop.receive.nacks.highest)
  if (ahead > 0) self.packetsExpected += ahead
}
