import * as Fields from "./ByteFields.ts"
import * as ByteSlab from "./ByteSlab.ts"
import { type CallId, idBytesMax, type ParticipantId, type RelayId } from "./Ids.ts"
import * as QualityExtra from "./QualityExtra.ts"
import * as StunAddress from "./StunAddress.ts"
import { claimsBytesMax } from "./TokenClaims.ts"

/** One kind of attribute: its number, and what its value is in bytes. docs/protocol.md has the layouts. */
export interface ControlAttribute<A> {
  readonly type: number
  encode(value: A, transactionId: Uint8Array): Uint8Array
  /** `undefined` when the bytes are not such a value. Never throws. */
  decode(bytes: Uint8Array, transactionId: Uint8Array): A | undefined
}

/** Bytes that mean something to their maker only. Copied: the datagram's memory is used again. */
const opaque = (type: number, bytesMin: number, bytesMax: number): ControlAttribute<Uint8Array> => ({
  type,
  encode: (value) => value,
  decode: (bytes) => (bytes.length < bytesMin || bytes.length > bytesMax ? undefined : ByteSlab.copy(bytes))
})

/** A text that is cut to `bytesMax` when it is sent, and refused when it is received longer. */
const text = (type: number, bytesMax: number, rule: RegExp): ControlAttribute<string> => ({
  type,
  encode: (value) => Fields.utf8(value, bytesMax),
  decode: (bytes) => {
    const value = bytes.length <= bytesMax ? Fields.textOf(bytes) : undefined
    return value !== undefined && rule.test(value) ? value : undefined
  }
})

/** A value that is read field by field and has nothing behind it. */
export const ofFields = <A>(
  type: number,
  encode: (value: A) => Uint8Array,
  take: (reader: Fields.FieldReader) => A | undefined
): ControlAttribute<A> => ({
  type,
  encode,
  decode: (bytes) => {
    const reader = Fields.makeReader(bytes)
    const value = take(reader)
    return Fields.isComplete(reader) ? value : undefined
  }
})

const cookieBytesMin = 12
const cookieBytesMax = 24
export const ticketBytesMax = 512
/** Of SOFTWARE and of the reason for an error. Bytes. */
export const textBytesMax = 128
const relayBytesMax = 64

const anyText = /^/
const printableAscii = /^[!-~]+$/

/** XOR-MAPPED-ADDRESS, RFC 8489 §14.2. A packed address. */
export const mappedAddress: ControlAttribute<Uint32Array> = {
  type: 0x0020,
  encode: StunAddress.encode,
  decode: StunAddress.decode
}
/** SOFTWARE, RFC 8489 §14.14. What the sender runs, for the logs of the other side. */
export const software = text(0x8022, textBytesMax, anyText)

/** RFC 8489 §14.8. */
export interface ErrorCode {
  /** 300..699. */
  readonly code: number
  /** One line for people. */
  readonly reason: string
}
/** ERROR-CODE. */
export const errorCode = ofFields<ErrorCode>(
  0x0009,
  ({ code, reason }) =>
    Fields.join(
      Fields.u16(0),
      Fields.u8(Math.floor(code / 100)),
      Fields.u8(code % 100),
      Fields.utf8(reason, textBytesMax)
    ),
  (reader) => {
    Fields.takeU16(reader)
    const hundreds = Fields.takeU8(reader) & 0x07
    const number = Fields.takeU8(reader)
    const reasonBytes = reader.bytes.length - reader.offset
    const reason = Fields.takeText(reader, reasonBytes)
    const isError = hundreds >= 3 && hundreds <= 6 && number <= 99 && reasonBytes <= textBytesMax
    return isError ? { code: hundreds * 100 + number, reason } : undefined
  }
)

/** The bytes of TokenClaims: kept as they are, because the participant's key is derived from them. */
export const token = opaque(0x5a01, 1, claimsBytesMax)
export const cookie = opaque(0x5a02, cookieBytesMin, cookieBytesMax)
/** Never used twice by the same sender in a session. */
export const counter = ofFields(0x5a03, Fields.u64, Fields.takeU64)
/** 32 bits. */
export const legTag = ofFields(0x5a05, Fields.u32, Fields.takeU32)
export const ticket = opaque(0x5a06, 1, ticketBytesMax)
/** 0..255, as in the hop header. */
export const epoch = ofFields(0x5a07, Fields.u32, (reader) => {
  const value = Fields.takeU32(reader)
  return value <= 0xff ? value : undefined
})
/** "203.0.113.7:3478" or "[2001:db8::1]:3478". */
export const relay = text(0x5a08, relayBytesMax, printableAscii)
export const goingAwayInMs = ofFields(0x5a0b, Fields.u32, Fields.takeU32)
export const retryAfterMs = ofFields(0x5a0c, Fields.u32, Fields.takeU32)
/** Unix time. */
export const relayTimeMs = ofFields(0x5a0d, Fields.u64, Fields.takeU64)

/** UTF-8 of 1 to 64 bytes without U+0000: all that the brands say. */
const id = <A extends string>(type: number): ControlAttribute<A> =>
  ofFields(
    type,
    (value) => Fields.utf8(value, idBytesMax),
    (reader) => {
      const length = reader.bytes.length
      const text = Fields.takeText(reader, length)
      return length > 0 && length <= idBytesMax && !text.includes("\0") ? (text as A) : undefined
    }
  )

export const nonceBytes = 16
/** Between relays alone. */
export const relayId = id<RelayId>(0x5a0e)
export const targetRelayId = id<RelayId>(0x5a0f)
/** Chosen anew whenever the sender's numbers on the trunk start anew. */
export const incarnation = ofFields(0x5a10, Fields.u32, Fields.takeU32)
export const nonce = opaque(0x5a11, nonceBytes, nonceBytes)
/** Names the fleet's key that the message is signed under. */
export const keyId = text(0x5a12, idBytesMax, printableAscii)
export const callId = id<CallId>(0x5a13)
export const participantId = id<ParticipantId>(0x5a14)
/** Of a participant's leg, all 31 bits. */
export const legEpoch = ofFields(0x5a15, Fields.u32, Fields.takeU32)
/** How often the leg has gone on at another relay since the device came onto it. */
export const legRestores = ofFields(0x5a16, Fields.u32, Fields.takeU32)

/** Says it by being there: it has no value. */
export const placed: ControlAttribute<true> = {
  type: 0x5a17,
  encode: () => new Uint8Array(),
  decode: (bytes) => (bytes.length === 0 ? true : undefined)
}

/** WITHHELD-EXTRAS. All that is gone without; what is not among them is allowed. */
export const withheldExtras = ofFields<ReadonlyArray<QualityExtra.QualityExtra>>(
  0x5a1c,
  (extras) => Fields.u32(QualityExtra.toBits(extras)),
  (reader) => QualityExtra.fromBits(Fields.takeU32(reader))
)
