import * as PackedAddress from "../PackedAddress.ts"
import { addressWords } from "../PacketBatch.ts"
import * as Abi from "./LinuxAbi.ts"

/**
 * Packed addresses to the kernel's `struct sockaddr_in` and `sockaddr_in6` and back. Names lie in 32-bit words, at the
 * word `at`.
 */

/** Writes an address as the family of the socket wants it; IPv4 is mapped on a socket of IPv6. Returns its bytes, 0 when the family cannot have it. */
export const write = (
  words: Uint32Array,
  at: number,
  family: number,
  addresses: Uint32Array,
  index: number
): number => {
  const from = index * addressWords
  const portAndFamily = (Abi.swap16(addresses[from]!) << 16) | family
  words[at] = portAndFamily
  if (family === Abi.AF_INET) {
    if (!PackedAddress.isIpv4(addresses, index)) return 0
    words[at + 1] = Abi.swap32(addresses[from + 4]!)
    words[at + 2] = 0
    words[at + 3] = 0
    return Abi.nameBytesIpv4
  }
  words[at + 1] = 0
  words[at + 2] = Abi.swap32(addresses[from + 1]!)
  words[at + 3] = Abi.swap32(addresses[from + 2]!)
  words[at + 4] = Abi.swap32(addresses[from + 3]!)
  words[at + 5] = Abi.swap32(addresses[from + 4]!)
  words[at + 6] = 0
  return Abi.nameBytesIpv6
}

const ipv4MappedWord = 0xffff

/** Reads a name into a place of packed addresses. */
export const read = (words: Uint32Array, at: number, addresses: Uint32Array, index: number): void => {
  const to = index * addressWords
  const first = words[at]!
  addresses[to] = Abi.swap16(first >>> 16)
  if ((first & 0xffff) === Abi.AF_INET) {
    addresses[to + 1] = 0
    addresses[to + 2] = 0
    addresses[to + 3] = ipv4MappedWord
    addresses[to + 4] = Abi.swap32(words[at + 1]!)
    return
  }
  addresses[to + 1] = Abi.swap32(words[at + 2]!)
  addresses[to + 2] = Abi.swap32(words[at + 3]!)
  addresses[to + 3] = Abi.swap32(words[at + 4]!)
  addresses[to + 4] = Abi.swap32(words[at + 5]!)
}
