import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Pacer from "../../src/media/Pacer.ts"

interface Sent {
  readonly atMs: number
  readonly bytes: number
}

const { burstMs, packetBytesMax } = Pacer

const make = (estimateBps: number) => {
  const self = Pacer.make()
  Pacer.setRate(self, Pacer.pacingFactor * estimateBps)
  return self
}

/** Sends as much as it may of a queue that is never empty. */
const sendAll = (self: Pacer.Pacer, atMs: number, bytes: number, sent: Array<Sent>) => {
  while (Pacer.isOpen(self, atMs)) {
    Pacer.handleSent(self, bytes, atMs)
    sent.push({ atMs, bytes })
  }
}

/** The most that left in any 10 ms, both ends counted. */
const mostInBurst = (sent: ReadonlyArray<Sent>): number => {
  let most = 0
  let inside = 0
  let first = 0
  for (const { atMs, bytes } of sent) {
    inside += bytes
    while (sent[first]!.atMs < atMs - burstMs) inside -= sent[first++]!.bytes
    most = Math.max(most, inside)
  }
  return most
}

const Bytes = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: packetBytesMax }))
const Estimate = Schema.Literals([30_000, 300_000, 1_000_000, 5_000_000, 50_000_000])

describe("Pacer", () => {
  it.prop(
    "in no 10 ms more than 2.5 times the estimated rate and two packets leave, whenever it is asked",
    [
      Estimate,
      Schema.Array(Schema.Struct({ afterMs: Schema.Literals([0, 0.1, 0.7, 1, 3, 5, 9.9, 10, 400]), bytes: Bytes }))
    ],
    ([estimateBps, polls]) => {
      const self = make(estimateBps)
      const sent: Array<Sent> = []
      let nowMs = 1000.3
      for (const { afterMs, bytes } of polls) {
        nowMs += afterMs
        // Tiny packets are many; the bound is the same.
        sendAll(self, nowMs, Math.max(bytes, estimateBps / 1e5), sent)
      }
      const bytesMax = (Pacer.pacingFactor * estimateBps * burstMs) / 8000 + 2 * packetBytesMax
      assert.isAtMost(mostInBurst(sent), bytesMax)
    },
    { arbitrary: { size: 100 } }
  )

  it.prop(
    "nothing paced follows upon more than that, audio counted, and a debt is over in half a second",
    [Estimate, Schema.Array(Schema.Struct({ afterMs: Schema.Literals([0, 1, 5, 20]), audio: Bytes, bytes: Bytes }))],
    ([estimateBps, polls]) => {
      const self = make(estimateBps)
      const sent: Array<Sent> = []
      const bytesMax = (Pacer.pacingFactor * estimateBps * burstMs) / 8000 + packetBytesMax
      let nowMs = 0
      for (const { afterMs, audio, bytes } of polls) {
        nowMs += afterMs
        Pacer.handleSent(self, audio, nowMs)
        sent.push({ atMs: nowMs, bytes: audio })
        if (Pacer.isOpen(self, nowMs)) {
          const recent = sent.filter(({ atMs }) => atMs >= nowMs - burstMs).reduce((sum, { bytes }) => sum + bytes, 0)
          assert.isAtMost(recent, bytesMax)
          Pacer.handleSent(self, bytes, nowMs)
          sent.push({ atMs: nowMs, bytes })
        }
        assert.isAtMost(Pacer.nextOpenMs(self) - nowMs, Pacer.debtMsMax + 1)
      }
    },
    { arbitrary: { size: 100 } }
  )

  it.prop("is open when it said it would be, and not before", [Estimate, Bytes], ([estimateBps, bytes]) => {
    const self = make(estimateBps)
    let nowMs = 50.5
    for (let n = 0; n < 50; n++) {
      sendAll(self, nowMs, Math.max(bytes, estimateBps / 1e5), [])
      const openMs = Pacer.nextOpenMs(self)
      assert.isAbove(openMs, nowMs)
      // About two bytes or less are not waited for.
      if (openMs - nowMs > 17_000 / self.pacedBps) assert.isFalse(Pacer.isOpen(self, nowMs + (openMs - nowMs) / 2))
      nowMs = openMs
      assert.isTrue(Pacer.isOpen(self, nowMs))
    }
  })

  it.each([
    { everyMs: 1, shareMin: 0.9 },
    { everyMs: 5, shareMin: 0.66 }
  ])(
    "a full queue is sent at most at the rate; asked every $everyMs ms, at $shareMin of it",
    ({ everyMs, shareMin }) => {
      const self = make(4_000_000)
      const sent: Array<Sent> = []
      for (let atMs = 0; atMs < 10_000; atMs += everyMs) sendAll(self, atMs, 1200, sent)
      const share = (sent.reduce((sum, { bytes }) => sum + bytes, 0) * 8) / 10 / self.pacedBps
      assert.isAtMost(share, 1.01)
      assert.isAtLeast(share, shareMin)
    }
  )

  it("what was not sent is not made up for", () => {
    const self = make(400_000)
    assert.isTrue(Pacer.isOpen(self, 0))
    assert.isTrue(Pacer.isOpen(self, 60_000))
    const sent: Array<Sent> = []
    sendAll(self, 60_000, 500, sent)
    assert.isAtMost(sent.length * 500, (1_000_000 * burstMs) / 8000 + 2 * packetBytesMax)
  })

  it("is closed without a rate", () => {
    for (const rateBps of [0, -1, Number.NaN]) {
      const self = make(1_000_000)
      Pacer.setRate(self, rateBps)
      assert.isFalse(Pacer.isOpen(self, 1e6))
      assert.strictEqual(Pacer.nextOpenMs(self), Infinity)
      Pacer.setRate(self, 1_000_000)
      assert.isTrue(Pacer.isOpen(self, 1e6))
    }
  })

  const Step = Schema.Struct({
    stepMs: Schema.Literals([0, 0.5, 3, 1e9, 1e300, -0.5, -1e9, -1e300]),
    bytes: Schema.Union([Schema.Literals([-1, 0, 1, 1200, 65_535, 1e300]), Schema.Number]),
    rateBps: Schema.Union([Schema.Literals([-1, 0, 1e-300, 75_000, 2.5e6, 1e300]), Schema.Number])
  })
  it.prop(
    "is no more than half a second in debt, whatever is sent and wherever the clock goes",
    [Schema.Array(Step)],
    ([steps]) => {
      const self = Pacer.make()
      let nowMs = 0
      for (const { bytes, rateBps, stepMs } of steps) {
        nowMs += stepMs
        Pacer.setRate(self, rateBps)
        Pacer.handleSent(self, bytes, nowMs)
        Pacer.isOpen(self, nowMs)
        assert.isTrue(self.remainingBytes >= (-self.pacedBps * Pacer.debtMsMax) / 8000, `${self.remainingBytes}`)
        assert.isTrue(self.remainingBytes <= (self.pacedBps * burstMs) / 8000 + packetBytesMax)
        assert.isTrue(self.recentBytes >= 0 && self.recentBytes < Infinity)
        assert.isFalse(Number.isNaN(Pacer.nextOpenMs(self)))
      }
    },
    { arbitrary: { size: 80 } }
  )
})
