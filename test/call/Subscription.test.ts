import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Result } from "effect"
import * as Subscription from "../../src/call/Subscription.ts"
import { places, type SubscriptionEntry } from "../../src/protocol/SubscriptionAttribute.ts"
import { bytes, subscription } from "../protocol/ArbitraryMessages.ts"

const entry = (ssrc: number): SubscriptionEntry => ({ ssrc, place: places[ssrc % 3]!, heightPx: ssrc % 1000 })
const entries = (count: number) => Array.from({ length: count }, (_, ssrc) => entry(ssrc))
const of = (version: number, wanted: "everything" | ReadonlyArray<SubscriptionEntry>) =>
  Result.getOrThrow(Subscription.make({ version, wanted }))

const valid = Arbitrary.map(subscription, (said) => Result.getOrThrow(Subscription.make(said)))

describe("a subscription", () => {
  it("to everything wants every stream alike, and to nothing wants none", () => {
    assert.deepStrictEqual(Subscription.find(Subscription.unspoken, 7), { place: "grid", heightPx: 0, rank: 0 })
    assert.isUndefined(Subscription.find(of(1, []), 7))
  })

  it("keeps SSRCs that nobody has, in the order in which they were said", () => {
    const wanted = entries(Subscription.entriesMax)
    const { wanted: kept } = of(1, wanted)
    assert.deepStrictEqual(kept, wanted)
    assert.deepStrictEqual(Subscription.find(of(1, wanted), 63), { place: "on-stage", heightPx: 63, rank: 63 })
    assert.isUndefined(Subscription.find(of(1, wanted), 64))
  })

  it("of an SSRC that is there twice has the first", () => {
    const twice = of(1, [entry(1), { ssrc: 2, place: "grid", heightPx: 90 }, { ...entry(1), heightPx: 720 }, entry(3)])
    assert.strictEqual(twice.wanted.length, 3)
    assert.deepStrictEqual(Subscription.find(twice, 1), { place: "grid", heightPx: 1, rank: 0 })
    assert.strictEqual(Subscription.find(twice, 3)?.rank, 2)
  })

  it("of more than 64 entries is refused, whatever they are", () => {
    for (const wanted of [entries(65), entries(5000), Array.from({ length: 65 }, () => entry(1))]) {
      const made = Subscription.make({ version: 1, wanted })
      assert.isTrue(Result.isFailure(made))
      if (Result.isFailure(made)) assert.match(made.failure.message, /at most 64 entries, not \d+/)
    }
  })

  it.prop("with the higher version counts, and of two with one version the known", [valid, valid], ([a, b]) => {
    const counts = Subscription.newer(a, b)
    assert.strictEqual(counts, b.version > a.version ? b : a)
    assert.strictEqual(counts.version, Math.max(a.version, b.version))
    assert.strictEqual(Subscription.newer(counts, b), counts, "said again")
  })
})

describe("subscriptions of legs, in bytes", () => {
  const legs = Arbitrary.map(Arbitrary.array(valid, { maxLength: 5 }), (subscriptions) =>
    subscriptions.map((subscription, at) => ({ legTag: (0xfffffffe + at) >>> 0, subscription }))
  )

  it.prop("what is written is read", [legs], ([legs]) => {
    assert.deepStrictEqual(Subscription.decode(Subscription.encode(legs)), Result.succeed(legs))
  })

  it.prop("no part of them is read, but what ends with a leg", [legs], ([legs]) => {
    const whole = Subscription.encode(legs)
    const ends = new Set(legs.map((_, count) => Subscription.encode(legs.slice(0, count)).length))
    for (let end = 0; end < whole.length; end++) {
      assert.strictEqual(Result.isSuccess(Subscription.decode(whole.subarray(0, end))), ends.has(end), `${end}`)
    }
  })

  it.prop("arbitrary bytes never throw, and what is read of them can be written", [bytes(0, 60)], ([noise]) => {
    for (const value of [noise, Uint8Array.of(1, ...noise)]) {
      const read = Subscription.decode(value)
      if (Result.isFailure(read)) continue
      assert.deepStrictEqual(Subscription.decode(Subscription.encode(read.success)), read)
    }
  })

  it("are at most a hundred, of 64 entries each", () => {
    const leg = { legTag: 1, subscription: of(1, entries(64)) }
    const all = Subscription.encode(Array.from({ length: 1000 }, () => leg))
    assert.strictEqual(all.length, 1 + Subscription.legsMax * (4 + 8 + 64 * 8))
    const read = Subscription.decode(all)
    assert.strictEqual(Result.isSuccess(read) && read.success.length, Subscription.legsMax)
    const one = Subscription.encode([leg]).subarray(1)
    const more = new Uint8Array([...all, ...one])
    assert.isTrue(Result.isFailure(Subscription.decode(more)))
    const tooLong = one.slice()
    tooLong[11] = 65
    assert.isTrue(Result.isFailure(Subscription.decode(Uint8Array.of(1, ...tooLong, ...new Uint8Array(8)))))
  })
})
