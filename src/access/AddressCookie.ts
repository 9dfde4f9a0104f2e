import { setUint32, uint32At } from "../protocol/ByteFields.ts"
import { clockSkewSeconds } from "./ClockSkew.ts"
import { hmacSha256 } from "./HmacSha256.ts"
import * as KeyRing from "./KeyRing.ts"

/** When it was made, then the proof. */
const timeBytes = 4
/** 64 bits: whoever guesses has 600 seconds and one datagram for every guess. */
const proofBytes = 8
export const cookieBytes = timeBytes + proofBytes

/** Long enough to be asked for once and used for a resume later, short for an address that is somebody else's now. */
export const validSeconds = 600

/**
 * Proof that whoever sends it receives at this address, for which no relay stores anything: the time and an HMAC-SHA256
 * of address and time under a key of the fleet. `address` is the packed address, five words.
 */
export const make = (ring: KeyRing.KeyRing, address: Uint32Array, nowSeconds: number): Uint8Array => {
  const cookie = new Uint8Array(cookieBytes)
  setUint32(cookie, 0, nowSeconds)
  cookie.set(proofOf(KeyRing.newest(ring), address, nowSeconds).subarray(0, proofBytes), timeBytes)
  return cookie
}

/** Accepts what any relay with one of the ring's keys has made for this address within the last ten minutes. */
export const check = (ring: KeyRing.KeyRing, cookie: Uint8Array, address: Uint32Array, nowSeconds: number): boolean => {
  if (cookie.length !== cookieBytes) return false
  const madeAt = madeAtSeconds(cookie)
  const ageSeconds = nowSeconds - madeAt
  // The clock of the relay that made it may be ahead of ours.
  if (ageSeconds > validSeconds || ageSeconds < -clockSkewSeconds) return false
  return ring.keys.some((key) => endsWithProof(cookie, proofOf(key, address, madeAt)))
}

/** Looks at every byte, whatever those before it were: how long it takes tells nothing. */
const endsWithProof = (cookie: Uint8Array, proof: Uint8Array): boolean => {
  let difference = 0
  for (let byte = 0; byte < proofBytes; byte++) difference |= cookie[timeBytes + byte]! ^ proof[byte]!
  return difference === 0
}

/** When a cookie that is good was made. Unix time in seconds. */
export const madeAtSeconds = (cookie: Uint8Array): number => uint32At(cookie, 0)

/** Five words. */
const addressBytes = 20
/** What is proved, address and time, of one cookie at a time. */
const input = new Uint8Array(addressBytes + timeBytes)

/** Longer than what of it is in a cookie. */
const proofOf = (key: KeyRing.LiveKey, address: Uint32Array, madeAtSeconds: number): Uint8Array => {
  for (let word = 0; word < address.length; word++) setUint32(input, word * 4, address[word]!)
  setUint32(input, addressBytes, madeAtSeconds)
  return hmacSha256(key.cookieSecret, input)
}
