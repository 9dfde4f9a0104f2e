import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as JitterBuffer from "../../src/media/JitterBuffer.ts"
import * as LegPair from "./LegPair.ts"

const options: JitterBuffer.Options = { clockRate: 48000, delay: { minMs: 100, maxMs: 100 }, repairMs: 0 }
const Seed = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0x7fffffff }))

/** Packet `n` of a stream with 20 ms a packet, whose numbers and timestamps wrap soon. */
const packet = (n: number, arrivedAtMs: number): JitterBuffer.Buffered & { readonly n: number } => ({
  n,
  sequenceNumber: (65530 + n) & 0xffff,
  timestamp: (0xfffffff0 + n * 960) >>> 0,
  arrivedAtMs
})

const make = () => JitterBuffer.make<ReturnType<typeof packet>>(options)
const left = (buffer: ReturnType<typeof make>, nowMs: number) => {
  const out: Array<ReturnType<typeof packet>> = []
  JitterBuffer.poll(buffer, nowMs, out)
  return out.map(({ n }) => n)
}

describe("JitterBuffer", () => {
  it("waits for a gap until the playout time of the packet behind it", () => {
    const buffer = make()
    JitterBuffer.handlePacket(buffer, packet(0, 1000))
    assert.deepStrictEqual(left(buffer, 1099), [])
    assert.deepStrictEqual(left(buffer, 1100), [0])
    JitterBuffer.handlePacket(buffer, packet(2, 1040))
    assert.strictEqual(JitterBuffer.nextDeadlineMs(buffer), 1140)
    assert.deepStrictEqual(left(buffer, 1139), [])
    assert.deepStrictEqual(left(buffer, 1141), [2])
    JitterBuffer.handlePacket(buffer, packet(1, 1142))
    assert.deepStrictEqual(left(buffer, 2000), [])
    assert.strictEqual(buffer.packetsLate, 1)
  })

  it("a repaired packet in time leaves in order, with what waited for it", () => {
    const buffer = make()
    JitterBuffer.handlePacket(buffer, packet(1, 1020))
    JitterBuffer.handlePacket(buffer, packet(2, 1040))
    JitterBuffer.handlePacket(buffer, packet(0, 1060))
    assert.deepStrictEqual(left(buffer, 1120), [0, 1, 2])
    JitterBuffer.handlePacket(buffer, packet(3, 1125))
    assert.deepStrictEqual(left(buffer, 1125), [3])
  })

  it("waits for repair longer than the delay, where what comes late is still of use", () => {
    const buffer = JitterBuffer.make<ReturnType<typeof packet>>({ ...options, repairMs: 1000 })
    JitterBuffer.handlePacket(buffer, packet(0, 1000))
    assert.deepStrictEqual(left(buffer, 1100), [0])
    JitterBuffer.handlePacket(buffer, packet(2, 1040))
    assert.strictEqual(JitterBuffer.nextDeadlineMs(buffer), 2040)
    assert.deepStrictEqual(left(buffer, 1500), [])
    JitterBuffer.handlePacket(buffer, packet(1, 1500))
    assert.deepStrictEqual(left(buffer, 1500), [1, 2])
    JitterBuffer.handlePacket(buffer, packet(4, 1600))
    assert.deepStrictEqual(left(buffer, 2081), [4])
  })

  it.prop("everything leaves once, in order, and nothing stays", [Seed], ([seed]) => {
    const draw = LegPair.dice(seed)
    const buffer = make()
    const arrivals = Array.from({ length: 200 }, (_, n) => packet(n, n * 20 + Math.floor(draw() * 150)))
      .filter(() => draw() > 0.1)
      .sort((a, b) => a.arrivedAtMs - b.arrivedAtMs)
    const out: Array<number> = []
    for (const arrival of arrivals) {
      JitterBuffer.handlePacket(buffer, arrival)
      out.push(...left(buffer, arrival.arrivedAtMs))
    }
    out.push(...left(buffer, 1e9))
    assert.deepStrictEqual(
      out,
      out.toSorted((a, b) => a - b),
      `seed ${seed}`
    )
    assert.strictEqual(out.length + buffer.packetsLate, arrivals.length, `seed ${seed}`)
    assert.strictEqual(new Set(out).size, out.length, `seed ${seed}`)
    assert.strictEqual(buffer.waiting.size, 0)
  })
})
