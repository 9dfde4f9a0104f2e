import { Schema } from "effect"
import { CallClass } from "../protocol/CallClass.ts"
import { ParticipantId, RelayId } from "../protocol/Ids.ts"
import { StreamDescription } from "../protocol/StreamDescription.ts"
import { KeyId } from "../protocol/TokenClaims.ts"
import { AddressText, LegTag, RelayPlace } from "./CallState.ts"

/** A device comes in with a token. One that is in already replaces itself: the device has started again. */
export const Join = Schema.Struct({
  id: ParticipantId,
  callClass: CallClass,
  keyId: KeyId,
  tokenExpiresAtSeconds: Schema.Int,
  relay: RelayPlace,
  address: AddressText,
  legTag: LegTag,
  deviceLegTag: LegTag,
  streams: Schema.Array(StreamDescription)
})
export type Join = typeof Join.Type

/** A device goes on at another relay (or the same one), with the ticket of the leg that it had. */
export const Resume = Schema.Struct({
  id: ParticipantId,
  relay: RelayPlace,
  address: AddressText,
  legTag: LegTag,
  deviceLegTag: LegTag,
  /** The epoch in the ticket. Only the newest ticket resumes. */
  epoch: Schema.Int
})
export type Resume = typeof Resume.Type

/**
 * A relay goes on with a leg that no relay serves any more: its own has died, or has started again. The device has done
 * nothing, and what it knows of the leg stays as it is.
 */
export const Restore = Schema.Struct({
  id: ParticipantId,
  relay: RelayPlace,
  legTag: LegTag,
  /** As the state has them that the relay goes by. Only the newest is restored. */
  epoch: Schema.Int,
  restores: Schema.Int
})
export type Restore = typeof Restore.Type

/** The device on this leg has another address now, and has proved it. */
export const Move = Schema.Struct({ id: ParticipantId, legTag: LegTag, address: AddressText })
export type Move = typeof Move.Type

/** The device on this leg has gone. */
export const Leave = Schema.Struct({
  id: ParticipantId,
  legTag: LegTag,
  /** Of the leg as the relay knew it: one that has gone on elsewhere since has not been left. */
  restores: Schema.Int
})
export type Leave = typeof Leave.Type

/** No relay serves these legs any more: their devices have died with their relay, or have given up. */
export const Expire = Schema.Struct({ legTags: Schema.Array(LegTag) })
export type Expire = typeof Expire.Type

/** Others hear nothing from this relay: it must not be the hub, as long as there is another. */
export const Suspect = Schema.Struct({ relay: RelayId })
export type Suspect = typeof Suspect.Type
