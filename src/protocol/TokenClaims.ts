import { Result, Schema } from "effect"
import { isComplete, join, makeReader, prefixed, takePrefixed, takeU64, takeU8, u64, u8 } from "./ByteFields.ts"
import { CallClass, callClassCodes } from "./CallClass.ts"
import { CallId, idBytesMax, ParticipantId } from "./Ids.ts"
import { malformed, type MalformedPacket } from "./MalformedPacket.ts"

/** Names a secret of the fleet's key ring. Printable ASCII. */
export const KeyId = Schema.String.check(Schema.isPattern(/^[!-~]{1,64}$/))
/** What KeyId says, for every join that a relay gets. Of what is in a token there are 64 bytes at most. */
const isKeyId = (text: string): boolean => {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code < 0x21 || code > 0x7e) return false
  }
  return text.length > 0
}

/** What a token says: who may join which call, as what, until when. The participant's key is derived from its bytes. */
export const TokenClaims = Schema.Struct({
  keyId: KeyId,
  callClass: CallClass,
  call: CallId,
  participant: ParticipantId,
  /** Unix time. */
  expiresAtSeconds: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }))
})
export type TokenClaims = typeof TokenClaims.Type

const version = 1
const fixedBytes = 2
const expiryBytes = 8
/** The longest claims: three ids of full length. */
export const claimsBytesMax = fixedBytes + 3 * (1 + idBytesMax) + expiryBytes

const wrongVersion = malformed("Token", "WrongVersion")
const malformedClaims = malformed("Token", "MalformedAttribute")

/** There is exactly one encoding of the same claims, so both ends derive the same key. */
export const encode = (claims: TokenClaims): Uint8Array =>
  join(
    u8(version),
    u8(callClassCodes.indexOf(claims.callClass)),
    prefixed(claims.keyId, idBytesMax),
    prefixed(claims.call, idBytesMax),
    prefixed(claims.participant, idBytesMax),
    u64(claims.expiresAtSeconds)
  )

/** Says what the claims are, not whether they are true: only the participant's key proves that. */
export const decode = (bytes: Uint8Array): Result.Result<TokenClaims, MalformedPacket> => {
  const reader = makeReader(bytes)
  if (takeU8(reader) !== version) return wrongVersion
  const callClass = callClassCodes[takeU8(reader)]
  const keyId = takePrefixed(reader, idBytesMax)
  // The brands say no more than takePrefixed checks: UTF-8 of 1 to idBytesMax bytes.
  const call = takePrefixed(reader, idBytesMax) as CallId
  const participant = takePrefixed(reader, idBytesMax) as ParticipantId
  const expiresAtSeconds = takeU64(reader)
  if (!isComplete(reader) || callClass === undefined || !isKeyId(keyId)) return malformedClaims
  return Result.succeed({ keyId, callClass, call, participant, expiresAtSeconds })
}
