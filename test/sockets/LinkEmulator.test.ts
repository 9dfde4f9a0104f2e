import { assert, describe, it } from "@effect/vitest"
import { Effect, Random, Schema } from "effect"
import * as LinkEmulator from "../../src/sockets/simulated/LinkEmulator.ts"

const { perfect } = LinkEmulator

/** Dice that always show the same. */
const always = (share: number) => () => share

const arrivals = (link: LinkEmulator.LinkEmulator, nowMs: number, datagramBytes: number, draw: () => number) => {
  const copies = LinkEmulator.transmit(link, nowMs, datagramBytes, draw)
  return [...link.arrivalsMs.subarray(0, copies)]
}

/** Sends so many datagrams of 100 bytes, one each 10 ms, and returns the arrivals of each. */
const run = (options: LinkEmulator.LinkOptions, packets: number, seed = "link") =>
  Effect.gen(function* () {
    const random = yield* Random.Random
    const link = LinkEmulator.make(options)
    const times = Array.from({ length: packets }, (_, packet) =>
      arrivals(link, packet * 10, 100, () => random.nextDoubleUnsafe())
    )
    return { link, times }
  }).pipe(Random.withSeed(seed))

const Share = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 }))
const Options = Schema.Struct({
  latencyMs: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 500 })),
  jitterMs: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 100 })),
  lossRatio: Share,
  reorderRatio: Share,
  duplicateRatio: Share,
  rateBps: Schema.Literals([64_000, 2_000_000, 1e15]),
  queueBytes: Schema.Literals([2_000, 64_000])
})
const Draws = Schema.Array(Schema.Tuple([Share, Share, Share, Share, Share]))

describe("LinkEmulator", () => {
  it("delivers at once when it is perfect, and latency later when it is not", () => {
    assert.deepStrictEqual(arrivals(LinkEmulator.make(perfect), 5, 1000, always(0)), [5])
    assert.deepStrictEqual(arrivals(LinkEmulator.make({ ...perfect, latencyMs: 20 }), 5, 1000, always(0)), [25])
  })

  it.prop(
    "no packet arrives early, late or more than twice; each is accounted for",
    [Options, Draws],
    ([options, draws]) => {
      const link = LinkEmulator.make(options)
      let arrived = 0
      draws.forEach((dice, nowMs) => {
        let drawn = 0
        const times = arrivals(link, nowMs, 172, () => dice[drawn++]!)
        assert.strictEqual(drawn, 5, "the number of draws does not depend on the options")
        const queueMs = ((options.queueBytes + 200) * 8000) / options.rateBps
        for (const time of times) {
          assert.isAtLeast(time, nowMs + options.latencyMs)
          assert.isAtMost(
            time,
            nowMs + queueMs + options.latencyMs + options.jitterMs + LinkEmulator.reorderDelayMs + 1e-6
          )
        }
        arrived += times.length
      })
      assert.strictEqual(draws.length, arrived - link.duplicated + link.lost + link.droppedQueueFull)
    }
  )

  it.effect("loses, duplicates and holds back the shares it was told to", () =>
    Effect.gen(function* () {
      const options = { ...perfect, lossRatio: 0.1, duplicateRatio: 0.05, reorderRatio: 0.02 }
      const { link, times } = yield* run(options, 20_000)
      assert.closeTo(link.lost / 20_000, 0.1, 0.01)
      assert.closeTo(link.duplicated / (20_000 - link.lost), 0.05, 0.01)
      const late = times.filter(([time], packet) => time !== undefined && time > packet * 10)
      assert.closeTo(late.length / (20_000 - link.lost), 0.02, 0.005)
    })
  )

  it.effect("spreads arrivals evenly over the jitter, so that packets overtake", () =>
    Effect.gen(function* () {
      const { times } = yield* run({ ...perfect, latencyMs: 50, jitterMs: 40 }, 10_000)
      const delays = times.map(([time], packet) => time! - packet * 10)
      assert.closeTo(delays.reduce((sum, delay) => sum + delay) / delays.length, 70, 1)
      assert.closeTo(Math.min(...delays), 50, 0.1)
      assert.closeTo(Math.max(...delays), 90, 0.1)
      assert.isTrue(times.some(([time], packet) => packet > 0 && time! < times[packet - 1]![0]!))
    })
  )

  it.effect("same seed, same packets lost; another option leaves them as they are", () =>
    Effect.gen(function* () {
      const lost = (options: LinkEmulator.LinkOptions, seed: string) =>
        Effect.map(run(options, 500, seed), ({ times }) => times.map((copies) => copies.length === 0))
      const first = yield* lost({ ...perfect, lossRatio: 0.2 }, "a")
      assert.deepStrictEqual(yield* lost({ ...perfect, lossRatio: 0.2 }, "a"), first)
      assert.deepStrictEqual(yield* lost({ ...perfect, lossRatio: 0.2, jitterMs: 9, duplicateRatio: 1 }, "a"), first)
      assert.notDeepEqual(yield* lost({ ...perfect, lossRatio: 0.2 }, "b"), first)
    })
  )

  it("sends one after the other through a bottleneck, headers of IP and UDP included", () => {
    // 972 + 28 bytes at 1 Mbit/s take 8 ms.
    const link = LinkEmulator.make({ ...perfect, rateBps: 1_000_000, latencyMs: 1 })
    assert.deepStrictEqual(arrivals(link, 0, 972, always(0)), [9])
    assert.deepStrictEqual(arrivals(link, 0, 972, always(0)), [17])
    assert.deepStrictEqual(arrivals(link, 12, 972, always(0)), [25])
    assert.deepStrictEqual(arrivals(link, 100, 972, always(0)), [109])
  })

  it("drops what finds the queue full, and takes packets again when it has drained", () => {
    const link = LinkEmulator.make({ ...perfect, rateBps: 1_000_000, queueBytes: 3000 })
    const atOnce = Array.from({ length: 5 }, () => arrivals(link, 0, 972, always(0)))
    assert.deepStrictEqual(atOnce, [[8], [16], [24], [], []])
    assert.strictEqual(link.droppedQueueFull, 2)
    assert.deepStrictEqual(arrivals(link, 8, 972, always(0)), [32])
  })

  it("lets a lost packet use the bottleneck", () => {
    const link = LinkEmulator.make({ ...perfect, rateBps: 1_000_000, lossRatio: 0.5 })
    assert.deepStrictEqual(arrivals(link, 0, 972, always(0.4)), [])
    assert.deepStrictEqual(arrivals(link, 0, 972, always(0.6)), [16])
  })

  it("takes its queue with it when its rate changes", () => {
    const fast = { ...perfect, rateBps: 1_000_000 }
    const link = LinkEmulator.make(fast)
    arrivals(link, 0, 972, always(0))
    arrivals(link, 0, 972, always(0))
    LinkEmulator.setOptions(link, { ...fast, rateBps: 500_000 }, 8)
    // 1000 bytes still wait: 16 ms at half the rate, and 16 ms for the new one.
    assert.deepStrictEqual(arrivals(link, 8, 972, always(0)), [40])
    LinkEmulator.setOptions(link, perfect, 10)
    assert.deepStrictEqual(arrivals(link, 10, 972, always(0)), [10])
  })
})
