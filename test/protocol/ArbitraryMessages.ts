import { Arbitrary, Schema } from "effect"
import * as Crypto from "node:crypto"
import * as Attribute from "../../src/protocol/ControlAttribute.ts"
import type { ControlMessage } from "../../src/protocol/ControlMessage.ts"
import { CallId, idBytesMax, ParticipantId, RelayId } from "../../src/protocol/Ids.ts"
import { messageKinds, methods } from "../../src/protocol/MessageKinds.ts"
import type { Field, MessageLayout } from "../../src/protocol/MessageLayout.ts"
import { QualityExtra } from "../../src/protocol/QualityExtra.ts"
import * as Roster from "../../src/protocol/RosterAttribute.ts"
import { StreamDescription } from "../../src/protocol/StreamDescription.ts"
import * as Stun from "../../src/protocol/Stun.ts"
import * as Subscription from "../../src/protocol/SubscriptionAttribute.ts"
import * as Video from "../../src/protocol/VideoAttribute.ts"
import { TokenClaims } from "../../src/protocol/TokenClaims.ts"

/** Made-up messages of every kind, and what makes them whole. */

/** What is sent: `unsigned` with MESSAGE-INTEGRITY-SHA256 (when there is a key) and FINGERPRINT. */
export const finish = (unsigned: Uint8Array, key: Uint8Array | undefined): Uint8Array => {
  if (key === undefined) return Stun.appendFingerprint(unsigned)
  const mac = Crypto.createHmac("sha256", key).update(Stun.integrityInput(unsigned, unsigned.length)).digest()
  return Stun.appendFingerprint(Stun.appendAttribute(unsigned, Stun.integritySha256Type, mac))
}

const integer = (minimum: number, maximum: number) =>
  Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum, maximum })))

export const bytes = (minLength: number, maxLength: number): Arbitrary.Arbitrary<Uint8Array> =>
  Arbitrary.map(Arbitrary.array(integer(0, 0xff), { minLength, maxLength }), (values) => Uint8Array.from(values))

const words = (length: number) => Arbitrary.array(integer(0, 0xffffffff), { minLength: length, maxLength: length })

const isUtf8Within = (bytesMax: number) => (text: string) =>
  text.isWellFormed() && new TextEncoder().encode(text).length <= bytesMax

const text = (bytesMax: number) => Arbitrary.filter(Arbitrary.schema(Schema.String), isUtf8Within(bytesMax))

const ipv4 = Arbitrary.map(Arbitrary.all([integer(0, 0xffff), integer(0, 0xffffffff)]), ([port, word]) =>
  Uint32Array.of(port, 0, 0, 0xffff, word)
)
const ipv6 = Arbitrary.map(Arbitrary.all([integer(0, 0xffff), words(4)]), ([port, address]) =>
  Uint32Array.of(port, ...address)
)
const boolean = Arbitrary.schema(Schema.Boolean)
export const packedAddress = Arbitrary.flatMap(boolean, (isIpv4) => (isIpv4 ? ipv4 : ipv6))

const participant = Arbitrary.filter(Arbitrary.schema(ParticipantId), isUtf8Within(idBytesMax))
const relay = Arbitrary.filter(Arbitrary.schema(RelayId), isUtf8Within(idBytesMax))
const call = Arbitrary.filter(Arbitrary.schema(CallId), isUtf8Within(idBytesMax))

export const claims: Arbitrary.Arbitrary<TokenClaims> = Arbitrary.all({
  call,
  participant,
  keyId: Arbitrary.schema(TokenClaims.fields.keyId),
  callClass: Arbitrary.schema(TokenClaims.fields.callClass),
  expiresAtSeconds: Arbitrary.schema(TokenClaims.fields.expiresAtSeconds)
})

const streams = Arbitrary.array(Arbitrary.schema(StreamDescription), { maxLength: 4 })
export const rosterEntry: Arbitrary.Arbitrary<Roster.RosterEntry> = Arbitrary.all({ participant, streams })

const rosterPage = Arbitrary.map(
  Arbitrary.all([integer(0, 0xffffffff), integer(0, 0xfe), integer(0, 0xfe)]),
  ([version, a, b]) => ({ version, page: Math.min(a, b), pages: Math.max(a, b) + 1 })
)
const u32 = integer(0, 0xffffffff)
const u64 = integer(0, Number.MAX_SAFE_INTEGER)

const subscriptionEntry: Arbitrary.Arbitrary<Subscription.SubscriptionEntry> = Arbitrary.all({
  ssrc: u32,
  place: Arbitrary.schema(Schema.Literals(Subscription.places)),
  heightPx: integer(0, 0xffff)
})
const wanted = Arbitrary.flatMap(boolean, (isEverything): Arbitrary.Arbitrary<Subscription.Wanted> =>
  isEverything ? Arbitrary.Constant("everything") : Arbitrary.array(subscriptionEntry, { maxLength: 8 })
)
/** Some SSRC may be there twice. */
export const subscription: Arbitrary.Arbitrary<Subscription.Subscription> = Arbitrary.all({ version: u32, wanted })

const allocation: Arbitrary.Arbitrary<Video.VideoAllocation> = Arbitrary.all({
  version: u32,
  streams: Arbitrary.array(Arbitrary.all({ ssrc: u32, rateBps: u32 }), { maxLength: Roster.streamsMax })
})

/** Any set of them, in their order. */
const extras: Arbitrary.Arbitrary<ReadonlyArray<QualityExtra>> = Arbitrary.map(
  Arbitrary.array(Arbitrary.schema(QualityExtra)),
  (drawn) => QualityExtra.literals.filter((extra) => drawn.includes(extra))
)

const values = new Map<number, Arbitrary.Arbitrary<unknown>>([
  [Attribute.mappedAddress.type, packedAddress],
  [Attribute.software.type, text(Attribute.textBytesMax)],
  [Attribute.errorCode.type, Arbitrary.all({ code: integer(300, 699), reason: text(Attribute.textBytesMax) })],
  [Attribute.token.type, bytes(1, 60)],
  [Attribute.cookie.type, bytes(12, 24)],
  [Attribute.counter.type, u64],
  [Attribute.legTag.type, u32],
  [Attribute.ticket.type, bytes(1, 60)],
  [Attribute.epoch.type, integer(0, 0xff)],
  [Attribute.relay.type, Arbitrary.schema(Schema.String.check(Schema.isPattern(/^[!-~]{1,64}$/)))],
  [Attribute.goingAwayInMs.type, u32],
  [Attribute.retryAfterMs.type, u32],
  [Attribute.relayTimeMs.type, u64],
  [Attribute.relayId.type, relay],
  [Attribute.targetRelayId.type, relay],
  [Attribute.incarnation.type, u32],
  [Attribute.nonce.type, bytes(Attribute.nonceBytes, Attribute.nonceBytes)],
  [Attribute.keyId.type, Arbitrary.schema(TokenClaims.fields.keyId)],
  [Attribute.callId.type, call],
  [Attribute.participantId.type, participant],
  [Attribute.legEpoch.type, u32],
  [Attribute.legRestores.type, u32],
  [Attribute.placed.type, Arbitrary.Constant(true)],
  [Attribute.withheldExtras.type, extras],
  [Subscription.subscription.type, subscription],
  [Subscription.subscriptionVersion.type, u32],
  [Video.videoAllocation.type, allocation],
  [Roster.stream.type, Arbitrary.schema(StreamDescription)],
  [Roster.rosterPage.type, rosterPage],
  [Roster.rosterEntry.type, rosterEntry]
])

const valueOf = (field: Field): Arbitrary.Arbitrary<unknown> => {
  const value = values.get(field.attribute.type)!
  if (field.presence === "repeated") return Arbitrary.array(value, { maxLength: Math.min(field.countMax, 4) })
  if (field.presence === "required") return value
  return Arbitrary.flatMap(boolean, (isThere) => (isThere ? value : Arbitrary.Constant(undefined)))
}

const methodName = Arbitrary.schema(Schema.Literals(Object.keys(methods) as Array<keyof typeof methods>))

/** Messages of one kind, whatever its layout allows. */
export const messages = (tag: keyof typeof messageKinds): Arbitrary.Arbitrary<ControlMessage> => {
  const kind = messageKinds[tag]
  const layout: MessageLayout = kind.layout
  const fields = Object.entries(layout).map(([name, field]) => [name, valueOf(field)] as const)
  return Arbitrary.map(
    Arbitrary.all({
      _tag: Arbitrary.Constant(tag),
      transactionId: bytes(12, 12),
      method: kind.method === undefined ? methodName : Arbitrary.Constant(undefined),
      ...Object.fromEntries(fields)
    }),
    (message) =>
      Object.fromEntries(
        Object.entries(message).filter(([, value]) => value !== undefined)
      ) as unknown as ControlMessage
  )
}

export const messageTags = Object.keys(messageKinds) as ReadonlyArray<keyof typeof messageKinds>
