import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Result } from "effect"
import { AddressResolver, Dns } from "effect/net"
import * as RelayNames from "../../src/cli/RelayNames.ts"
import * as PackedAddress from "../../src/sockets/PackedAddress.ts"

const zone = Result.getOrThrow(
  Dns.makeStatic({
    hosts: {
      "relay.example": ["2001:db8::1", "203.0.113.7"],
      "other.example": ["203.0.113.8"],
      "link-local.example": ["fe80::1"]
    }
  })
)
const layerOf = (dns: Dns.Dns["Service"]) => Layer.provide(AddressResolver.layer(), Layer.succeed(Dns.Dns, dns))

const resolve = (...texts: ReadonlyArray<string>) =>
  RelayNames.resolve(texts).pipe(
    Effect.map((relays) => relays.map(({ address, name }) => `${name} ${PackedAddress.format(address)}`)),
    Effect.provide(layerOf(zone))
  )

const refuses = Effect.fnUntraced(function* (words: RegExp, ...texts: ReadonlyArray<string>) {
  const error = yield* Effect.flip(resolve(...texts))
  assert.strictEqual(error._tag, "BadInput")
  assert.match(error.message, words)
  assert.notInclude(error.message, "\n")
})

describe("RelayNames", () => {
  it.effect("keeps what was typed beside the address, of a name the first", () =>
    Effect.gen(function* () {
      const typed = [
        "relay.example:3478",
        "203.0.113.9:1",
        "[2001:db8::2]:65535",
        "[2001:DB8:0::3]:4",
        "OTHER.example.:5"
      ]
      assert.deepStrictEqual(yield* resolve(...typed), [
        "relay.example:3478 [2001:db8::1]:3478",
        "203.0.113.9:1 203.0.113.9:1",
        "[2001:db8::2]:65535 [2001:db8::2]:65535",
        "[2001:DB8:0::3]:4 [2001:db8::3]:4",
        "OTHER.example.:5 203.0.113.8:5"
      ])
    })
  )

  it.effect("refuses what is no host with a port", () =>
    Effect.gen(function* () {
      const wrong = ["", "relay.example", "relay.example:", "relay.example:x", ":3478", "a b:1", "2001:db8::1:3478"]
      const more = ["203.0.113.300:1", "1.2.3:4", "stun:relay.example:3478", "relay.example:65536", "[relay.example]:1"]
      for (const text of [...wrong, ...more])
        yield* refuses(/is not HOST:PORT( \(.+\))?: write relay\.example:3478/, text)
      yield* refuses(/^"relay\.example" is not HOST:PORT: write/, "relay.example")
      yield* refuses(/is not HOST:PORT \(IPv6 addresses must be bracketed\): write/, "2001:db8::1:3478")
      yield* refuses(/nobody listens at port 0/, "relay.example:0")
      yield* refuses(/means every address of this machine/, "0.0.0.0:3478")
      yield* refuses(/means every address of this machine/, "[::]:3478")
      yield* refuses(/has a zone, which is not supported/, "[fe80::1%1]:3478")
      yield* refuses(/link-local/, "link-local.example:3478")
    })
  )

  it.effect("refuses one relay by two names", () =>
    Effect.gen(function* () {
      yield* refuses(/203\.0\.113\.9:1 is named twice/, "203.0.113.9:1", "203.0.113.9:1")
      const words = /other\.example:5 and 203\.0\.113\.8:5 are one address, 203\.0\.113\.8:5: name each relay once/
      yield* refuses(words, "other.example:5", "203.0.113.8:5")
      assert.lengthOf(yield* resolve("other.example:5", "203.0.113.8:6"), 2)
    })
  )

  it.effect("tells a name that does not exist from a resolver that does not answer", () =>
    Effect.gen(function* () {
      yield* refuses(/nowhere\.example has no address: check the name/, "nowhere.example:3478")
      const down = Dns.DnsError
      const lookup = (hostname: string) => Effect.fail(new down({ reason: "Temporary", method: "lookup", hostname }))
      const error = yield* RelayNames.resolve(["relay.example:3478"]).pipe(
        Effect.provide(layerOf(Dns.make({ lookup }))),
        Effect.flip
      )
      assert.strictEqual(error._tag, "Failed")
      assert.match(error.message, /relay\.example cannot be looked up now \(Temporary\): try again/)
    })
  )
})
