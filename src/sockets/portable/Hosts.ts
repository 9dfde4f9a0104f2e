import { Result } from "effect"
import { NetAddress } from "effect/net"
import * as PackedAddress from "../PackedAddress.ts"

/** Hosts kept in both forms, text and words. When they are full they are made anew. */
const hostsMax = 4096

/**
 * The words of a host by its text. A text that Node made is an address; behind a link-local one of IPv6 it writes the
 * interface ("fe80::1%eth0"), for which words have no room.
 */
export const makeHostWords = () => {
  const known = new Map<string, Uint32Array>()
  return (host: string): Uint32Array => {
    const cached = known.get(host)
    if (cached !== undefined) return cached
    if (known.size === hostsMax) known.clear()
    const words = Result.getOrThrow(PackedAddress.fromHost(host.split("%", 1)[0]!, 0))
    known.set(host, words)
    return words
  }
}

/** The text of a host by its words. A socket of IPv6 reaches IPv4 by the mapped form of its address. */
export const makeHostTexts = (isIpv6: boolean) => {
  const known = new Map<number | string, string>()
  return (addresses: Uint32Array, index: number): string => {
    const key = PackedAddress.hostKey(addresses, index)
    const cached = known.get(key)
    if (cached !== undefined) return cached
    if (known.size === hostsMax) known.clear()
    const ip = PackedAddress.toIpAddress(addresses, index)
    const text = NetAddress.formatIp(isIpv6 && NetAddress.isIpv4Address(ip) ? NetAddress.toIpv4Mapped(ip) : ip)
    known.set(key, text)
    return text
  }
}
