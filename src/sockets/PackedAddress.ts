import { Result, Schema } from "effect"
import { NetAddress } from "effect/net"
import { addressWords } from "./PacketBatch.ts"

/**
 * An address with its port as five 32-bit words, [port, w0, w1, w2, w3]: the 128 bits of the address in network order.
 * IPv4 is always IPv4-mapped (RFC 4291 section 2.5.5.2), so that a sender has one form whatever the family of the socket
 * that heard it. Many addresses lie behind each other in one array: an index counts addresses, not words. The zone of a
 * link-local address has no room here.
 */

/** The text is not an IP address with a port. */
export class InvalidAddress extends Schema.TaggedError<InvalidAddress>()("InvalidAddress", {
  message: Schema.String
}) {}

const invalid = (message: string) => Result.fail(new InvalidAddress({ message }))

/** w2 of an IPv4-mapped address. */
const ipv4MappedWord = 0xffff

/** Writes Effect's form of an address to a place. A zone is left out. */
export const set = (words: Uint32Array, index: number, { address, port }: NetAddress.InetAddress): void => {
  const at = index * addressWords
  words[at] = port
  if (NetAddress.isIpv4Address(address)) {
    const [o0, o1, o2, o3] = NetAddress.ipv4ToOctets(address)
    words[at + 1] = 0
    words[at + 2] = 0
    words[at + 3] = ipv4MappedWord
    words[at + 4] = (o0 << 24) | (o1 << 16) | (o2 << 8) | o3
  } else {
    const segments = NetAddress.ipv6ToSegments(address)
    for (let word = 0; word < 4; word++) words[at + 1 + word] = (segments[word * 2]! << 16) | segments[word * 2 + 1]!
  }
}

/** From Effect's form. A zone is left out. */
export const fromInetAddress = (address: NetAddress.InetAddress): Uint32Array => {
  const words = new Uint32Array(addressWords)
  set(words, 0, address)
  return words
}

/** Reads "203.0.113.7:3478" or "[2001:db8::1]:3478". Names are not looked up. */
export const parse = (text: string): Result.Result<Uint32Array, InvalidAddress> => {
  const address = NetAddress.inetAddressFromString(text)
  if (Result.isFailure(address)) {
    return invalid(
      `${JSON.stringify(text)} is not an address with a port: write 203.0.113.7:3478 or [2001:db8::1]:3478`
    )
  }
  if (NetAddress.isInetAddressV6(address.success) && address.success.scopeId !== 0) {
    return invalid(`${JSON.stringify(text)} has a zone, which is not supported: use an address that is not link-local`)
  }
  return Result.succeed(fromInetAddress(address.success))
}

/** Reads an address that stands beside its port: "203.0.113.7" or "2001:db8::1". */
export const fromHost = (host: string, port: number): Result.Result<Uint32Array, InvalidAddress> => {
  const ip = NetAddress.ipFromString(host)
  if (Result.isFailure(ip))
    return invalid(`${JSON.stringify(host)} is not an IP address: write 203.0.113.7 or 2001:db8::1`)
  const address = NetAddress.inetAddress(ip.success, port)
  if (Result.isFailure(address)) return invalid(`${port} is not a port: use a whole number from 0 to 65535`)
  return Result.succeed(fromInetAddress(address.success))
}

export const isIpv4 = (words: Uint32Array, index = 0): boolean => {
  const at = index * addressWords
  return words[at + 1] === 0 && words[at + 2] === 0 && words[at + 3] === ipv4MappedWord
}

/** "0.0.0.0" or "::", to be bound only: all addresses of a machine. */
export const isUnspecified = (words: Uint32Array, index = 0): boolean => {
  const at = index * addressWords
  const isZero = words[at + 1] === 0 && words[at + 2] === 0 && words[at + 4] === 0
  return isZero && (words[at + 3] === 0 || words[at + 3] === ipv4MappedWord)
}

/** The address in Effect's form, without its port. */
export const toIpAddress = (words: Uint32Array, index = 0): NetAddress.IpAddress => {
  const at = index * addressWords
  const view = new DataView(new ArrayBuffer(16))
  for (let word = 0; word < 4; word++) view.setUint32(word * 4, words[at + 1 + word]!)
  const bytes = new Uint8Array(view.buffer)
  return isIpv4(words, index)
    ? NetAddress.ipv4FromBytesUnsafe(bytes.subarray(12))
    : NetAddress.ipv6FromBytesUnsafe(bytes)
}

/** The address without its port: "203.0.113.7" or "2001:db8::1". */
export const formatHost = (words: Uint32Array, index = 0): string => NetAddress.formatIp(toIpAddress(words, index))

/** What `parse` reads. */
export const format = (words: Uint32Array, index = 0): string => {
  const host = formatHost(words, index)
  const port = words[index * addressWords]!
  return isIpv4(words, index) ? `${host}:${port}` : `[${host}]:${port}`
}

/** Whether two places hold the same address and port. */
export const equals = (a: Uint32Array, aIndex: number, b: Uint32Array, bIndex: number): boolean => {
  const at = aIndex * addressWords
  const bt = bIndex * addressWords
  return (
    a[at] === b[bt] &&
    a[at + 4] === b[bt + 4] &&
    a[at + 3] === b[bt + 3] &&
    a[at + 2] === b[bt + 2] &&
    a[at + 1] === b[bt + 1]
  )
}

export const copy = (from: Uint32Array, fromIndex: number, to: Uint32Array, toIndex: number): void => {
  const source = fromIndex * addressWords
  const target = toIndex * addressWords
  for (let word = 0; word < addressWords; word++) to[target + word] = from[source + word]!
}

/** The address at one place as an array of its own. */
export const take = (words: Uint32Array, index: number): Uint32Array =>
  words.slice(index * addressWords, (index + 1) * addressWords)

/** A key for a Map, equal exactly when address and port are: a number for IPv4, a text for the others. */
export const key = (words: Uint32Array, index = 0): number | string => {
  const host = hostKey(words, index)
  const port = words[index * addressWords]!
  return typeof host === "number" ? host * 0x10000 + port : `${host}:${port}`
}

/** The network that an address is taken for: /24 of IPv4, /48 of IPv6. Equal exactly when these are; a number of 49 bits. */
export const prefix = (words: Uint32Array, index = 0): number => {
  const at = index * addressWords
  return isIpv4(words, index) ? words[at + 4]! >>> 8 : 2 ** 48 + words[at + 1]! * 0x10000 + (words[at + 2]! >>> 16)
}

/** A key for a Map, equal exactly when the addresses without their ports are. */
export const hostKey = (words: Uint32Array, index = 0): number | string => {
  const at = index * addressWords
  return isIpv4(words, index) ? words[at + 4]! : `${words[at + 1]}:${words[at + 2]}:${words[at + 3]}:${words[at + 4]}`
}
