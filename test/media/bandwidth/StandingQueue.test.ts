import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as DeliveryRate from "../../../src/media/bandwidth/DeliveryRate.ts"
import * as QueueDelay from "../../../src/media/bandwidth/QueueDelay.ts"
import * as QueueDrain from "../../../src/media/bandwidth/QueueDrain.ts"

const hourMs = 3_600_000

/** Ten packets and a report, every 100 ms; what `queueMs` was with each report. */
const watch = (
  reports: number,
  path: (nowMs: number) => { readonly forwardMs: number; readonly backMs?: number; readonly clockMs?: number }
): ReadonlyArray<number> => {
  const queue = QueueDelay.make()
  return Array.from({ length: reports }, (_, report) => {
    const nowMs = 1000 + report * 100
    const { backMs = 20, clockMs = 0, forwardMs } = path(nowMs)
    for (let n = 0; n < 10; n++) {
      const sentAtMs = nowMs - 100 + n * 10
      QueueDelay.handlePacket(queue, { sentAtMs, arrivedAtMs: sentAtMs + forwardMs + clockMs, bytes: 1000 })
    }
    QueueDelay.handleReport(queue, forwardMs + backMs, nowMs)
    return queue.queueMs
  })
}

describe("QueueDelay", () => {
  it("sees a queue with the first report of it, whatever the receiver's clock says", () => {
    for (const clockMs of [0, -hourMs, 24 * hourMs]) {
      const seen = watch(20, (nowMs) => ({ forwardMs: nowMs < 2000 ? 20 : 220, clockMs }))
      assert.isBelow(seen[9]!, 1)
      assert.isAtLeast(seen[10]!, 180)
      assert.isAtMost(seen[10]!, 200)
    }
  })

  it("takes neither a queue on the way back for one, nor a clock that is set, nor one that drifts by 200 ppm", () => {
    const back = watch(50, (nowMs) => ({ forwardMs: 20, backMs: nowMs < 2000 ? 20 : 300 }))
    assert.isBelow(Math.max(...back), 1)
    for (const jumpMs of [hourMs, 500, -500, -hourMs]) {
      const set = watch(50, (nowMs) => ({ forwardMs: 20, clockMs: nowMs < 2000 ? 0 : jumpMs }))
      assert.isBelow(Math.max(...set), 1, `${jumpMs}`)
    }
    const drifting = watch(3000, (nowMs) => ({ forwardMs: 20, clockMs: nowMs * 0.0002 }))
    assert.isBelow(Math.max(...drifting), 5)
  })

  it("takes a path that has become longer for what it is, after twenty seconds at most", () => {
    const seen = watch(300, (nowMs) => ({ forwardMs: nowMs < 2000 ? 20 : 120 }))
    const lastMs = 1000 + seen.findLastIndex((queueMs) => queueMs > 30) * 100
    assert.isAtLeast(lastMs, 10_000)
    assert.isAtMost(lastMs, 22_000)
  })
})

describe("QueueDelay, of a path that stands still", () => {
  /** Packets every 10 ms, which nothing delivers between two times. */
  const hold = (fromMs: number, untilMs: number, lastSentAtMs: number) => {
    const queue = QueueDelay.make()
    for (let sentAtMs = 0; sentAtMs <= lastSentAtMs; sentAtMs += 10) {
      const dueMs = sentAtMs + 20
      const arrivedAtMs = dueMs >= fromMs && dueMs < untilMs ? untilMs : dueMs
      QueueDelay.handlePacket(queue, { sentAtMs, arrivedAtMs, bytes: 1000 })
    }
    return queue
  }

  it("what it delivers at once when it goes on has not stood, however many reports it takes", () => {
    for (let lastSentAtMs = 1000; lastSentAtMs <= 2000; lastSentAtMs += 10) {
      assert.isBelow(hold(1200, 1500, lastSentAtMs).standsMs, 40, `${lastSentAtMs}`)
    }
    // A queue of 300 ms does.
    const queue = QueueDelay.make()
    for (let sentAtMs = 0; sentAtMs <= 1300; sentAtMs += 10) {
      const arrivedAtMs = sentAtMs + (sentAtMs < 1000 ? 20 : 320)
      QueueDelay.handlePacket(queue, { sentAtMs, arrivedAtMs, bytes: 1000 })
    }
    assert.strictEqual(queue.standsMs, 300)
  })
})

describe("DeliveryRate", () => {
  it("is the rate of the arrivals since the last one, and of nothing else", () => {
    const delivery = DeliveryRate.make()
    const arrive = (fromMs: number, everyMs: number, count: number) => {
      for (let n = 0; n < count; n++) {
        DeliveryRate.handlePacket(delivery, { sentAtMs: 0, arrivedAtMs: fromMs + n * everyMs, bytes: 1000 })
      }
      DeliveryRate.handleReport(delivery)
    }
    arrive(0, 10, 3)
    assert.isNaN(delivery.rateBps, "too little time")
    arrive(30, 10, 8)
    assert.closeTo(delivery.rateBps, 800_000, 1)
    arrive(140, 40, 3)
    assert.closeTo(delivery.rateBps, 200_000, 1)
    arrive(230, 10, 2)
    assert.strictEqual(delivery.measuredMs, 0)
    // A clock that was set is no pause in which nothing arrived.
    arrive(hourMs, 10, 11)
    assert.closeTo(delivery.rateBps, 800_000, 1)
  })
})

/** Reports every 100 ms of a queue that gets `queueMs`, and what arrives of it. */
const drain = (
  self: QueueDrain.QueueDrain,
  queuesMs: ReadonlyArray<number>,
  deliveredBps: number,
  fromMs = 0,
  standsMs = 100
) =>
  queuesMs.map((queueMs, i) => {
    const delivery = {
      ...DeliveryRate.make(),
      rateBps: deliveredBps,
      measuredBytes: deliveredBps / 80,
      measuredMs: 100
    }
    QueueDrain.handleReport(self, { queueMs, standsMs, estimateBps: 2_500_000 }, delivery, fromMs + i * 100)
    return { limitBps: self.limitBps, estimateBps: self.estimateBps, isDraining: self.isDraining }
  })

describe("QueueDrain", () => {
  it("sends less than arrives until the queue is empty, and goes on with what it has carried", () => {
    const self = QueueDrain.make()
    const seen = drain(self, [10, 60, 285, 285, 150, 60, 20, 10], 600_000)
    assert.deepStrictEqual(
      seen.map(({ isDraining }) => isDraining),
      [false, false, true, true, true, true, false, false]
    )
    assert.isTrue([0, 1, 6, 7].every((i) => seen[i]!.limitBps === Infinity))
    assert.closeTo(seen[2]!.limitBps, 0.3 * 600_000, 1)
    assert.closeTo(seen[4]!.limitBps, 0.55 * 600_000, 1)
    assert.closeTo(seen[6]!.estimateBps, 0.85 * 600_000, 1)
    assert.isNaN(seen[7]!.estimateBps)
  })

  it("empties nothing that has not stood for a moment", () => {
    const self = QueueDrain.make()
    assert.isFalse(drain(self, [285, 285], 600_000, 0, 39).some(({ isDraining }) => isDraining))
    assert.isTrue(drain(self, [285], 600_000, 200, 40)[0]!.isDraining)
  })

  it("leaves others the queue that does not become shorter, and forgets them when it has", () => {
    const self = QueueDrain.make()
    const busy = drain(self, new Array<number>(30).fill(200), 600_000)
    assert.isTrue(busy[6]!.isDraining)
    assert.isFalse(busy.slice(7).some(({ isDraining }) => isDraining))
    assert.isFalse(drain(self, [150, 250], 600_000, 3000)[1]!.isDraining, "what they have filled before")
    drain(self, new Array<number>(300).fill(0), 600_000, 3200)
    assert.isTrue(drain(self, [100], 600_000, 40_000)[0]!.isDraining)
  })

  const Wait = Schema.Literals([0, 5, 31, 69, 71, 200, 1000, 1e9])
  const Rate = Schema.Literals([0, 1, 30_000, 1e6, 1e12])
  const Step = Schema.Struct({ queueMs: Wait, rateBps: Rate, passedMs: Schema.Literals([0, 100, 1e9, -1e9]) })
  it.prop("never tells more than was thought before, nor what is no rate", [Schema.Array(Step)], ([steps]) => {
    const self = QueueDrain.make()
    let nowMs = 0
    for (const { passedMs, queueMs, rateBps } of steps) {
      nowMs += passedMs
      const [seen] = drain(self, [queueMs], rateBps, nowMs)
      assert.isTrue(seen!.limitBps >= 0 && (seen!.limitBps <= rateBps || seen!.limitBps === Infinity))
      assert.isTrue(Number.isNaN(seen!.estimateBps) || (seen!.estimateBps >= 0 && seen!.estimateBps <= 2_500_000))
      assert.isTrue(self.crossTrafficMs >= 0 && self.crossTrafficMs <= 1e9)
    }
  })
})
