import { Schema } from "effect"

/** Longest identifier a control message carries. UTF-8 bytes. */
export const idBytesMax = 64

const utf8Bytes = (text: string): number => new TextEncoder().encode(text).length

const Id = Schema.NonEmptyString.check(
  // Half a surrogate pair becomes U+FFFD on the wire, so that two ids would be one.
  Schema.makeFilter((id: string) => id.isWellFormed() || "an id is well-formed Unicode"),
  // Databases take any character but this one.
  Schema.makeFilter((id: string) => !id.includes("\0") || "an id has no character U+0000"),
  Schema.makeFilter((id: string) => utf8Bytes(id) <= idBytesMax || `an id has at most ${idBytesMax} bytes`)
)

/** One call; also the entity id of its call actor. */
export const CallId = Id.pipe(Schema.brand("CallId"))
export type CallId = typeof CallId.Type

/** One device in a call. */
export const ParticipantId = Id.pipe(Schema.brand("ParticipantId"))
export type ParticipantId = typeof ParticipantId.Type

/** One relay process. */
export const RelayId = Id.pipe(Schema.brand("RelayId"))
export type RelayId = typeof RelayId.Type
