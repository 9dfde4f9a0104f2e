import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import * as NatBehaviour from "../../../src/client/probe/NatBehaviour.ts"
import * as PackedAddress from "../../../src/sockets/PackedAddress.ts"

const address = (text: string): Uint32Array => Result.getOrThrow(PackedAddress.parse(text))

const local: NatBehaviour.LocalAddresses = {
  hosts: [address("192.168.1.5:0"), address("[2001:db8::5]:0")],
  port: 5000
}

const seen = (relay: string, ...mapped: ReadonlyArray<string>): NatBehaviour.Observation => ({
  relay: address(relay),
  mapped: mapped.map(address)
})

const behaviourOf = (...observations: ReadonlyArray<NatBehaviour.Observation>) => NatBehaviour.of(observations, local)

const a1 = "203.0.113.1:3478"
const a2 = "203.0.113.1:3479"
const b1 = "203.0.113.2:3478"

/** What a translator makes of a mapping depends on these parts of the destination, RFC 4787 section 4.1. */
const translators = {
  "endpoint-independent": () => "",
  "address-dependent": (relay: Uint32Array) => PackedAddress.formatHost(relay),
  "address-and-port-dependent": (relay: Uint32Array) => PackedAddress.format(relay)
} as const
type Translator = keyof typeof translators

/** What each outcome leaves possible. An outcome that leaves out what is true has claimed too much. */
const possible: Record<NatBehaviour.Mapping, ReadonlyArray<Translator>> = {
  "no-nat": [],
  "endpoint-independent": ["endpoint-independent"],
  "address-dependent": ["address-dependent"],
  "address-and-port-dependent": ["address-and-port-dependent"],
  "endpoint-dependent": ["address-dependent", "address-and-port-dependent"],
  "not-port-dependent": ["endpoint-independent", "address-dependent"],
  "unknown-one-relay": ["endpoint-independent", "address-dependent", "address-and-port-dependent"],
  "unknown-unstable": [],
  "unknown-no-answer": []
}

/** Each relay as host and port, few of both so that they meet. */
const Relays = Schema.Array(Schema.Tuple([Schema.Literals([1, 2, 3]), Schema.Literals([3478, 3479, 3480])])).check(
  Schema.isMinLength(1)
)
const Kind = Schema.Literals(["endpoint-independent", "address-dependent", "address-and-port-dependent"])

describe("NatBehaviour", () => {
  it.prop("never claims more than the relays can know, and knows what they can", [Relays, Kind], ([drawn, kind]) => {
    const relays = [...new Set(drawn.map(([host, port]) => `203.0.113.${host}:${port}`))].map(address)
    const ports = new Map<string, number>()
    const observations = relays.map((relay) => {
      const key = translators[kind](relay)
      if (!ports.has(key)) ports.set(key, 20_000 + ports.size)
      return { relay, mapped: [address(`198.51.100.7:${ports.get(key)!}`)] }
    })
    const { isPortPreserved, mapping } = NatBehaviour.of(observations, local)
    assert.include(possible[mapping], kind)
    assert.isFalse(isPortPreserved)
    const hosts = new Set(relays.map((relay) => PackedAddress.hostKey(relay)))
    if (hosts.size > 1 && relays.length > hosts.size) assert.strictEqual(mapping, kind)
  })

  it("sees no translator where the relays see a local address", () => {
    assert.deepStrictEqual(behaviourOf(seen(a1, "192.168.1.5:5000"), seen(b1, "192.168.1.5:5000")), {
      mapping: "no-nat",
      isPortPreserved: undefined
    })
    assert.strictEqual(behaviourOf(seen("[2001:db8::1]:3478", "[2001:db8::5]:5000")).mapping, "no-nat")
  })

  it("takes a local address with another port for a translator on this machine", () => {
    assert.deepStrictEqual(behaviourOf(seen(a1, "192.168.1.5:5001")), {
      mapping: "unknown-one-relay",
      isPortPreserved: false
    })
  })

  it("says whether the port is preserved, for all relays", () => {
    const preserved = "198.51.100.7:5000"
    assert.isTrue(behaviourOf(seen(a1, preserved)).isPortPreserved)
    assert.isTrue(behaviourOf(seen(a1, preserved), seen(b1, "198.51.100.8:5000")).isPortPreserved)
    assert.isFalse(behaviourOf(seen(a1, preserved), seen(b1, "198.51.100.7:5001")).isPortPreserved)
  })

  it("compares only the relays behind the translator", () => {
    const inside = seen("192.168.1.9:3478", "192.168.1.5:5000")
    const outside = [seen(a1, "198.51.100.7:6000"), seen(b1, "198.51.100.7:6000")] as const
    assert.strictEqual(behaviourOf(inside, ...outside).mapping, "endpoint-independent")
    assert.strictEqual(behaviourOf(inside, outside[0]).mapping, "unknown-one-relay")
    assert.isFalse(NatBehaviour.isTranslated(inside, local))
    assert.isTrue(NatBehaviour.isTranslated(outside[0], local))
  })

  it("compares nothing when a mapping has changed, or nothing was said", () => {
    const changing = seen(a1, "198.51.100.7:6000", "198.51.100.7:6001")
    assert.strictEqual(behaviourOf(changing, seen(b1, "198.51.100.7:6000")).mapping, "unknown-unstable")
    assert.strictEqual(behaviourOf(changing).mapping, "unknown-unstable")
    assert.strictEqual(behaviourOf(seen(a1), seen(b1)).mapping, "unknown-no-answer")
    assert.strictEqual(behaviourOf().mapping, "unknown-no-answer")
    assert.isUndefined(NatBehaviour.isTranslated(seen(a1), local))
    assert.strictEqual(behaviourOf(seen(a1), seen(a2, "198.51.100.7:6000")).mapping, "unknown-one-relay")
  })
})
