import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import * as BindingLimit from "../../src/pipeline/BindingLimit.ts"
import * as PackedAddress from "../../src/sockets/PackedAddress.ts"
import { dice } from "../media/LegPair.ts"

const address = (text: string): Uint32Array => Result.getOrThrow(PackedAddress.parse(text))
const ipv4 = (bits: number, port = 5000): Uint32Array => Uint32Array.of(port, 0, 0, 0xffff, bits)

const { answersPerSecond } = BindingLimit
const device = address("198.51.100.7:5000")
/** How long a relay's machine has been up: the clock does not begin at 0. */
const upMs = 40 * 24 * 3_600_000
const long = { arbitrary: { size: 200 } }

/** How many of so many requests at one moment are answered. */
const burst = (limit: BindingLimit.BindingLimit, source: Uint32Array, nowMs: number, requests = 50): number => {
  let answered = 0
  for (let i = 0; i < requests; i++) if (BindingLimit.admits(limit, source, nowMs)) answered++
  return answered
}

/** Times after one another, with pauses. */
const timesOf = (pausesMs: ReadonlyArray<number>): ReadonlyArray<number> => {
  let nowMs = upMs
  return pausesMs.map((pauseMs) => (nowMs += pauseMs))
}

describe("BindingLimit", () => {
  it("answers ten at once, and ten more for each second that passes, never more than ten at once", () => {
    const limit = BindingLimit.make()
    assert.strictEqual(burst(limit, device, upMs), answersPerSecond)
    assert.strictEqual(burst(limit, device, upMs), 0)
    assert.strictEqual(burst(limit, device, upMs + 99), 0)
    assert.strictEqual(burst(limit, device, upMs + 300), 3)
    assert.strictEqual(burst(limit, device, upMs + 3_600_000), answersPerSecond)
  })

  const Tenths = Schema.Array(Schema.Literals([0, 0, 0, 0, 0, 100, 100, 200, 700, 5000]))
  it.prop(
    "agrees with a bucket that is filled by hand",
    [Tenths],
    ([pausesMs]) => {
      const limit = BindingLimit.make()
      let tokens = answersPerSecond
      let beforeMs = upMs
      for (const nowMs of timesOf(pausesMs)) {
        for (; beforeMs < nowMs; beforeMs += 100) if (tokens < answersPerSecond) tokens++
        assert.strictEqual(BindingLimit.admits(limit, device, nowMs), tokens > 0)
        if (tokens > 0) tokens--
      }
    },
    long
  )

  const Milliseconds = Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 150 })))
  it.prop(
    "in any stretch of time answers no more than its bucket and what ran into it",
    [Milliseconds],
    ([pausesMs]) => {
      const limit = BindingLimit.make()
      const answeredAtMs = timesOf(pausesMs).filter((nowMs) => BindingLimit.admits(limit, device, nowMs))
      for (let from = 0; from < answeredAtMs.length; from++) {
        for (let to = from; to < answeredAtMs.length; to++) {
          const seconds = (answeredAtMs[to]! - answeredAtMs[from]!) / 1000
          assert.isAtMost(to - from + 1, answersPerSecond * (1 + seconds) + 0.001)
        }
      }
    },
    long
  )

  it("does not tire of who asks within the limit, and gives who floods no more than others", () => {
    const limit = BindingLimit.make()
    const calm = address("203.0.113.1:1")
    let answered = 0
    for (let ms = 0; ms < 60_000; ms++) {
      if (ms % 125 === 0) assert.isTrue(BindingLimit.admits(limit, calm, upMs + ms))
      if (BindingLimit.admits(limit, device, upMs + ms)) answered++
    }
    assert.approximately(answered, answersPerSecond * 61, 1)
  })

  const Bits = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0xffffffff }))
  const Port = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0xffff }))

  it.prop("counts all of a /24 of IPv4 as one, whatever the ports", [Bits, Bits, Port, Port], ([bits, other, p, q]) => {
    const limit = BindingLimit.make()
    burst(limit, ipv4(bits, p), upMs)
    const neighbour = ((bits & 0xffffff00) | (other & 0xff)) >>> 0
    assert.strictEqual(burst(limit, ipv4(neighbour, q), upMs), 0)
  })

  it.prop("counts all of a /48 of IPv6 as one", [Bits, Bits, Bits, Bits, Bits], ([w0, w1, w2, w3, other]) => {
    const limit = BindingLimit.make()
    const first = Uint32Array.of(1, w0 | 0x20000000, w1, w2, w3)
    const neighbour = Uint32Array.of(2, first[1]!, (w1 & 0xffff0000) | (other & 0xffff), w3 ^ other, w2)
    burst(limit, first, upMs)
    assert.strictEqual(burst(limit, neighbour, upMs), 0)
  })

  it("keeps networks apart: one that floods costs few others anything", () => {
    const draw = dice(24)
    const sources = {
      "neighbouring /24": (n: number) => ipv4(((203 << 24) | ((n + 1) << 8)) >>> 0),
      "any /24": () => ipv4(Math.floor(draw() * 0x1_0000_0000)),
      "neighbouring /48": (n: number) => Uint32Array.of(1, 0x20010db8, (n + 1) << 16, 0, 1),
      "any /48": () => Uint32Array.of(1, Math.floor(draw() * 0x1_0000_0000), Math.floor(draw() * 0x1_0000_0000), 0, 1)
    }
    for (const [name, source] of Object.entries(sources)) {
      const limit = BindingLimit.make()
      burst(limit, device, upMs)
      const refused = Array.from({ length: 2000 }, (_, n) => burst(limit, source(n), upMs, 1)).filter((n) => n === 0)
      // By chance half of one in 2,000 shares the place of the flooder, and some share a place with ten before them.
      assert.isAtMost(refused.length, 5, name)
    }
  })

  it("does not grow, nor answer without bound, when every datagram has another source", () => {
    const limit = BindingLimit.make()
    const draw = dice(48)
    const sizes = () => [limit.tokens.byteLength, limit.filledAtMs.byteLength]
    const before = sizes()
    let answered = 0
    for (let i = 0; i < 200_000; i++) {
      if (BindingLimit.admits(limit, ipv4(Math.floor(draw() * 0x1_0000_0000)), upMs)) answered++
    }
    assert.deepStrictEqual(sizes(), before)
    assert.isAtMost(answered, limit.tokens.length * answersPerSecond)
    assert.isTrue(limit.tokens.every((tokens) => tokens >= 0 && tokens <= answersPerSecond))
    assert.strictEqual(burst(limit, device, upMs + 1000), answersPerSecond, "it is over a second later")
  })
})
