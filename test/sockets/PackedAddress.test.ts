import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import { NetAddress } from "effect/net"
import * as PackedAddress from "../../src/sockets/PackedAddress.ts"

const parsed = (text: string): Array<number> => [...Result.getOrThrow(PackedAddress.parse(text))]

const Word = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0xffffffff }))
/** Few different words, so that zeros come together and equal addresses come up. */
const CommonWord = Schema.Literals([0, 1, 0xffff, 0x10000, 0x7f000001, 0xffffffff])
const Port = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 65535 }))
const AnyWord = Schema.Union([Word, CommonWord])
const Address = Schema.Tuple([Port, AnyWord, AnyWord, AnyWord, AnyWord])
const CommonAddress = Schema.Tuple([Schema.Literals([0, 1]), CommonWord, CommonWord, CommonWord, CommonWord])
const Ipv4Address = Schema.Tuple([Port, Schema.Literal(0), Schema.Literal(0), Schema.Literal(0xffff), AnyWord])

describe("PackedAddress", () => {
  it("has the port first, then the address in network order, IPv4 as IPv4-mapped", () => {
    assert.deepStrictEqual(parsed("203.0.113.7:3478"), [3478, 0, 0, 0xffff, 0xcb007107])
    assert.deepStrictEqual(parsed("255.255.255.255:65535"), [65535, 0, 0, 0xffff, 0xffffffff])
    assert.deepStrictEqual(parsed("[2001:db8::1]:3478"), [3478, 0x20010db8, 0, 0, 1])
    assert.deepStrictEqual(parsed("[fe80:1:2:3:4:5:6:ffff]:1"), [1, 0xfe800001, 0x20003, 0x40005, 0x6ffff])
    assert.deepStrictEqual(parsed("[::]:0"), [0, 0, 0, 0, 0])
  })

  it("gives an IPv4-mapped address the form of the IPv4 address", () => {
    assert.deepStrictEqual(parsed("[::ffff:203.0.113.7]:3478"), parsed("203.0.113.7:3478"))
    assert.strictEqual(PackedAddress.format(Uint32Array.of(5, 0, 0, 0xffff, 0xcb007107)), "203.0.113.7:5")
  })

  it.prop("parse reads what format writes", [Schema.Union([Address, Ipv4Address])], ([words]) => {
    assert.deepStrictEqual(parsed(PackedAddress.format(Uint32Array.from(words))), [...words])
  })

  it.prop("fromHost reads what formatHost writes", [Schema.Union([Address, Ipv4Address])], ([words]) => {
    const host = PackedAddress.formatHost(Uint32Array.from(words))
    assert.deepStrictEqual([...Result.getOrThrow(PackedAddress.fromHost(host, words[0]))], [...words])
  })

  it.prop("keys are equal exactly when addresses are", [CommonAddress, CommonAddress], ([one, other]) => {
    const words = Uint32Array.from([...one, ...other])
    const areSame = one.every((word, i) => word === other[i])
    assert.strictEqual(PackedAddress.equals(words, 0, words, 1), areSame)
    assert.strictEqual(PackedAddress.key(words, 0) === PackedAddress.key(words, 1), areSame)
    const areOneHost = one.slice(1).every((word, i) => word === other[i + 1])
    assert.strictEqual(PackedAddress.hostKey(words, 0) === PackedAddress.hostKey(words, 1), areOneHost)
  })

  it("keys tell IPv4 addresses apart in the host and in the port", () => {
    const keys = ["0.0.0.1:0", "0.0.0.0:1", "0.0.0.1:1", "255.255.255.255:65535", "255.255.255.255:65534"].map((text) =>
      PackedAddress.key(Result.getOrThrow(PackedAddress.parse(text)))
    )
    assert.strictEqual(new Set(keys).size, keys.length)
  })

  it.prop("places in a longer array are independent", [Address, Address], ([one, other]) => {
    const words = Uint32Array.from([...one, ...other, 0, 0, 0, 0, 0])
    PackedAddress.copy(words, 0, words, 2)
    assert.deepStrictEqual([...words], [...one, ...other, ...one])
    assert.deepStrictEqual([...PackedAddress.take(words, 1)], [...other])
    assert.strictEqual(PackedAddress.format(words, 1), PackedAddress.format(Uint32Array.from(other)))
  })

  it.prop("set writes the same as parse", [Schema.Union([Address, Ipv4Address])], ([words]) => {
    const text = PackedAddress.format(Uint32Array.from(words))
    const places = new Uint32Array(10)
    PackedAddress.set(places, 1, NetAddress.inetAddressFromStringUnsafe(text))
    assert.deepStrictEqual([...places], [0, 0, 0, 0, 0, ...words])
  })

  it("knows the addresses that mean all of a machine", () => {
    const unspecified = (host: string) =>
      PackedAddress.isUnspecified(Result.getOrThrow(PackedAddress.fromHost(host, 1)))
    assert.deepStrictEqual(["0.0.0.0", "::", "::1", "0.0.0.1", "1::"].map(unspecified), [
      true,
      true,
      false,
      false,
      false
    ])
  })

  it("says what is wrong with a text", () => {
    for (const text of [
      "",
      "203.0.113.7",
      "203.0.113:1",
      "localhost:1",
      "2001:db8::1:3478",
      "1.2.3.4:65536",
      "[::1]"
    ]) {
      const { message } = Result.getOrThrow(Result.flip(PackedAddress.parse(text)))
      assert.strictEqual(
        message,
        `"${text}" is not an address with a port: write 203.0.113.7:3478 or [2001:db8::1]:3478`
      )
    }
    assert.include(Result.getOrThrow(Result.flip(PackedAddress.parse("[fe80::1%2]:1"))).message, "has a zone")
    assert.include(Result.getOrThrow(Result.flip(PackedAddress.fromHost("::1", 70000))).message, "70000 is not a port")
    assert.include(Result.getOrThrow(Result.flip(PackedAddress.fromHost("localhost", 1))).message, '"localhost"')
  })

  it("takes /24 of IPv4 and /48 of IPv6 for one network", () => {
    const prefixOf = (host: string) => PackedAddress.prefix(Result.getOrThrow(PackedAddress.fromHost(host, 1)))
    const networks = [
      ["203.0.113.0", "203.0.113.255", "::ffff:203.0.113.7"],
      ["203.0.112.255"],
      ["2001:db8:1::", "2001:db8:1:ffff:ffff:ffff:ffff:ffff"],
      ["2001:db8:2::"],
      ["::1", "::"]
    ]
    for (const hosts of networks) assert.strictEqual(new Set(hosts.map(prefixOf)).size, 1, hosts.join())
    assert.strictEqual(new Set(networks.flat().map(prefixOf)).size, networks.length)
  })
})
