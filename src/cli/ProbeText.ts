import type { Mapping } from "../client/probe/NatBehaviour.ts"
import type { NatReport, ProbeReport, RelayReport } from "../client/probe/ProbeReport.ts"

/** What a probe has found, for people: a table, and a line about address translators for each address family asked. */
export const format = ({ nat, relays }: ProbeReport): string => {
  const families = [
    { name: "IPv4", nat: nat.ipv4, relays: relays.filter(({ address }) => !address.startsWith("[")) },
    { name: "IPv6", nat: nat.ipv6, relays: relays.filter(({ address }) => address.startsWith("[")) }
  ].filter((family) => family.relays.length > 0)
  const lines = families.map(({ name, nat, relays }) => {
    const label = families.length === 1 ? "NAT" : `NAT (${name})`
    return nat === null ? [] : [`${label}: ${natText(nat, relays)}`]
  })
  return ["round trips in milliseconds, the best relay first:", "", ...table(relays), "", ...lines.flat()].join("\n")
}

interface Column {
  readonly title: string
  readonly cell: (relay: RelayReport) => string
  readonly isNumber: boolean
}

const text = (title: string, cell: Column["cell"]): Column => ({ title, cell, isNumber: false })
const number = (title: string, cell: Column["cell"]): Column => ({ title, cell, isNumber: true })

/** To a tenth: less than what this process takes to wake up says nothing. */
const ms = (timeMs: number | null | undefined): string => timeMs?.toFixed(1) ?? "-"

const numbers: ReadonlyArray<Column> = [
  number("min", ({ rttMs }) => ms(rttMs?.min)),
  number("median", ({ rttMs }) => ms(rttMs?.median)),
  number("p95", ({ rttMs }) => ms(rttMs?.p95)),
  number("max", ({ rttMs }) => ms(rttMs?.max)),
  number("jitter", ({ jitterMs }) => ms(jitterMs)),
  number("loss", ({ lossRatio }) => `${Number((lossRatio * 100).toFixed(1))} %`)
]

const mappedText = ({ answered, errorCode, mappedAddress, requests, sendFailed }: RelayReport): string => {
  if (mappedAddress !== null) return mappedAddress
  if (errorCode !== null) return `error ${errorCode}`
  if (answered > 0) return "-"
  return sendFailed === requests ? "cannot be sent to" : "no answer"
}

const table = (relays: ReadonlyArray<RelayReport>): ReadonlyArray<string> => {
  const columns = [
    text("relay", ({ name }) => name),
    ...(relays.some(({ address, name }) => name !== address) ? [text("address", ({ address }) => address)] : []),
    ...numbers,
    text("mapped address", mappedText)
  ]
  const aligned = columns.map(({ cell, isNumber, title }) => {
    const cells = [title, ...relays.map(cell)]
    const width = Math.max(...cells.map(({ length }) => length))
    return cells.map((cell) => (isNumber ? cell.padStart(width) : cell.padEnd(width)))
  })
  return [undefined, ...relays].map((_, row) =>
    aligned
      .map((cells) => cells[row]!)
      .join("  ")
      .trimEnd()
  )
}

const natText = (nat: NatReport, relays: ReadonlyArray<RelayReport>): string => {
  if (nat.mapping === "no-nat") {
    const seeing = relays.filter(({ mappedAddress }) => mappedAddress !== null).length
    return `none, ${seeing === 1 ? "the relay sees" : "the relays see"} an address of this machine`
  }
  if (nat.isPortPreserved === null) return mappingTexts[nat.mapping]
  const untranslated = relays.filter(({ isBehindNat }) => isBehindNat === false).map(({ name }) => name)
  return [
    mappingTexts[nat.mapping],
    nat.isPortPreserved ? "port preserved" : "port not preserved",
    ...(untranslated.length === 0 ? [] : [`none towards ${untranslated.join(", ")}`])
  ].join("; ")
}

const mappingTexts: Readonly<Record<Exclude<Mapping, "no-nat">, string>> = {
  "endpoint-independent": "endpoint-independent mapping",
  "address-dependent": "address-dependent mapping",
  "address-and-port-dependent": "address-and-port-dependent mapping",
  "endpoint-dependent":
    "address-dependent or address-and-port-dependent mapping (a second port of one relay would tell)",
  "not-port-dependent": "endpoint-independent or address-dependent mapping (a relay at another address would tell)",
  "unknown-one-relay": "there is one, its mapping is unknown (a second relay would tell)",
  "unknown-unstable": "there is one, its mapping is unknown (it has changed meanwhile)",
  "unknown-no-answer": "unknown, no relay has told what it sees"
}
