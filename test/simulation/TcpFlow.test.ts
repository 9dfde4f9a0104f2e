import { assert, describe, it } from "@effect/vitest"
import * as EventHeap from "../../src/simulation/EventHeap.ts"
import * as Link from "../../src/simulation/Link.ts"
import * as LossProcess from "../../src/simulation/LossProcess.ts"
import * as TcpFlow from "../../src/simulation/TcpFlow.ts"

const rateBps = 2_000_000

const bottleneck = (options: Partial<Link.Options> = {}): Link.Link =>
  Link.make(
    { ...Link.perfect, rate: { kind: "constant", rateBps }, queue: { kind: "time", ms: 300 }, ...options },
    "tcp",
    "bottleneck"
  )

const long = (heap: EventHeap.EventHeap, link: Link.Link): TcpFlow.TcpFlow => {
  const flow = TcpFlow.make(heap, link, 100)
  TcpFlow.start(flow, Infinity, heap.nowMs)
  return flow
}

describe("TcpFlow", () => {
  it("fills a link and its queue, and halves when the queue overflows", () => {
    const heap = EventHeap.make()
    const link = bottleneck()
    const { counters } = long(heap, link)
    EventHeap.runUntil(heap, 60_000)
    assert.isAbove((counters.arrivedBytes * 8) / 60, 0.95 * rateBps)
    assert.isAbove(counters.lost, 5)
    assert.isBelow(counters.lost / counters.packets, 0.02)
  })

  it("shares with its like", () => {
    const heap = EventHeap.make()
    const link = bottleneck()
    const flows = [long(heap, link), long(heap, link)]
    EventHeap.runUntil(heap, 120_000)
    const [one, two] = flows.map(({ counters }) => counters.arrivedBytes)
    assert.isAbove(Math.min(one!, two!) / (one! + two!), 0.4)
  })

  it("gets as much as Reno gets through random losses: 1.22 segments over the root of the loss, each round trip", () => {
    const heap = EventHeap.make()
    const link = bottleneck({ rate: { kind: "constant", rateBps: 1e9 }, loss: { kind: "random", lossRatio: 0.01 } })
    const { counters } = long(heap, link)
    EventHeap.runUntil(heap, 300_000)
    const expectedBps = ((1.22 / Math.sqrt(0.01)) * 1500 * 8) / 0.1
    assert.closeTo((counters.arrivedBytes * 8) / 300 / expectedBps, 1, 0.3)
  })

  it("ends each transfer when all has arrived, whatever was lost", () => {
    for (const loss of [LossProcess.none, LossProcess.named.bursts120, { kind: "random", lossRatio: 0.2 } as const]) {
      const heap = EventHeap.make()
      const ends: Array<number> = []
      const flow = TcpFlow.make(heap, bottleneck({ loss }), 100, (nowMs) => {
        ends.push(nowMs)
        if (ends.length < 20) TcpFlow.start(flow, 40_000, nowMs)
      })
      TcpFlow.start(flow, 40_000, 0)
      EventHeap.runUntil(heap, 3_000_000)
      assert.strictEqual(ends.length, 20)
      assert.strictEqual(flow.oldest, 20 * Math.ceil(40_000 / TcpFlow.segmentBytes))
      assert.strictEqual(flow.selected.size, 0)
      if (loss.kind === "none") assert.strictEqual(flow.counters.packets, flow.oldest)
    }
  })
})
