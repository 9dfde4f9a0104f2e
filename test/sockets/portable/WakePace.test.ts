import { assert, describe, it } from "@effect/vitest"
import * as WakePace from "../../../src/sockets/portable/WakePace.ts"

/** Batches of `packets`, one every `everyMs`. */
const feed = (pace: WakePace.WakePace, count: number, packets: number, everyMs: number): void => {
  for (let i = 0; i < count; i++) WakePace.handleBatch(pace, packets, Math.max(0, pace.lastAtMs) + everyMs)
}

describe("WakePace", () => {
  it("does not wait while datagrams come one by one", () => {
    const pace = WakePace.make()
    feed(pace, 100, 1, 0.1)
    assert.isFalse(pace.waits)
  })

  it("waits when they come close together, and for as long as that makes batches", () => {
    const pace = WakePace.make()
    feed(pace, 10, 1, 0.005)
    assert.isTrue(pace.waits)
    feed(pace, 100, 5, 0.005)
    assert.isTrue(pace.waits)
    feed(pace, 100, 1, 0.2)
    assert.isFalse(pace.waits)
  })

  it("a burst now and then changes nothing", () => {
    const pace = WakePace.make()
    for (let burst = 0; burst < 20; burst++) {
      feed(pace, 1, 1, 20)
      feed(pace, 5, 1, 0.005)
    }
    assert.isFalse(pace.waits)
  })
})
