import { assert, describe, it } from "@effect/vitest"
import * as PacketGroups from "../../../src/media/bandwidth/PacketGroups.ts"
import { Steps } from "./Steps.ts"

/** Of each pair of groups: distance when sent, distance on arrival, difference in bytes. */
const deltasOf = (
  packets: ReadonlyArray<readonly [sentAtMs: number, arrivedAtMs: number, bytes?: number, nowMs?: number]>
): ReadonlyArray<ReadonlyArray<number>> => {
  const groups = PacketGroups.make()
  const deltas: Array<ReadonlyArray<number>> = []
  for (const [sentAtMs, arrivedAtMs, bytes = 100, nowMs = sentAtMs] of packets) {
    if (!PacketGroups.handlePacket(groups, { sentAtMs, arrivedAtMs, bytes }, nowMs)) continue
    deltas.push([groups.sendDeltaMs, groups.arrivalDeltaMs, groups.bytesDelta])
  }
  return deltas
}

/** Receiver's clock of a path without a queue. */
const offsetMs = 7_000_000

describe("PacketGroups", () => {
  it("compares the last packets of two groups, when the next begins", () => {
    const packets = [0, 2, 5, 30, 33, 60].map((sentAtMs) => [sentAtMs, offsetMs + sentAtMs * 1.5] as const)
    assert.deepStrictEqual(deltasOf(packets), [[28, 42, -100]])
  })

  it("one group for what arrives in a row, though it was sent far apart", () => {
    // The link stood still from 20 to 90 ms, and then delivered five packets at once.
    const held = [20, 30, 40, 50, 60].map((sentAtMs, n) => [sentAtMs, offsetMs + 90 + n] as const)
    const packets = [[0, offsetMs], ...held, [100, offsetMs + 104], [110, offsetMs + 114]] as const
    assert.deepStrictEqual(deltasOf(packets), [
      [60, 94, 400],
      [40, 10, -400]
    ])
  })

  it("leaves out one group that was held up; of a queue the next one tells, too", () => {
    // The path stood still from 50 to 250 ms.
    const held = [0, 20, 40, 60, 260, 280, 300]
    const stood = held.map((sentAtMs) => [sentAtMs, offsetMs + (sentAtMs === 60 ? 250 : sentAtMs)] as const)
    assert.deepStrictEqual(deltasOf(stood), [
      [20, 20, 0],
      [20, 20, 0],
      [220, 220, 0],
      [20, 20, 0]
    ])
    const queued = held.map((sentAtMs) => [sentAtMs, offsetMs + sentAtMs + (sentAtMs >= 60 ? 190 : 0)] as const)
    assert.deepStrictEqual(deltasOf(queued), [
      [20, 20, 0],
      [20, 20, 0],
      [220, 410, 0],
      [20, 20, 0]
    ])
  })

  it("a burst does not go on for ever", () => {
    // Sent every 10 ms, arriving every 4 ms: a queue that empties. Groups of 100 ms on arrival.
    const packets = Array.from({ length: 120 }, (_, n) => [n * 10, offsetMs + n * 4] as const)
    const deltas = deltasOf(packets)
    assert.isAtLeast(deltas.length, 3)
    for (const [, arrivalDeltaMs] of deltas) assert.isAtMost(arrivalDeltaMs!, 104)
  })

  it("leaves out what was overtaken, and a group that arrives before the one before it", () => {
    const packets = [
      [0, 0],
      [20, 20],
      [10, 21],
      [40, 12],
      [60, 60],
      [80, 80]
    ] as const
    assert.deepStrictEqual(deltasOf(packets), [
      [20, 20, 0],
      [40, 40, 0]
    ])
  })

  it.prop("the deltas add up to what has passed, however a clock is off", [Steps], ([steps]) => {
    const groups = PacketGroups.make()
    let sentAtMs = 0
    let sent = 0
    let arrived = 0
    for (const [, , bytes] of steps) {
      sentAtMs += 10
      const arrivedAtMs = offsetMs + sentAtMs * 1.0002
      if (!PacketGroups.handlePacket(groups, { sentAtMs, arrivedAtMs, bytes }, sentAtMs)) continue
      sent += groups.sendDeltaMs
      arrived += groups.arrivalDeltaMs
    }
    assert.strictEqual(sent, (steps.length - 2) * 10)
    assert.closeTo(arrived, sent * 1.0002, 1e-3)
  })

  for (const jumpMs of [3_600_000, 4000, -400, -4000, -3_600_000]) {
    it(`goes on within a few groups when the receiver's clock is set by ${jumpMs} ms`, () => {
      const arrivedAtMs = (n: number): number => offsetMs + n * 10 + (n < 20 ? 0 : jumpMs)
      const deltas = deltasOf(Array.from({ length: 40 }, (_, n) => [n * 10, arrivedAtMs(n)] as const))
      // Without the jump there are 38. One that is too large for reordering need not come three times.
      assert.isAtLeast(deltas.length, jumpMs === -400 ? 34 : 36)
      for (const [sendDeltaMs, arrivalDeltaMs] of deltas) assert.strictEqual(arrivalDeltaMs, sendDeltaMs)
    })

    it(`and when the sender's is set by ${jumpMs} ms`, () => {
      const sentAtMs = (n: number): number => n * 10 + (n < 20 ? 0 : jumpMs)
      const packets = Array.from({ length: 100 }, (_, n) => [sentAtMs(n), offsetMs + n * 10, 100, n * 10] as const)
      const deltas = deltasOf(packets)
      assert.isAtLeast(deltas.length, 50)
      // What was overtaken by the clock is left out: one pair spans it.
      const odd = deltas.filter(([sendDeltaMs, arrivalDeltaMs]) => sendDeltaMs !== arrivalDeltaMs)
      assert.isAtMost(odd.length, jumpMs === -400 ? 1 : 0)
    })
  }

  it.prop(
    "whatever the clocks do: deltas are finite, later groups are sent later and arrive later",
    [Steps],
    ([steps]) => {
      const groups = PacketGroups.make()
      let [sentAtMs, arrivedAtMs, nowMs] = [0, 0, 0]
      for (const [sendMs, arriveMs, bytes, passMs] of steps) {
        sentAtMs += sendMs
        arrivedAtMs += arriveMs
        nowMs += passMs
        if (!PacketGroups.handlePacket(groups, { sentAtMs, arrivedAtMs, bytes }, nowMs)) continue
        assert.isTrue(groups.sendDeltaMs > 0 && groups.sendDeltaMs < Infinity)
        assert.isTrue(groups.arrivalDeltaMs >= 0 && groups.arrivalDeltaMs < Infinity)
        assert.isTrue(Number.isFinite(groups.bytesDelta))
      }
    }
  )
})
