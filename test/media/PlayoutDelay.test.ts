import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as DelayHistogram from "../../src/media/DelayHistogram.ts"
import * as JitterBuffer from "../../src/media/JitterBuffer.ts"
import * as PlayoutDelay from "../../src/media/PlayoutDelay.ts"
import * as LegPair from "./LegPair.ts"

const Seed = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0x7fffffff }))
const Jitter = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 300 }))
const bounds = { minMs: 20, maxMs: 400 }
const packetMs = 20
/** Of sums of times. Milliseconds. */
const rounding = 1e-6

/**
 * Lets packets come from one time to another, each so much after its time as `lateMs` says, and by clocks that differ by
 * `shiftMs`; returns how many came too late.
 */
const play = (
  self: PlayoutDelay.PlayoutDelay,
  fromMs: number,
  untilMs: number,
  lateMs: (mediaMs: number) => number,
  shiftMs = 0
): number => {
  const { maxMs, minMs } = self.bounds
  let late = 0
  for (let mediaMs = fromMs; mediaMs < untilMs; mediaMs += packetMs) {
    const wayMs = 70 + lateMs(mediaMs)
    PlayoutDelay.handlePacket(self, wayMs + shiftMs, Math.max(self.lastArrivalMs, mediaMs + wayMs))
    if (wayMs + shiftMs > self.offsetMs + rounding) late++
    const delayMs = PlayoutDelay.delayMs(self)
    if (delayMs < minMs - rounding || delayMs > maxMs + rounding) assert.fail(`a delay of ${delayMs} ms`)
  }
  return late
}

describe("PlayoutDelay", () => {
  it.prop(
    "comes to what 97 % of the half seconds need, and stays in its bounds",
    [Seed, Jitter],
    ([seed, jitterMs]) => {
      const draw = LegPair.dice(seed)
      const self = PlayoutDelay.make(bounds)
      play(self, 0, 30_000, () => jitterMs * draw())
      const late = play(self, 30_000, 60_000, () => jitterMs * draw())
      const delayMs = PlayoutDelay.delayMs(self)
      assert.isAtLeast(delayMs, Math.min(bounds.maxMs, 0.9 * jitterMs), `seed ${seed}`)
      assert.isAtMost(delayMs, Math.max(bounds.minMs, jitterMs + 2 * DelayHistogram.bucketMs), `seed ${seed}`)
      assert.isAtMost(late, 0.03 * 1500, `seed ${seed}`)
    }
  )

  it.prop("follows clocks that drift by 200 ppm, either way", [Seed, Schema.Boolean], ([seed, fast]) => {
    const draw = LegPair.dice(seed)
    const self = PlayoutDelay.make(bounds)
    const drift = (mediaMs: number) => (fast ? -1 : 1) * mediaMs * 200e-6
    play(self, 0, 60_000, (mediaMs) => drift(mediaMs) + 15 * draw())
    const late = play(self, 60_000, 120_000, (mediaMs) => drift(mediaMs) + 15 * draw())
    assert.strictEqual(late, 0, `seed ${seed}`)
    assert.isAtMost(PlayoutDelay.delayMs(self), 40)
  })

  it("grows at once for what comes too late, and gives it back slowly", () => {
    const self = PlayoutDelay.make(bounds)
    play(self, 0, 5000, () => 0)
    assert.closeTo(PlayoutDelay.delayMs(self), 20, 1)
    play(self, 5000, 5020, () => 190)
    assert.closeTo(PlayoutDelay.delayMs(self), 200, rounding)
    // As long as one in 33 half seconds needs it, then 20 ms a second.
    play(self, 5020, 60_000, () => 0)
    let delayMs = PlayoutDelay.delayMs(self)
    for (let mediaMs = 60_000; mediaMs < 70_000; mediaMs += 1000) {
      play(self, mediaMs, mediaMs + 1000, () => 0)
      assert.isAtLeast(PlayoutDelay.delayMs(self), delayMs - 21)
      delayMs = PlayoutDelay.delayMs(self)
    }
    assert.closeTo(delayMs, 20, 1)
  })

  it("a stall takes it to its longest, and not for longer than the stall was", () => {
    for (const beforeMs of [60_000, 5000]) {
      const self = PlayoutDelay.make(bounds)
      play(self, 0, beforeMs, () => 0)
      // All that was held up comes at once.
      const stallMs = 900
      play(self, beforeMs, beforeMs + stallMs, (mediaMs) => beforeMs + stallMs - mediaMs)
      assert.closeTo(PlayoutDelay.delayMs(self), bounds.maxMs, rounding)
      play(self, beforeMs + stallMs, beforeMs + 31_000, () => 0)
      assert.isAtMost(PlayoutDelay.delayMs(self), 300, `after ${beforeMs} ms without`)
    }
  })

  it("one late packet in a long time is not worth a delay", () => {
    const self = PlayoutDelay.make(bounds)
    play(self, 0, 60_000, () => 0)
    assert.strictEqual(
      play(self, 60_000, 60_020, () => 300),
      1
    )
    assert.isAtMost(PlayoutDelay.delayMs(self), 21)
  })

  it("what the application says is kept, however late packets come", () => {
    const self = PlayoutDelay.make(PlayoutDelay.boundsOf(120))
    play(self, 0, 5000, (mediaMs) => (mediaMs % 300) / 3)
    assert.closeTo(PlayoutDelay.delayMs(self), 120, rounding)
    for (const choice of [-1, Infinity, NaN, { minMs: 2, maxMs: 1 }]) {
      assert.throws(() => PlayoutDelay.boundsOf(choice), RangeError)
    }
  })

  it("a clock that jumps, or a path that has become longer, is followed within a second", () => {
    for (const jumpMs of [-50_000, -5000, -300, 500, 5000, 50_000]) {
      const self = PlayoutDelay.make(bounds)
      play(self, 0, 10_000, (mediaMs) => mediaMs % 40)
      play(self, 10_000, 11_100, (mediaMs) => mediaMs % 40, jumpMs)
      assert.strictEqual(
        play(self, 11_100, 40_000, (mediaMs) => mediaMs % 40, jumpMs),
        0,
        `${jumpMs} ms`
      )
      assert.isAtMost(self.offsetMs - 70 - jumpMs, 80)
    }
  })

  it("goes on where timestamps wrap, over and over", () => {
    const options = { clockRate: 90_000, delay: bounds, repairMs: 0 }
    const buffer = JitterBuffer.make<JitterBuffer.Buffered>(options)
    const out: Array<JitterBuffer.Buffered> = []
    for (let number = 0; number < 12_000; number++) {
      const arrivedAtMs = number * 10_000
      const timestamp = (number * 900_000) % 2 ** 32
      JitterBuffer.handlePacket(buffer, { sequenceNumber: number & 0xffff, timestamp, arrivedAtMs })
      JitterBuffer.poll(buffer, arrivedAtMs + 100, out)
      assert.isAtMost(JitterBuffer.playoutMs(buffer, out.at(-1)!), arrivedAtMs + 100)
    }
    assert.strictEqual(out.length, 12_000)
  })
})
