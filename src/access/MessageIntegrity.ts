import { timingSafeEqual } from "node:crypto"
import * as Stun from "../protocol/Stun.ts"
import { hmacSha256 } from "./HmacSha256.ts"

/** The message with MESSAGE-INTEGRITY-SHA256 under the participant's key, and FINGERPRINT, at its end. RFC 8489 §14.6. */
export const sign = (message: Uint8Array, key: Uint8Array): Uint8Array =>
  Stun.appendTrailer(message, (input) => hmacSha256(key, input))

/** Whether the key's owner has sent this, unchanged. A truncated proof, which RFC 8489 would allow, is not accepted. */
export const verify = (datagram: Uint8Array, integrity: Stun.IntegrityLocation, key: Uint8Array): boolean => {
  const { attributeOffset, valueOffset, valueLength } = integrity
  if (valueLength !== Stun.integritySha256Bytes) return false
  const proof = datagram.subarray(valueOffset, valueOffset + valueLength)
  return timingSafeEqual(hmacSha256(key, Stun.integrityInput(datagram, attributeOffset)), proof)
}
