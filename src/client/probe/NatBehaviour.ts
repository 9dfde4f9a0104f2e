import * as PackedAddress from "../../sockets/PackedAddress.ts"

/**
 * How the address translators between one local port and several relays behave, in the words of RFC 4787 section 4 and by
 * the comparisons of RFC 5780 section 4.3, as far as the relays' answers tell. What a translator lets in (its filtering)
 * cannot be seen so: that takes a relay that answers from an address which was not asked.
 */
export interface NatBehaviour {
  readonly mapping: Mapping
  /** The mapped ports are the local port, RFC 4787 section 4.2.1. `undefined` when no translator was seen. */
  readonly isPortPreserved: boolean | undefined
}

export type Mapping =
  /** The relays see the local address. */
  | "no-nat"
  /** Relays at different addresses see one mapped address. */
  | "endpoint-independent"
  /** Two ports of one address see the same, another address sees something else. */
  | "address-dependent"
  /** Two ports of one address see different mapped addresses. */
  | "address-and-port-dependent"
  /** One of the two above: no two relays share an address, so that ports could be compared. */
  | "endpoint-dependent"
  /** The relays share one address, and their ports see the same: endpoint-independent, or address-dependent. */
  | "not-port-dependent"
  /** One relay alone is behind a translator. */
  | "unknown-one-relay"
  /** One relay has seen different mapped addresses during the probe, so relays cannot be compared. */
  | "unknown-unstable"
  /** No relay has said which address it sees. */
  | "unknown-no-answer"

/** What one relay has said. Packed addresses. */
export interface Observation {
  readonly relay: Uint32Array
  /** Each mapped address that it has seen, once, in their order. */
  readonly mapped: ReadonlyArray<Uint32Array>
}

/** Where the requests came from. */
export interface LocalAddresses {
  /** Packed addresses whose ports do not matter: a port that is bound to all addresses does not know which was used. */
  readonly hosts: ReadonlyArray<Uint32Array>
  readonly port: number
}

/** Whether an address translator changes what is sent to this relay; `undefined` when it has not said what it sees. */
export const isTranslated = ({ mapped }: Observation, local: LocalAddresses): boolean | undefined =>
  mapped.length === 0 ? undefined : mapped.some((address) => !isLocal(address, local))

const isLocal = (mapped: Uint32Array, { hosts, port }: LocalAddresses): boolean =>
  mapped[0] === port && hosts.some((host) => isSameHost(host, mapped))

const isSameHost = (a: Uint32Array, b: Uint32Array): boolean => PackedAddress.hostKey(a) === PackedAddress.hostKey(b)

const isSame = (a: Uint32Array, b: Uint32Array): boolean => PackedAddress.equals(a, 0, b, 0)

/** Of one local port and one address family: IPv4 and IPv6 have translators of their own. */
export const of = (observations: ReadonlyArray<Observation>, local: LocalAddresses): NatBehaviour => {
  const answered = observations.filter(({ mapped }) => mapped.length > 0)
  // A relay in the own network says nothing about the translator on the way to the others.
  const behind = answered.filter((observation) => isTranslated(observation, local) === true)
  if (answered.length === 0) return { mapping: "unknown-no-answer", isPortPreserved: undefined }
  if (behind.length === 0) return { mapping: "no-nat", isPortPreserved: undefined }
  return {
    mapping: behind.some(({ mapped }) => mapped.length > 1) ? "unknown-unstable" : mappingOf(behind),
    isPortPreserved: behind.every(({ mapped }) => mapped.every(([port]) => port === local.port))
  }
}

/** Each of these relays is behind a translator and has seen one mapped address. */
const mappingOf = (behind: ReadonlyArray<Observation>): Mapping => {
  const pairs = behind.flatMap((a, i) =>
    behind.slice(i + 1).map((b) => ({
      isOneHost: isSameHost(a.relay, b.relay),
      isOneMapping: isSame(a.mapped[0]!, b.mapped[0]!)
    }))
  )
  if (pairs.length === 0) return "unknown-one-relay"
  if (pairs.some(({ isOneHost, isOneMapping }) => isOneHost && !isOneMapping)) return "address-and-port-dependent"
  const comparesPorts = pairs.some(({ isOneHost }) => isOneHost)
  if (pairs.some(({ isOneMapping }) => !isOneMapping)) {
    return comparesPorts ? "address-dependent" : "endpoint-dependent"
  }
  return pairs.some(({ isOneHost }) => !isOneHost) ? "endpoint-independent" : "not-port-dependent"
}
