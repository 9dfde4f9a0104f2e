import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as ProbeResults from "../../../src/media/bandwidth/ProbeResults.ts"

const arrive = (
  self: ProbeResults.ProbeResults,
  probeId: number,
  sentAtMs: number,
  arrivedAtMs: number,
  bytes: number
) => ProbeResults.handlePacket(self, probeId, { sentAtMs, arrivedAtMs, bytes })

/** Ten packets of 1,000 bytes, one every `sendMs`, that arrive one every `receiveMs`, by a clock of their own. */
const report = (self: ProbeResults.ProbeResults, sendMs: number, receiveMs: number, count = 10, probeId = 7) => {
  for (let n = 0; n < count; n++) {
    arrive(self, probeId, 1000 + n * sendMs, 5e6 + n * receiveMs, 1000)
  }
  return ProbeResults.take(self)
}

const started = (probeId = 7) => {
  const self = ProbeResults.make()
  ProbeResults.start(self, probeId, 10, 10_000)
  return self
}

describe("ProbeResults", () => {
  it("the rate at which was sent, when it arrives as fast or nearly so", () => {
    assert.strictEqual(report(started(), 4, 4), 2_000_000)
    assert.strictEqual(report(started(), 4, 3), 2_000_000)
    assert.closeTo(report(started(), 4, 4.2), 1_904_762, 1)
  })

  it("a little less than what arrived, when the path is full", () => {
    assert.strictEqual(report(started(), 4, 8), 0.95 * 1_000_000)
  })

  it("the first that arrives and the last that is sent lie outside of the intervals", () => {
    const self = ProbeResults.make()
    ProbeResults.start(self, 1, 3, 300)
    arrive(self, 1, 0, 0, 1500)
    arrive(self, 1, 5, 5, 1000)
    arrive(self, 1, 10, 10, 500)
    assert.strictEqual(ProbeResults.take(self), 0.95 * ((1500 * 8000) / 10))
  })

  it("nothing of less than 80 % of the packets, or of the bytes", () => {
    assert.isNaN(report(started(), 4, 4, 7))
    assert.strictEqual(report(started(), 4, 4, 8), 2_000_000)
    const self = ProbeResults.make()
    ProbeResults.start(self, 7, 5, 10_001)
    assert.isNaN(report(self, 4, 4, 8))
  })

  it("nothing of what arrived twice as fast as it was sent, took a second, or no time", () => {
    assert.isNaN(report(started(), 4, 1.9))
    assert.isNaN(report(started(), 4, 150))
    assert.isNaN(report(started(), 150, 150))
    assert.isNaN(report(started(), 4, 0))
    assert.isNaN(report(started(), 0, 4))
  })

  it("says it once, and knows a few probes at a time", () => {
    const self = started()
    report(self, 4, 4)
    assert.isNaN(ProbeResults.take(self))
    assert.isNaN(report(self, 4, 4, 10, 8), "a probe that was not started")
    assert.isNaN(report(self, 4, 4, 10, 0), "no probe")
    for (let probeId = 8; probeId < 8 + ProbeResults.probesMax; probeId++) ProbeResults.start(self, probeId, 10, 10_000)
    assert.isNaN(report(self, 4, 4), "forgotten")
    assert.strictEqual(report(self, 4, 4, 10, 8), 2_000_000)
  })

  const Time = Schema.Union([Schema.Literals([-1e300, -1, 0, 0.25, 1, 5, 20, 900, 5000, 1e300]), Schema.Number])
  const Packet = Schema.Struct({
    probeId: Schema.Union([Schema.Literals([0, 1, 2, 3, 0xffff, -1]), Schema.Number]),
    sentAtMs: Time,
    arrivedAtMs: Time,
    bytes: Schema.Union([Schema.Literals([-1, 0, 1, 1200, 1e300]), Schema.Number])
  })
  it.prop(
    "is a rate or nothing, whatever is reported",
    [Schema.Array(Packet)],
    ([packets]) => {
      const self = ProbeResults.make()
      for (const [n, { arrivedAtMs, bytes, probeId, sentAtMs }] of packets.entries()) {
        if (n % 10 === 0) ProbeResults.start(self, 1 + (n % 3), n % 4, n)
        ProbeResults.handlePacket(self, probeId, { sentAtMs, arrivedAtMs, bytes })
        const resultBps = ProbeResults.take(self)
        assert.isTrue(Number.isNaN(resultBps) || (resultBps > 0 && resultBps < Infinity), `${resultBps}`)
      }
    },
    { arbitrary: { size: 100 } }
  )
})
