import { Result } from "effect"
import { setUint16, setUint32, uint16At, uint32At } from "./ByteFields.ts"
import * as ByteSlab from "./ByteSlab.ts"
import { malformed, type MalformedPacket } from "./MalformedPacket.ts"
import { fingerprint } from "./StunFingerprint.ts"

/** Type, length, magic cookie, transaction id. RFC 8489 §5. */
export const headerBytes = 20
/** RFC 8489 §5. */
export const transactionIdBytes = 12
/** Type and length of an attribute. RFC 8489 §14. */
export const attributeHeaderBytes = 4
const magicCookie = 0x2112a442
const transactionIdOffset = 8

/** MESSAGE-INTEGRITY, HMAC-SHA1. RFC 8489 §14.5. */
export const integritySha1Type = 0x0008
/** MESSAGE-INTEGRITY-SHA256. RFC 8489 §14.6. */
export const integritySha256Type = 0x001c
/** FINGERPRINT. RFC 8489 §14.7. */
export const fingerprintType = 0x8028

const integritySha1Bytes = 20
/** The longest and the shortest MESSAGE-INTEGRITY-SHA256. RFC 8489 §14.6. */
export const integritySha256Bytes = 32
const integritySha256BytesMin = 16
export const fingerprintBytes = 4

const tooShort = malformed("Stun", "TooShort")
const wrongVersion = malformed("Stun", "WrongVersion")
const wrongMagicCookie = malformed("Stun", "WrongMagicCookie")
const lengthMismatch = malformed("Stun", "LengthMismatch")
const wrongFingerprint = malformed("Stun", "WrongFingerprint")
const malformedAttribute = malformed("Stun", "MalformedAttribute")

/** By their two bits, RFC 8489 §5. */
const classes = ["request", "indication", "success", "error"] as const
export type MessageClass = (typeof classes)[number]

export interface StunHeader {
  readonly class: MessageClass
  /** 12 bits. */
  readonly method: number
  /** 12 bytes. */
  readonly transactionId: Uint8Array
}

/** Where an attribute lies in its message. Bytes. */
export interface StunAttribute {
  readonly type: number
  /** Of the value. */
  readonly offset: number
  /** Of the value, without its padding. */
  readonly length: number
}

/** Where an integrity attribute lies in its message: what an HMAC is computed over, and compared with. Bytes. */
export interface IntegrityLocation {
  readonly attributeOffset: number
  readonly valueOffset: number
  readonly valueLength: number
}

export interface StunMessage extends StunHeader {
  /** In their order, without those that RFC 8489 tells to ignore because they follow an integrity attribute. */
  readonly attributes: ReadonlyArray<StunAttribute>
  readonly integritySha1: IntegrityLocation | undefined
  readonly integritySha256: IntegrityLocation | undefined
  /** There was one. That it is right has been checked. */
  readonly hasFingerprint: boolean
}

/** Whether a datagram that begins so is a control message: the first byte is 0..3. RFC 7983. */
export const isControl = (firstByte: number): boolean => firstByte < 4

/** The class bits lie within the method bits: `MMMMM C MMM C MMMM`. RFC 8489 §5. */
const messageType = (header: StunHeader): number => {
  const classBits = classes.indexOf(header.class)
  const { method } = header
  return (
    ((method & 0xf80) << 2) |
    ((method & 0x070) << 1) |
    (method & 0x00f) |
    ((classBits & 2) << 7) |
    ((classBits & 1) << 4)
  )
}
const classOfType = (type: number): MessageClass => classes[((type >> 7) & 2) | ((type >> 4) & 1)]!
const methodOfType = (type: number): number => ((type >> 2) & 0xf80) | ((type >> 1) & 0x070) | (type & 0x00f)

/** Attributes are padded to 32 bits, their length does not say so. RFC 8489 §14. */
const padded = (length: number): number => (length + 3) & ~3

/** How much a message grows with an attribute whose value is this long. */
export const attributeBytes = (valueLength: number): number => attributeHeaderBytes + padded(valueLength)

const integrityLocation = (attribute: StunAttribute): IntegrityLocation => ({
  attributeOffset: attribute.offset - attributeHeaderBytes,
  valueOffset: attribute.offset,
  valueLength: attribute.length
})

const isIntegritySha256Length = (length: number): boolean =>
  length >= integritySha256BytesMin && length <= integritySha256Bytes && length % 4 === 0

/**
 * Finds the parts of a STUN message, RFC 8489 §5, §6.3 and §14. Values stay where they are; integrity is located, not
 * computed. Fails when the datagram is not exactly one message, or has a FINGERPRINT that is wrong or not the last.
 */
export const decode = (bytes: Uint8Array): Result.Result<StunMessage, MalformedPacket> => {
  if (bytes.length < headerBytes) return tooShort
  const type = uint16At(bytes, 0)
  if (type > 0x3fff) return wrongVersion
  if (uint32At(bytes, 4) !== magicCookie) return wrongMagicCookie
  if (bytes.length % 4 !== 0 || uint16At(bytes, 2) !== bytes.length - headerBytes) return lengthMismatch

  const attributes: Array<StunAttribute> = []
  let integritySha1: IntegrityLocation | undefined
  let integritySha256: IntegrityLocation | undefined
  let hasFingerprint = false
  for (let at = headerBytes; at < bytes.length;) {
    const offset = at + attributeHeaderBytes
    const attribute = { type: uint16At(bytes, at), offset, length: uint16At(bytes, at + 2) }
    const next = offset + padded(attribute.length)
    if (next > bytes.length) return malformedAttribute
    if (attribute.type === fingerprintType) {
      if (attribute.length !== fingerprintBytes || next !== bytes.length) return wrongFingerprint
      if (uint32At(bytes, offset) !== fingerprint(bytes, at)) return wrongFingerprint
      hasFingerprint = true
      attributes.push(attribute)
    } else if (integritySha256 === undefined && attribute.type === integritySha256Type) {
      if (!isIntegritySha256Length(attribute.length)) return malformedAttribute
      integritySha256 = integrityLocation(attribute)
      attributes.push(attribute)
    } else if (integritySha256 === undefined && integritySha1 === undefined) {
      if (attribute.type === integritySha1Type) {
        if (attribute.length !== integritySha1Bytes) return malformedAttribute
        integritySha1 = integrityLocation(attribute)
      }
      attributes.push(attribute)
    }
    at = next
  }
  return Result.succeed({
    class: classOfType(type),
    method: methodOfType(type),
    transactionId: new Uint8Array(bytes.subarray(transactionIdOffset, headerBytes)),
    attributes,
    integritySha1,
    integritySha256,
    hasFingerprint
  })
}

/** The header of a message without attributes: a message already. */
export const encodeHeader = (header: StunHeader): Uint8Array => {
  const bytes = ByteSlab.allocate(headerBytes)
  setUint16(bytes, 0, messageType(header))
  setUint32(bytes, 4, magicCookie)
  bytes.set(header.transactionId, transactionIdOffset)
  return bytes
}

/** A new message: `message` and one attribute more, the header's length adjusted. */
export const appendAttribute = (
  message: Uint8Array,
  type: number,
  value: Uint8Array,
  /** RFC 8489 says zero; its predecessors allowed anything, and the samples of RFC 5769 have spaces. */
  paddingByte = 0
): Uint8Array => {
  const offset = message.length + attributeHeaderBytes
  const bytes = ByteSlab.allocate(offset + padded(value.length))
  bytes.set(message)
  bytes.set(value, offset)
  bytes.fill(paddingByte, offset + value.length)
  setUint16(bytes, 2, bytes.length - headerBytes)
  setUint16(bytes, message.length, type)
  setUint16(bytes, message.length + 2, value.length)
  return bytes
}

/** A new message: a header and these attributes, in one piece. */
export const encode = (
  header: StunHeader,
  attributes: ReadonlyArray<{ readonly type: number; readonly value: Uint8Array }>
): Uint8Array => {
  const bytes = ByteSlab.allocate(
    attributes.reduce((sum, { value }) => sum + attributeBytes(value.length), headerBytes)
  )
  setUint16(bytes, 0, messageType(header))
  setUint16(bytes, 2, bytes.length - headerBytes)
  setUint32(bytes, 4, magicCookie)
  bytes.set(header.transactionId, transactionIdOffset)
  let at = headerBytes
  for (const { type, value } of attributes) {
    setUint16(bytes, at, type)
    setUint16(bytes, at + 2, value.length)
    bytes.set(value, at + attributeHeaderBytes)
    at += attributeBytes(value.length)
  }
  return bytes
}

/** A new message: `message` and its FINGERPRINT, after which nothing may follow. RFC 8489 §14.7. */
export const appendFingerprint = (message: Uint8Array): Uint8Array => {
  const bytes = appendAttribute(message, fingerprintType, new Uint8Array(fingerprintBytes))
  setUint32(bytes, bytes.length - fingerprintBytes, fingerprint(bytes, message.length))
  return bytes
}

/**
 * A new message, in one piece: `message`, MESSAGE-INTEGRITY-SHA256 as `prove` makes it of what it is given, and FINGERPRINT. That
 * is the same as to append both, for a relay that signs thousands a second.
 */
export const appendTrailer = (message: Uint8Array, prove: (input: Uint8Array) => Uint8Array): Uint8Array => {
  const proofAt = message.length + attributeHeaderBytes
  const fingerprintAt = proofAt + integritySha256Bytes
  const bytes = ByteSlab.allocate(fingerprintAt + attributeHeaderBytes + fingerprintBytes)
  bytes.set(message)
  setUint16(bytes, 2, fingerprintAt - headerBytes)
  bytes.set(prove(bytes.subarray(0, message.length)), proofAt)
  setUint16(bytes, message.length, integritySha256Type)
  setUint16(bytes, message.length + 2, integritySha256Bytes)
  setUint16(bytes, fingerprintAt, fingerprintType)
  setUint16(bytes, fingerprintAt + 2, fingerprintBytes)
  setUint16(bytes, 2, bytes.length - headerBytes)
  setUint32(bytes, fingerprintAt + attributeHeaderBytes, fingerprint(bytes, fingerprintAt))
  return bytes
}

/** All of our own messages fit. */
const proved = new Uint8Array(2048)

/**
 * What the HMAC of an integrity attribute goes over, RFC 8489 §14.5 and §14.6: everything before the attribute, with a
 * header length as if the message ended with it. To sign, `attributeOffset` is the length of the message so far; to
 * verify, it and the length come from the attribute's `IntegrityLocation`. In memory that is used again for the next.
 */
export const integrityInput = (
  message: Uint8Array,
  attributeOffset: number,
  valueLength: number = integritySha256Bytes
): Uint8Array => {
  const bytes = attributeOffset > proved.length ? new Uint8Array(attributeOffset) : proved.subarray(0, attributeOffset)
  bytes.set(message.subarray(0, attributeOffset))
  setUint16(bytes, 2, attributeOffset - headerBytes + attributeHeaderBytes + valueLength)
  return bytes
}
