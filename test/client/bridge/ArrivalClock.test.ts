import { assert, describe, it } from "@effect/vitest"
import { Arbitrary } from "effect"
import * as ArrivalClock from "../../../src/client/bridge/ArrivalClock.ts"
import { integer, sized } from "../Samples.ts"

const clockRate = 90_000

describe("ArrivalClock", () => {
  it("knows nothing before the first packet", () => {
    assert.isUndefined(ArrivalClock.timestampAt(ArrivalClock.make(clockRate), 5))
  })

  it.prop(
    "goes by the packet that was under way shortest, wherever the wrap falls",
    [integer(0, 0xffffffff), Arbitrary.array(integer(0, 200), { minLength: 2, maxLength: 150 })],
    ([start, delays]) => {
      const self = ArrivalClock.make(clockRate)
      // A picture every 33 ms, five seconds at most: one window.
      const packets = delays.map((delayMs, i) => ({ sentMs: 33 * i, arrivesMs: 33 * i + delayMs }))
      packets.sort((a, b) => a.arrivesMs - b.arrivesMs)
      for (const { arrivesMs, sentMs } of packets)
        ArrivalClock.handlePacket(self, (start + sentMs * 90) >>> 0, arrivesMs)
      const lastMs = packets.at(-1)!.arrivesMs
      const shortestMs = Math.min(...delays)
      for (const nowMs of [lastMs, lastMs + 1000]) {
        assert.strictEqual(ArrivalClock.timestampAt(self, nowMs), (start + (nowMs - shortestMs) * 90) >>> 0)
      }
    },
    sized(150)
  )

  it("follows a clock that runs at another speed, within a millisecond", () => {
    const self = ArrivalClock.make(clockRate)
    const startMs = 1_000_000
    for (let nowMs = startMs; nowMs < startMs + 600_000; nowMs += 20) {
      const lateMs = 6 - ((nowMs / 20) % 7)
      const trueTicks = Math.round(nowMs * 90 * 1.0001)
      ArrivalClock.handlePacket(self, trueTicks, nowMs + lateMs)
      const errorMs = (ArrivalClock.timestampAt(self, nowMs)! - trueTicks) / 90
      assert.isAtMost(Math.abs(errorMs), nowMs < startMs + 140 ? 6.1 : 1.1, `at ${nowMs}`)
    }
  })

  it("forgets a time when packets came faster", () => {
    const self = ArrivalClock.make(clockRate)
    for (let nowMs = 0; nowMs < 1000; nowMs += 20) ArrivalClock.handlePacket(self, nowMs * 90, nowMs)
    for (let nowMs = 1000; nowMs < 12_000; nowMs += 20) ArrivalClock.handlePacket(self, (nowMs - 80) * 90, nowMs)
    assert.strictEqual(ArrivalClock.timestampAt(self, 12_000), (12_000 - 80) * 90)
  })

  it("begins anew with a sender that does", () => {
    const self = ArrivalClock.make(clockRate)
    ArrivalClock.handlePacket(self, 1000, 0)
    ArrivalClock.handlePacket(self, 0x8000_0000, 40)
    assert.strictEqual(ArrivalClock.timestampAt(self, 50), 0x8000_0000 + 900)
    // Two windows of silence: what was before does not count any more.
    ArrivalClock.handlePacket(self, 0x8000_0000 + 90 * 20_000, 20_100)
    assert.strictEqual(ArrivalClock.timestampAt(self, 20_100), 0x8000_0000 + 90 * 20_000)
  })
})
