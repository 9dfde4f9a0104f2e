import { assert, describe, it } from "@effect/vitest"
import * as PackedAddress from "../../../src/sockets/PackedAddress.ts"
import * as Hosts from "../../../src/sockets/portable/Hosts.ts"

describe("hosts as Node writes them", () => {
  it.for([
    ["of IPv4", "203.0.113.7", "203.0.113.7"],
    ["of IPv4 at a port of IPv6", "::ffff:203.0.113.7", "203.0.113.7"],
    ["of IPv6", "2001:db8::1", "2001:db8::1"],
    // Whoever is on the same link can send from such an address.
    ["of a link", "fe80::1%eth0", "fe80::1"]
  ] as const)("become words: %s", ([, text, host]) => {
    const wordsOf = Hosts.makeHostWords()
    assert.strictEqual(PackedAddress.formatHost(wordsOf(text)), host)
    assert.strictEqual(wordsOf(text), wordsOf(text))
  })

  it.for([
    ["203.0.113.7", false, "203.0.113.7"],
    ["203.0.113.7", true, "::ffff:203.0.113.7"],
    ["2001:db8::1", true, "2001:db8::1"]
  ] as const)("words become text: %s, at a port of IPv6: %s", ([host, isIpv6, text]) => {
    const words = Hosts.makeHostWords()(host)
    assert.strictEqual(Hosts.makeHostTexts(isIpv6)(words, 0), text)
  })
})
