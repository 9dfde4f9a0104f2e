import { assert, describe, it } from "@effect/vitest"
import * as ProbeText from "../../src/cli/ProbeText.ts"
import type { NatReport, ProbeReport, RelayReport } from "../../src/client/probe/ProbeReport.ts"

const relay: RelayReport = {
  name: "203.0.113.7:3478",
  address: "203.0.113.7:3478",
  requests: 20,
  answered: 19,
  sendFailed: 0,
  lossRatio: 0.05,
  rttMs: { min: 9.96, median: 12.449, p95: 113.2, max: 113.2 },
  jitterMs: 3.06,
  mappedAddress: "198.51.100.4:40312",
  isBehindNat: true,
  errorCode: null
}
const silent: RelayReport = {
  ...relay,
  name: "relay.example:3478",
  address: "[2001:db8::1]:3478",
  answered: 0,
  lossRatio: 1,
  rttMs: null,
  jitterMs: null,
  mappedAddress: null,
  isBehindNat: null
}
const nat: NatReport = { mapping: "endpoint-independent", isPortPreserved: false }

const textOf = (report: Partial<ProbeReport>): string =>
  ProbeText.format({
    localPort: 40312,
    count: 20,
    intervalMs: 200,
    timeoutMs: 1000,
    relays: [relay],
    nat: { ipv4: nat, ipv6: null },
    ...report
  })

const lastLineOf = (report: Partial<ProbeReport>): string | undefined => textOf(report).split("\n").at(-1)

describe("ProbeText", () => {
  it("aligns numbers to the right, and shows addresses beside names", () => {
    const unknown: NatReport = { mapping: "unknown-no-answer", isPortPreserved: null }
    assert.strictEqual(
      textOf({ relays: [relay, silent], nat: { ipv4: nat, ipv6: unknown } }),
      [
        "round trips in milliseconds, the best relay first:",
        "",
        "relay               address              min  median    p95    max  jitter   loss  mapped address",
        "203.0.113.7:3478    203.0.113.7:3478    10.0    12.4  113.2  113.2     3.1    5 %  198.51.100.4:40312",
        "relay.example:3478  [2001:db8::1]:3478     -       -      -      -       -  100 %  no answer",
        "",
        "NAT (IPv4): endpoint-independent mapping; port not preserved",
        "NAT (IPv6): unknown, no relay has told what it sees"
      ].join("\n")
    )
  })

  it("says in place of a mapped address why there is none", () => {
    const told = (changes: Partial<RelayReport>) => textOf({ relays: [{ ...relay, mappedAddress: null, ...changes }] })
    assert.match(told({ errorCode: 401 }), /5 % {2}error 401$/m)
    assert.match(told({ answered: 0, sendFailed: 20 }), / {2}cannot be sent to$/m)
    assert.match(told({ answered: 0, sendFailed: 19 }), / {2}no answer$/m)
    assert.match(told({}), /5 % {2}-$/m)
    assert.notInclude(told({}), "address  ")
  })

  it("names the relays that no translator is in front of", () => {
    const near = { ...relay, name: "10.0.0.1:3478", address: "10.0.0.1:3478", isBehindNat: false }
    assert.strictEqual(
      lastLineOf({ relays: [near, relay], nat: { ipv4: { ...nat, isPortPreserved: true }, ipv6: null } }),
      "NAT: endpoint-independent mapping; port preserved; none towards 10.0.0.1:3478"
    )
    assert.strictEqual(
      lastLineOf({ relays: [near], nat: { ipv4: { mapping: "no-nat", isPortPreserved: null }, ipv6: null } }),
      "NAT: none, the relay sees an address of this machine"
    )
    assert.strictEqual(
      lastLineOf({ relays: [near, near], nat: { ipv4: { mapping: "no-nat", isPortPreserved: null }, ipv6: null } }),
      "NAT: none, the relays see an address of this machine"
    )
  })
})
