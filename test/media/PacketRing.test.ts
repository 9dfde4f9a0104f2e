import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as PacketRing from "../../src/media/PacketRing.ts"
import * as StreamClock from "../../src/media/StreamClock.ts"
import * as PacketMemory from "../../src/sockets/PacketMemory.ts"

const clock = StreamClock.make("audio", 48000)
const Sizes = Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 400 }))).check(
  Schema.isMinLength(20)
)

/** A packet whose bytes can be told from every other's. */
const packetOf = (n: number, sizeBytes: number) =>
  Uint8Array.from({ length: sizeBytes }, (_, i) => (n * 31 + i * 7) & 0xff)

const readBack = (ring: PacketRing.PacketRing, packet: number) => {
  const offset = PacketRing.offsetOf(ring, packet)
  return ring.memory.bytes.slice(offset, offset + PacketRing.lengthOf(ring, packet))
}

describe("PacketRing", () => {
  it.prop(
    "what it says it has, it has; the newest always, and in order of age",
    [Sizes],
    ([sizes]) => {
      const memory = PacketMemory.make({ receiveSlots: 1, ownerBytes: 2000 })
      const ring = PacketRing.make(memory, memory.ownerOffset, 2000)
      const stored: Array<{ packet: number; bytes: Uint8Array }> = []
      sizes.forEach((size, n) => {
        const bytes = packetOf(n, size)
        stored.push({ packet: PacketRing.storeBytes(ring, bytes, n, clock, n), bytes })
        assert.isTrue(PacketRing.has(ring, stored.at(-1)!.packet))
        let gone = false
        for (const { packet, bytes } of stored.toReversed()) {
          const there = PacketRing.has(ring, packet)
          assert.isFalse(gone && there, "an older packet outlived a newer one")
          if (there) assert.deepStrictEqual(readBack(ring, packet), bytes)
          else gone = true
        }
      })
      assert.isTrue(PacketRing.has(ring, stored.at(-2)!.packet), "two packets of 400 bytes fit into 2000")
    },
    { arbitrary: { size: 200 } }
  )

  it("keeps one and a half seconds when there is room, and no more memory than that needs", () => {
    const capacityBytes = 16 << 20
    const memory = PacketMemory.make({ receiveSlots: 1, ownerBytes: capacityBytes })
    const ring = PacketRing.make(memory, memory.ownerOffset, capacityBytes)
    const bytes = packetOf(1, 1000)
    // 2 MB a second for 20 s.
    let packet = 0
    for (let nowMs = 0; nowMs < 20_000; nowMs += 0.5) packet = PacketRing.storeBytes(ring, bytes, 0, clock, nowMs)
    assert.isTrue(PacketRing.has(ring, packet - 2 * 1499))
    assert.isFalse(PacketRing.has(ring, packet - 2 * 1600))
    assert.isAtMost(ring.lapEnd, 4 << 20)
  })

  it("does not offer for sending what the same batch may overwrite", () => {
    const capacityBytes = 1 << 20
    const memory = PacketMemory.make({ receiveSlots: 1, ownerBytes: capacityBytes })
    const ring = PacketRing.make(memory, memory.ownerOffset, capacityBytes)
    const stored = Array.from({ length: 3000 }, (_, n) => PacketRing.storeBytes(ring, packetOf(n, 1000), 0, clock, 0))
    const offered = stored.filter((packet) => PacketRing.hasForBatch(ring, packet))
    assert.isAbove(offered.length, 900)
    const kept = new Map(offered.map((packet) => [packet, readBack(ring, packet)]))
    for (let n = 0; n < 64; n++) PacketRing.storeBytes(ring, packetOf(n, 1500), 0, clock, 0)
    for (const [packet, bytes] of kept) assert.deepStrictEqual(readBack(ring, packet), bytes)
  })

  it("numbers wrap at 32 bits", () => {
    const memory = PacketMemory.make({ receiveSlots: 1, ownerBytes: 2000 })
    const ring = PacketRing.make(memory, memory.ownerOffset, 2000)
    ring.next = ring.oldest = 0x7fffffff
    const first = PacketRing.storeBytes(ring, packetOf(1, 100), 0, clock, 0)
    const second = PacketRing.storeBytes(ring, packetOf(2, 100), 0, clock, 0)
    assert.deepStrictEqual([first, second], [0x7fffffff, -0x80000000])
    assert.deepStrictEqual(readBack(ring, first), packetOf(1, 100))
    assert.deepStrictEqual(readBack(ring, second), packetOf(2, 100))
    assert.isTrue(PacketRing.has(ring, first) && PacketRing.has(ring, second))
    assert.isFalse(PacketRing.has(ring, second + 1))
  })

  it("keeps what it keeps however long the machine has been running", () => {
    const memory = PacketMemory.make({ receiveSlots: 1, ownerBytes: 1 << 20 })
    const ring = PacketRing.make(memory, memory.ownerOffset, 1 << 20)
    // Milliseconds no longer fit into 31 bits after 25 days.
    const startMs = 2 ** 31 - 1000
    const packets = Array.from({ length: 300 }, (_, n) =>
      PacketRing.storeBytes(ring, packetOf(n, 100), 0, clock, startMs + 20 * n)
    )
    const there = packets.filter((packet) => PacketRing.has(ring, packet))
    assert.strictEqual(there.length, 1 + PacketRing.retentionMs / 20)
  })

  it("gives up what it kept before a silence of a month", () => {
    const memory = PacketMemory.make({ receiveSlots: 1, ownerBytes: 1 << 20 })
    const ring = PacketRing.make(memory, memory.ownerOffset, 1 << 20)
    const old = PacketRing.storeBytes(ring, packetOf(1, 100), 0, clock, 0)
    PacketRing.storeBytes(ring, packetOf(2, 100), 0, clock, 30 * 24 * 3600 * 1000)
    assert.isFalse(PacketRing.has(ring, old))
  })

  it("knows of each packet which stream's clock is its, and of no clock whose packets are gone", () => {
    const memory = PacketMemory.make({ receiveSlots: 1, ownerBytes: 1 << 20 })
    const ring = PacketRing.make(memory, memory.ownerOffset, 1 << 20)
    const clocks = Array.from({ length: 200 }, () => StreamClock.make("audio", 48000))
    const stored = clocks.map((clock) => ({ clock, packet: PacketRing.storeBytes(ring, packetOf(1, 50), 0, clock, 0) }))
    for (const { clock, packet } of stored) assert.strictEqual(PacketRing.clockOf(ring, packet), clock)
    for (let n = 0; n < 200; n++) PacketRing.storeBytes(ring, packetOf(1, 50), 0, clocks[n % 2]!, 2000)
    const known = ring.clocks.clocks.filter((clock) => clock !== undefined)
    assert.sameMembers(known, clocks.slice(0, 2))
  })
})
