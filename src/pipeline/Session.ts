import * as ReplayWindow from "../access/ReplayWindow.ts"
import type { CallId, ParticipantId } from "../protocol/Ids.ts"
import type * as RelayLeg from "./RelayLeg.ts"

/** A participant that this relay serves: its leg, and what its control messages are checked with. */
export interface Session {
  readonly call: CallId
  readonly participant: ParticipantId
  readonly leg: RelayLeg.RelayLeg
  /** Signs the control messages of both sides. 32 bytes. */
  readonly key: Uint8Array
  readonly replay: ReplayWindow.ReplayWindow
  /** Counter of the last directive to the device. */
  lastDirective: number
  lastControlAtMs: number
}

export const make = (
  leg: RelayLeg.RelayLeg,
  key: Uint8Array,
  /** Of the join or resume that made the session. */
  counter: number,
  nowMs: number
): Session => {
  const replay = ReplayWindow.make()
  ReplayWindow.accept(replay, counter)
  return { call: leg.call, participant: leg.participant, leg, key, replay, lastDirective: 0, lastControlAtMs: nowMs }
}

/** When the device was last heard: any frame with the right tag, any message with the right integrity. */
export const lastHeardAtMs = (self: Session): number =>
  Math.max(self.lastControlAtMs, self.leg.hop.receive.lastFrameAtMs)
