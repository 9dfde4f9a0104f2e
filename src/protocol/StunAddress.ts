import { join, u16, u32, u8 } from "./ByteFields.ts"

/**
 * XOR-MAPPED-ADDRESS, RFC 8489 §14.2: an address and its port, mixed with the message's own numbers so that no address
 * translator on the way recognizes and "corrects" it. On our side it is a packed address, [port, w0, w1, w2, w3]: the
 * 128-bit address as words in network order, IPv4 always IPv4-mapped.
 */

const familyIpv4 = 0x01
const familyIpv6 = 0x02
const ipv4ValueBytes = 8
const ipv6ValueBytes = 20
const magicCookie = 0x2112a442
/** The port is mixed with the upper half of the magic cookie. */
const portMask = magicCookie >>> 16
/** w2 of an IPv4-mapped address, RFC 4291 §2.5.5.2. */
const ipv4MappedWord = 0xffff

/** The four words that an address is mixed with: the magic cookie, then the transaction id. */
const masks = (transactionId: Uint8Array): readonly [number, number, number, number] => {
  const view = new DataView(transactionId.buffer, transactionId.byteOffset, transactionId.byteLength)
  return [magicCookie, view.getUint32(0), view.getUint32(4), view.getUint32(8)]
}

export const encode = (packed: Uint32Array, transactionId: Uint8Array): Uint8Array => {
  const [port, w0, w1, w2, w3] = packed
  const [m0, m1, m2, m3] = masks(transactionId)
  const isIpv4 = w0 === 0 && w1 === 0 && w2 === ipv4MappedWord
  const head = join(u8(0), u8(isIpv4 ? familyIpv4 : familyIpv6), u16(port! ^ portMask))
  return isIpv4 ? join(head, u32(w3! ^ m0)) : join(head, u32(w0! ^ m0), u32(w1! ^ m1), u32(w2! ^ m2), u32(w3! ^ m3))
}

/** `undefined` when the family is unknown or the value has not its length. */
export const decode = (value: Uint8Array, transactionId: Uint8Array): Uint32Array | undefined => {
  const view = new DataView(value.buffer, value.byteOffset, value.byteLength)
  const [m0, m1, m2, m3] = masks(transactionId)
  if (value.length === ipv4ValueBytes && value[1] === familyIpv4) {
    return Uint32Array.of(view.getUint16(2) ^ portMask, 0, 0, ipv4MappedWord, view.getUint32(4) ^ m0)
  }
  if (value.length === ipv6ValueBytes && value[1] === familyIpv6) {
    return Uint32Array.of(
      view.getUint16(2) ^ portMask,
      view.getUint32(4) ^ m0,
      view.getUint32(8) ^ m1,
      view.getUint32(12) ^ m2,
      view.getUint32(16) ^ m3
    )
  }
  return undefined
}
