import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import * as Bottleneck from "../../src/simulation/Bottleneck.ts"
import * as Link from "../../src/simulation/Link.ts"
import * as RateTrace from "../../src/simulation/RateTrace.ts"

/** With headers 1,000 bytes on the wire: 1 ms at 8 Mbit/s. */
const datagramBytes = 1000 - Link.headerBytes
const rate8: Bottleneck.Rate = { kind: "constant", rateBps: 8_000_000 }

const make = (options: Partial<Link.Options>) => Link.make({ ...Link.perfect, ...options }, "1", "link")
const sendMany = (link: Link.Link, count: number, nowMs: number) =>
  Array.from({ length: count }, () => Link.send(link, nowMs, datagramBytes))

const Seed = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1e6 }))

describe("Link", () => {
  it("passes what nothing is in the way of", () => {
    assert.deepStrictEqual(sendMany(make({ delayMs: 75 }), 2, 10), [85, 85])
  })

  it("sends one after another at its rate", () => {
    const link = make({ rate: rate8, delayMs: 10 })
    assert.deepStrictEqual(sendMany(link, 3, 100), [111, 112, 113])
    assert.strictEqual(Link.send(link, 200, datagramBytes), 211)
    assert.strictEqual(link.counters.sojournsMs.max, 3)
  })

  it("drops what finds the queue full, in bytes or in time", () => {
    const bytes = make({ rate: rate8, queue: { kind: "bytes", bytes: 2000 } })
    assert.deepStrictEqual(sendMany(bytes, 4, 0), [1, 2, -1, -1])
    assert.strictEqual(Link.send(bytes, 1, datagramBytes), 3)
    assert.strictEqual(bytes.counters.droppedQueueFull, 2)
    const time = make({ rate: rate8, queue: { kind: "time", ms: 2 } })
    assert.deepStrictEqual(sendMany(time, 5, 0), [1, 2, 3, -1, -1])
  })

  it("follows a rate that changes while a packet is being sent", () => {
    const steps = [
      { fromMs: 0, rateBps: 8_000_000 },
      { fromMs: 10, rateBps: 800_000 },
      { fromMs: 20, rateBps: 8_000_000 }
    ]
    const link = make({ rate: { kind: "steps", steps } })
    assert.deepStrictEqual(sendMany(link, 1, 9.5), [15])
    assert.deepStrictEqual(sendMany(link, 2, 15), [20.5, 21.5])
    assert.strictEqual(Bottleneck.capacityBps(link.options.rate, 5, 15), 4_400_000)
  })

  it("uses the opportunities of a trace, which are lost when nothing waits", () => {
    const trace = Result.getOrThrow(RateTrace.parse("10\n10\n20\n"))
    const link = make({ rate: { kind: "trace", trace } })
    // 3,008 bytes at 10 ms are three packets; the fourth has to wait, and the fifth is served by the next lap.
    assert.deepStrictEqual(sendMany(link, 5, 0), [10, 10, 10, 20, 30])
    assert.strictEqual(Link.send(link, 100, datagramBytes), 100)
    assert.strictEqual(Link.send(link, 111, datagramBytes), 120)
  })

  it.prop("never lets packets overtake each other, unless it is told to", [Seed], ([seed]) => {
    const options = { ...Link.perfect, delayMs: 30, jitterMs: 10 }
    const arrivals = (reorders: boolean) => {
      const link = Link.make({ ...options, reorders }, `${seed}`, "link")
      return Array.from({ length: 100 }, (_, i) => Link.send(link, i, datagramBytes))
    }
    const isOrdered = (times: ReadonlyArray<number>) => times.every((timeMs, i) => timeMs >= (times[i - 1] ?? 0))
    assert.isTrue(isOrdered(arrivals(false)))
    assert.isFalse(isOrdered(arrivals(true)))
    arrivals(true).forEach((timeMs, i) => assert.closeTo(timeMs - i, 30, 30))
  })

  it.prop("never carries more than it can", [Seed], ([seed]) => {
    const link = Link.make({ ...Link.perfect, rate: rate8 }, `${seed}`, "link")
    let carried = 0
    for (let timeMs = 0; timeMs < 1000; timeMs += (seed % 7) / 10 + 0.1) {
      if (Link.send(link, timeMs, datagramBytes) > 0) carried++
    }
    assert.isAtMost(carried, 1000 + 250 + 1)
    assert.isAtMost(link.counters.sojournsMs.max, 251 + 1e-6)
  })
})
