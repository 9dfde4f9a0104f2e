import { Result, type Types } from "effect"
import { malformed, type MalformedPacket } from "./MalformedPacket.ts"
import { datagramBytesMax, messageKinds, type MethodName, methods } from "./MessageKinds.ts"
import * as MessageLayout from "./MessageLayout.ts"
import * as Stun from "./Stun.ts"

/** Why a request was not granted. docs/protocol.md says what a device does about each. */
export const refusalCodes = {
  tryAlternate: 300,
  malformed: 400,
  notAuthentic: 401,
  forbidden: 403,
  ssrcTaken: 409,
  cookieNeeded: 438,
  tokenExpired: 440,
  ticketInvalid: 441,
  unknownCall: 481,
  callFull: 486,
  busy: 503
} as const

type Kinds = typeof messageKinds
type MessageOf<Tag extends keyof Kinds> = Types.Simplify<
  {
    readonly _tag: Tag
    /** 12 bytes. An answer has its request's. */
    readonly transactionId: Uint8Array
  } & (Kinds[Tag]["method"] extends MethodName ? unknown : { readonly method: MethodName }) &
    MessageLayout.ValuesOf<Kinds[Tag]["layout"]>
>

export type BindingRequest = MessageOf<"BindingRequest">
export type BindingSuccess = MessageOf<"BindingSuccess">
export type JoinRequest = MessageOf<"JoinRequest">
export type JoinSuccess = MessageOf<"JoinSuccess">
export type ResumeRequest = MessageOf<"ResumeRequest">
export type ResumeSuccess = MessageOf<"ResumeSuccess">
export type PingRequest = MessageOf<"PingRequest">
export type PingSuccess = MessageOf<"PingSuccess">
export type SubscribeRequest = MessageOf<"SubscribeRequest">
export type SubscribeSuccess = MessageOf<"SubscribeSuccess">
export type LeaveRequest = MessageOf<"LeaveRequest">
export type LeaveSuccess = MessageOf<"LeaveSuccess">
export type RosterDirective = MessageOf<"RosterDirective">
export type GoingAwayDirective = MessageOf<"GoingAwayDirective">
export type RelaysDirective = MessageOf<"RelaysDirective">
export type VideoDirective = MessageOf<"VideoDirective">
export type ExtrasDirective = MessageOf<"ExtrasDirective">
export type DirectiveSuccess = MessageOf<"DirectiveSuccess">
export type TrunkRequest = MessageOf<"TrunkRequest">
export type TrunkSuccess = MessageOf<"TrunkSuccess">
export type RelocateRequest = MessageOf<"RelocateRequest">
export type RelocateSuccess = MessageOf<"RelocateSuccess">
export type Challenge = MessageOf<"Challenge">
export type Refused = MessageOf<"Refused">
export type ControlMessage = { readonly [Tag in keyof Kinds]: MessageOf<Tag> }[keyof Kinds]

const kinds = Object.entries(messageKinds).map(([tag, kind]) => {
  const fields = MessageLayout.fieldsOf(kind.layout)
  const required = fields.filter(([, { presence }]) => presence === "required")
  return {
    tag,
    class: kind.class,
    method: kind.method,
    fields,
    requiredTypes: required.map(([, { attribute }]) => attribute.type)
  }
})
type Kind = (typeof kinds)[number]

const fieldsOfTag = new Map<string, MessageLayout.Fields>(kinds.map(({ fields, tag }) => [tag, fields]))

/** By the number of their method, and by their class. Those that are of any method are of every one. */
const kindsOfMethod = new Map(
  Object.entries(methods).map(([name, method]) => {
    const ofMethod = kinds.filter((kind) => kind.method === undefined || kind.method === name)
    return [
      method as number,
      { name: name as MethodName, ofClass: Map.groupBy(ofMethod, (kind): Stun.MessageClass => kind.class) }
    ]
  })
)

/** MESSAGE-INTEGRITY-SHA256 and FINGERPRINT, which `encode` leaves to others. Bytes. */
export const trailerBytes = Stun.attributeBytes(Stun.integritySha256Bytes) + Stun.attributeBytes(Stun.fingerprintBytes)

/**
 * The message without its MESSAGE-INTEGRITY-SHA256 and FINGERPRINT. Who sends it appends both, or for a challenge and a
 * refusal without a key only `Stun.appendFingerprint`. A message that with them is longer than `datagramBytesMax` is a
 * mistake of the caller: a defect.
 */
export const encode = (message: ControlMessage): Uint8Array => {
  const kind = messageKinds[message._tag]
  const method = "method" in message ? message.method : messageKinds[message._tag].method
  const header = { class: kind.class, method: methods[method], transactionId: message.transactionId }
  const bytes = Stun.encode(
    header,
    MessageLayout.encode(fieldsOfTag.get(message._tag)!, message, message.transactionId)
  )
  if (bytes.length + trailerBytes <= datagramBytesMax) return bytes
  throw new RangeError(`a ${message._tag} of ${bytes.length} bytes does not fit into a datagram: split or shorten it`)
}

/** A message, and where the attribute lies that proves it. Nobody has looked at the proof yet. */
export interface Decoded {
  readonly message: ControlMessage
  /** There is one in every message of ours but errors, where it may be missing. */
  readonly integrity: Stun.IntegrityLocation | undefined
}

const unknownMethod = malformed("Control", "UnknownMethod")
const unknownAttribute = malformed("Control", "UnknownAttribute")
const missingAttribute = malformed("Control", "MissingAttribute")
const malformedAttribute = malformed("Control", "MalformedAttribute")

/** Attributes below this must be understood. RFC 8489 §14. */
const optionalTypeMin = 0x8000
/** RFC 8489 §18.3: understood, and of no use here. */
const standardTypes = {
  mappedAddress: 0x0001,
  username: 0x0006,
  unknownAttributes: 0x000a,
  realm: 0x0014,
  nonce: 0x0015,
  passwordAlgorithm: 0x001d,
  userHash: 0x001e
}

const knownTypes = new Set<number>([
  Stun.integritySha1Type,
  Stun.integritySha256Type,
  ...Object.values(standardTypes),
  ...kinds.flatMap(({ fields }) => fields.map(([, { attribute }]) => attribute.type))
])

const hasAll = (attributes: ReadonlyArray<Stun.StunAttribute>, { requiredTypes }: Kind): boolean => {
  for (const wanted of requiredTypes) if (!attributes.some(({ type }) => type === wanted)) return false
  return true
}

/**
 * One datagram as a message. Copies what it returns. Fails for what is not ours, and for every message of ours that has
 * no FINGERPRINT, or no whole MESSAGE-INTEGRITY-SHA256 (errors may go without). Whether the integrity is right is not
 * known here: whoever has the key must verify it before anything is believed.
 */
export const decode = (bytes: Uint8Array): Result.Result<Decoded, MalformedPacket> => {
  const framed = Stun.decode(bytes)
  if (Result.isFailure(framed)) return Result.fail(framed.failure)
  const stun = framed.success
  const ofMethod = kindsOfMethod.get(stun.method)
  const candidates = ofMethod?.ofClass.get(stun.class)
  if (ofMethod === undefined || candidates === undefined) return unknownMethod

  const { attributes } = stun
  for (const { type } of attributes) if (type < optionalTypeMin && !knownTypes.has(type)) return unknownAttribute

  const { integritySha256: integrity } = stun
  if (ofMethod.name !== "Binding") {
    if (!stun.hasFingerprint || (integrity === undefined && stun.class !== "error")) return missingAttribute
    if (integrity !== undefined && integrity.valueLength !== Stun.integritySha256Bytes) return malformedAttribute
  }

  const kind = candidates.find((candidate) => hasAll(attributes, candidate))
  if (kind === undefined) return missingAttribute
  const { transactionId } = stun
  const values = MessageLayout.decode(kind.fields, bytes, attributes, transactionId)
  if (values === undefined) return malformedAttribute
  const method = kind.method === undefined ? { method: ofMethod.name } : {}
  // The layout that made the values is the one that the message's type is made of.
  const message = { _tag: kind.tag, transactionId, ...method, ...values } as ControlMessage
  return Result.succeed({ message, integrity })
}
