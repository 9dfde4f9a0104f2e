import { assert, describe, it } from "@effect/vitest"
import * as FreezeMeter from "../../src/simulation/FreezeMeter.ts"
import * as Samples from "../../src/simulation/Samples.ts"
import * as StallMeter from "../../src/simulation/StallMeter.ts"

/** A picture every 40 ms, then one after a pause. */
const afterPause = (pauseMs: number, frames = 40, intervalMs = 40) => {
  const meter = FreezeMeter.make()
  for (let i = 0; i < frames; i++) FreezeMeter.handleFrame(meter, i * intervalMs)
  FreezeMeter.handleFrame(meter, (frames - 1) * intervalMs + pauseMs)
  return meter
}

describe("FreezeMeter", () => {
  it("counts a pause 150 ms longer than the average", () => {
    assert.strictEqual(afterPause(189).freezes, 0)
    assert.strictEqual(afterPause(190).freezes, 1)
    assert.strictEqual(afterPause(190).freezeMs, 190)
  })

  it("counts a pause of three times the average where frames are few", () => {
    assert.strictEqual(afterPause(299, 40, 100).freezes, 0)
    assert.strictEqual(afterPause(300, 40, 100).freezes, 1)
  })

  it("needs six frames to know an average", () => {
    assert.strictEqual(afterPause(1000, 5).freezes, 0)
    assert.strictEqual(afterPause(1000, 6).freezes, 1)
  })

  it("counts a picture that stands still until the end", () => {
    const meter = afterPause(40)
    FreezeMeter.finish(meter, 40 * 40 + 189)
    assert.strictEqual(meter.freezes, 0)
    FreezeMeter.finish(meter, 40 * 40 + 500)
    assert.strictEqual(meter.freezes, 1)
  })
})

describe("StallMeter", () => {
  it("counts what had to be made up, and an interruption from 150 ms on", () => {
    const meter = StallMeter.make()
    StallMeter.handlePacket(meter, 0, false)
    StallMeter.handlePacket(meter, 140, false)
    assert.deepStrictEqual([meter.concealedMs, meter.interruptions], [140, 0])
    StallMeter.handlePacket(meter, 100, true)
    StallMeter.handlePacket(meter, 20, true)
    StallMeter.handlePacket(meter, 0, false)
    assert.deepStrictEqual([meter.concealedMs, meter.interruptions, meter.interruptionMs], [300, 1, 160])
  })
})

describe("Samples", () => {
  it("keeps the shape of what it has seen in bounded memory", () => {
    const samples = Samples.make(64)
    for (let i = 0; i < 10_000; i++) Samples.add(samples, (i * 7919) % 1000)
    assert.strictEqual(samples.count, 10_000)
    assert.strictEqual(samples.max, 999)
    assert.closeTo(Samples.mean(samples), 499.5, 1e-9)
    assert.closeTo(Samples.quantile(samples, 0.5), 500, 120)
    assert.isNaN(Samples.quantile(Samples.make(), 0.5))
  })
})
