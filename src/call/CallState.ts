import { Schema } from "effect"
import { CallClass } from "../protocol/CallClass.ts"
import { ParticipantId, RelayId } from "../protocol/Ids.ts"
import { StreamDescription } from "../protocol/StreamDescription.ts"
import { KeyId } from "../protocol/TokenClaims.ts"
import * as CallVersion from "./CallVersion.ts"

/** More are refused. A call of this size already has 2,450 pairs of who hears whom. */
export const participantsMax = 50

/** An address as text: "203.0.113.7:3478" or "[2001:db8::1]:3478". */
export const AddressText = Schema.String.check(
  Schema.isPattern(/^(\d{1,3}(\.\d{1,3}){3}|\[[0-9a-f:.]+\]):\d{1,5}$/, {
    description: 'an address like "203.0.113.7:3478"'
  })
)
export type AddressText = typeof AddressText.Type

/** Chosen at random by the receiving side of a leg; every frame on the leg carries it. 32 bits. */
export const LegTag = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0xffffffff }))

/** A relay that has participants of the call, and how other relays bring it the call's media. */
export class RelayPlace extends Schema.Class<RelayPlace>("tandem/call/RelayPlace")({
  id: RelayId,
  /** Where other relays send to. */
  address: AddressText,
  /** Chosen by the relay for this call: frames on its trunks carry it. */
  tag: LegTag
}) {}

/** One device in the call and the leg that it is on. */
export class Participant extends Schema.Class<Participant>("tandem/call/Participant")({
  id: ParticipantId,
  callClass: CallClass,
  relay: RelayId,
  /** Where the relay sends to: the device's address as the relay sees it. */
  address: AddressText,
  /** Chosen by the relay, for frames from the device. Names this leg: a repeated command has the same one. */
  legTag: LegTag,
  /** Chosen by the device, for frames from the relay. */
  deviceLegTag: LegTag,
  /** Grows by one whenever the device comes onto a new leg, by a join or a resume. Never starts twice at the same number. */
  epoch: Schema.Int.check(Schema.isGreaterThan(0)),
  /** How often the leg has gone on at another relay, or at one that had started again. 0 when the device comes onto it. */
  restores: Schema.Int.check(Schema.isGreaterThanOrEqualTo(0)),
  streams: Schema.Array(StreamDescription),
  /** Of its token, from which any relay derives the key that its messages are signed with. */
  keyId: KeyId,
  /** Of its token. Unix time. */
  tokenExpiresAtSeconds: Schema.Int,
  /** Wall clock. Unix ms. */
  joinedAtMs: Schema.Int
}) {}

/** The critical state of a call: what a new owner must know to go on. Saved at every change. */
export class CallState extends Schema.Class<CallState>("tandem/call/CallState")({
  version: CallVersion.CallVersion,
  /** Of all participants, in the order in which their first one came; the first is the call's hub. */
  relays: Schema.Array(RelayPlace),
  /** In the order of joining; at most `participantsMax`, no two with the same id or SSRC. */
  participants: Schema.Array(Participant)
}) {}

/** A call that nobody has joined. */
export const empty = new CallState({ version: CallVersion.none, relays: [], participants: [] })

export const findParticipant = (state: CallState, id: ParticipantId): Participant | undefined =>
  state.participants.find((participant) => participant.id === id)
