import * as PackedAddress from "../../sockets/PackedAddress.ts"
import type { AskedRelay, BindingExchange } from "./BindingExchange.ts"
import * as NatBehaviour from "./NatBehaviour.ts"
import * as RoundTripStatistics from "./RoundTripStatistics.ts"

/** How a probe asks. */
export interface Schedule {
  /** Requests to each relay, without the one that opens the way. */
  readonly count: number
  /** Between two requests to one relay. Milliseconds. */
  readonly intervalMs: number
  /** How long an answer is waited for. Milliseconds. */
  readonly timeoutMs: number
}

/** A relay as its user calls it, and where it is. */
export interface NamedRelay {
  /** "relay.example:3478"; for somebody without a name, the text of its address. */
  readonly name: string
  /** Packed address. */
  readonly address: Uint32Array
}

/** What `tandem probe --json` prints: docs/operating.md. Addresses are text such as "203.0.113.7:3478". */
export interface ProbeReport extends Schedule {
  readonly localPort: number
  /** The best first. */
  readonly relays: ReadonlyArray<RelayReport>
  readonly nat: {
    /** `null` when no relay was asked by this family. */
    readonly ipv4: NatReport | null
    readonly ipv6: NatReport | null
  }
}

export interface RelayReport {
  readonly name: string
  readonly address: string
  readonly requests: number
  readonly answered: number
  /** Requests that the system has refused to send; they are lost too. */
  readonly sendFailed: number
  /** 0..1 */
  readonly lossRatio: number
  /** `null` when nothing was answered. To a microsecond. */
  readonly rttMs: RoundTripStatistics.RoundTrips | null
  /** RoundTripStatistics says how it is counted. `null` with less than two answers. */
  readonly jitterMs: number | null
  /** The last that it has seen; `null` when it has told none. */
  readonly mappedAddress: string | null
  /** Whether an address translator is on the way to it; `null` when it has told no mapped address. */
  readonly isBehindNat: boolean | null
  /** Of the last error that it has answered with, RFC 8489 section 14.8. */
  readonly errorCode: number | null
}

export interface NatReport {
  readonly mapping: NatBehaviour.Mapping
  /** `null` when no translator was seen. */
  readonly isPortPreserved: boolean | null
}

export const make = (
  options: Schedule & {
    readonly relays: ReadonlyArray<NamedRelay>
    readonly local: NatBehaviour.LocalAddresses
  },
  /** Of the same relays in the same order. */
  exchange: BindingExchange
): ProbeReport => {
  const { count, intervalMs, local, timeoutMs } = options
  const relays = exchange.relays.map((relay, i) => ({
    name: options.relays[i]!.name,
    relay,
    statistics: RoundTripStatistics.of(relay.roundTripsMs)
  }))
  const observations = exchange.relays.map(({ address, mapped }) => ({ relay: address, mapped }))
  const isIpv4 = ({ relay }: NatBehaviour.Observation) => PackedAddress.isIpv4(relay)
  return {
    localPort: local.port,
    count,
    intervalMs,
    timeoutMs,
    relays: relays
      .toSorted((a, b) => RoundTripStatistics.compare(a.statistics, b.statistics))
      .map(({ name, relay, statistics }) => reportOf(name, relay, statistics, local)),
    nat: {
      ipv4: natOf(observations.filter(isIpv4), local),
      ipv6: natOf(
        observations.filter((observation) => !isIpv4(observation)),
        local
      )
    }
  }
}

const reportOf = (
  name: string,
  { address, errorCode, mapped, sendFailed }: AskedRelay,
  { answered, jitterMs, lossRatio, requests, rttMs }: RoundTripStatistics.RoundTripStatistics,
  local: NatBehaviour.LocalAddresses
): RelayReport => {
  const lastMapped = mapped.at(-1)
  return {
    name,
    address: PackedAddress.format(address),
    requests,
    answered,
    sendFailed,
    lossRatio,
    rttMs: rttMs === undefined ? null : roundedTrips(rttMs),
    jitterMs: jitterMs === undefined ? null : rounded(jitterMs),
    mappedAddress: lastMapped === undefined ? null : PackedAddress.format(lastMapped),
    isBehindNat: NatBehaviour.isTranslated({ relay: address, mapped }, local) ?? null,
    errorCode: errorCode ?? null
  }
}

const natOf = (
  observations: ReadonlyArray<NatBehaviour.Observation>,
  local: NatBehaviour.LocalAddresses
): NatReport | null => {
  if (observations.length === 0) return null
  const { isPortPreserved, mapping } = NatBehaviour.of(observations, local)
  return { mapping, isPortPreserved: isPortPreserved ?? null }
}

/** To a microsecond: beyond, digits are noise. */
const rounded = (timeMs: number): number => Math.round(timeMs * 1000) / 1000

const roundedTrips = ({ max, median, min, p95 }: RoundTripStatistics.RoundTrips): RoundTripStatistics.RoundTrips => ({
  min: rounded(min),
  median: rounded(median),
  p95: rounded(p95),
  max: rounded(max)
})
