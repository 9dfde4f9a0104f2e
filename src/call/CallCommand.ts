import { Schema } from "effect"
import { CallClass } from "../protocol/CallClass.ts"
import { ParticipantId, RelayId } from "../protocol/Ids.ts"
import { StreamDescription } from "../protocol/StreamDescription.ts"
import { AddressText, LegTag } from "./CallState.ts"

/** A device comes in with a token. One that is in already replaces itself: the device has started again. */
export const Join = Schema.Struct({
  id: ParticipantId,
  callClass: CallClass,
  relay: RelayId,
  address: AddressText,
  legTag: LegTag,
  deviceLegTag: LegTag,
  streams: Schema.Array(StreamDescription)
})
export type Join = typeof Join.Type

/** A device goes on at another relay (or the same one), with the ticket of the leg that it had. */
export const Resume = Schema.Struct({
  id: ParticipantId,
  relay: RelayId,
  address: AddressText,
  legTag: LegTag,
  deviceLegTag: LegTag,
  /** The epoch in the ticket. Only the newest ticket resumes. */
  epoch: Schema.Int
})
export type Resume = typeof Resume.Type

/** The device on this leg has another address now, and has proved it. */
export const Move = Schema.Struct({ id: ParticipantId, legTag: LegTag, address: AddressText })
export type Move = typeof Move.Type

/** The device on this leg has gone. */
export const Leave = Schema.Struct({ id: ParticipantId, legTag: LegTag })
export type Leave = typeof Leave.Type
