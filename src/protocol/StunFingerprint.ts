/** CRC-32 of ITU V.42 and ISO 3309, the reversed polynomial. RFC 8489 §14.7. */
const reversedPolynomial = 0xedb88320

const crcOfByte = new Uint32Array(256)
for (let byte = 0; byte < 256; byte++) {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 1 ? (crc >>> 1) ^ reversedPolynomial : crc >>> 1
  crcOfByte[byte] = crc
}

/** CRC-32 of the bytes before `end`. */
export const crc32 = (bytes: Uint8Array, end: number = bytes.length): number => {
  let crc = 0xffffffff
  for (let at = 0; at < end; at++) crc = (crc >>> 8) ^ crcOfByte[(crc ^ bytes[at]!) & 0xff]!
  return ~crc >>> 0
}

/** "STUN" in ASCII: keeps FINGERPRINT apart from a CRC-32 that another protocol may end with. RFC 8489 §14.7. */
const fingerprintMask = 0x5354554e

/**
 * The value of FINGERPRINT, RFC 8489 §14.7: over everything before the attribute, whose offset this is. The header's
 * length must already count the attribute.
 */
export const fingerprint = (message: Uint8Array, attributeOffset: number): number =>
  (crc32(message, attributeOffset) ^ fingerprintMask) >>> 0
