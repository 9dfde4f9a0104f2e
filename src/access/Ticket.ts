import { Result, Schema } from "effect"
import { createCipheriv, createDecipheriv } from "node:crypto"
import * as Fields from "../protocol/ByteFields.ts"
import { idBytesMax } from "../protocol/Ids.ts"
import * as TokenClaims from "../protocol/TokenClaims.ts"
import { isExpired } from "./ClockSkew.ts"
import * as KeyRing from "./KeyRing.ts"

/** What a device carries sealed, so that any relay of the fleet can go on with it. */
export interface Ticket {
  readonly claims: TokenClaims.TokenClaims
  /** As the device's token has them: the participant's key is derived from these bytes. */
  readonly claimsBytes: Uint8Array
  /** The participant's, when the ticket was given. 32 bits. */
  readonly epoch: number
  /** Unix time. */
  readonly expiresAtSeconds: number
}

/** Not sealed by this fleet, changed on the way, or too old: the device has to join with a token. */
export class TicketNotValid extends Schema.TaggedError<TicketNotValid>()("TicketNotValid", {
  reason: Schema.Literals(["Malformed", "UnknownKey", "Forged", "Expired"])
}) {
  override get message(): string {
    return "the ticket is not valid: join with a token"
  }
}

/** AES-256-GCM with the nonce of 96 bits that NIST SP 800-38D §8.2 recommends, and the longest tag. Bytes. */
export const nonceBytes = 12
const tagBytes = 16
const algorithm = "aes-256-gcm"

const version = 1

const notValid = (reason: TicketNotValid["reason"]): Result.Result<never, TicketNotValid> =>
  Result.fail(new TicketNotValid({ reason }))
const malformed = notValid("Malformed")
const unknownKey = notValid("UnknownKey")
const forged = notValid("Forged")
const expired = notValid("Expired")

/**
 * Version, key id, nonce, ciphertext, tag; version and key id are authenticated too. The nonce is random, and new for
 * every ticket: a fleet key seals at most 2^32 (NIST SP 800-38D §8.3).
 */
export const seal = (ring: KeyRing.KeyRing, ticket: Omit<Ticket, "claims">, nonce: Uint8Array): Uint8Array => {
  const key = KeyRing.newest(ring)
  const head = Fields.join(Fields.u8(version), Fields.prefixed(key.id, idBytesMax))
  const plain = Fields.join(Fields.u32(ticket.epoch), Fields.u64(ticket.expiresAtSeconds), ticket.claimsBytes)
  const cipher = createCipheriv(algorithm, key.ticketKey, nonce, { authTagLength: tagBytes }).setAAD(head)
  return Fields.join(head, nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag())
}

/** Reads what any relay with one of the ring's keys has sealed. */
export const open = (
  ring: KeyRing.KeyRing,
  sealed: Uint8Array,
  nowSeconds: number
): Result.Result<Ticket, TicketNotValid> => {
  const reader = Fields.makeReader(sealed)
  const isOurs = Fields.takeU8(reader) === version
  const keyId = Fields.takePrefixed(reader, idBytesMax)
  const headBytes = reader.offset
  if (!isOurs || reader.failed || sealed.length < headBytes + nonceBytes + tagBytes) return malformed
  const key = KeyRing.find(ring, keyId)
  if (Result.isFailure(key)) return unknownKey
  const plain = unseal(key.success.ticketKey, sealed, headBytes)
  if (plain === undefined) return forged
  const fields = Fields.makeReader(plain)
  const epoch = Fields.takeU32(fields)
  const expiresAtSeconds = Fields.takeU64(fields)
  const claimsBytes = plain.slice(fields.offset)
  const claims = TokenClaims.decode(claimsBytes)
  if (fields.failed || Result.isFailure(claims)) return malformed
  if (isExpired(expiresAtSeconds, nowSeconds)) return expired
  return Result.succeed({ claims: claims.success, claimsBytes, epoch, expiresAtSeconds })
}

/** `undefined` when the tag does not fit: Node says that by an exception. */
const unseal = (ticketKey: Uint8Array, sealed: Uint8Array, headBytes: number): Uint8Array | undefined => {
  const textOffset = headBytes + nonceBytes
  const tagOffset = sealed.length - tagBytes
  const nonce = sealed.subarray(headBytes, textOffset)
  const decipher = createDecipheriv(algorithm, ticketKey, nonce, { authTagLength: tagBytes })
    .setAAD(sealed.subarray(0, headBytes))
    .setAuthTag(sealed.subarray(tagOffset))
  try {
    return Fields.join(decipher.update(sealed.subarray(textOffset, tagOffset)), decipher.final())
  } catch {
    return undefined
  }
}
