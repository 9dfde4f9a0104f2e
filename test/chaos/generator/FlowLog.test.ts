import { assert, describe, it } from "@effect/vitest"
import * as FlowLog from "./FlowLog.ts"

const heard = (...arrivalsMs: ReadonlyArray<number>) => {
  const log = FlowLog.make()
  arrivalsMs.forEach((atMs, number) => FlowLog.handlePacket(log, number, atMs))
  return log
}

describe("FlowLog", () => {
  it("a pause lasts from one arrival to the next", () => {
    assert.deepStrictEqual(FlowLog.pausesBetween(heard(100, 120, 500, 520), 100, 520), [0, 20, 380, 20, 0])
  })

  it("who hears nothing has a pause as long as the window", () => {
    assert.deepStrictEqual(FlowLog.pausesBetween(heard(), 1000, 4000), [3000])
    assert.deepStrictEqual(FlowLog.pausesBetween(heard(20, 40), 1000, 4000), [3000])
  })

  it("the silence before the first and after the last arrival of the window counts", () => {
    assert.deepStrictEqual(FlowLog.pausesBetween(heard(90, 150, 210), 100, 300), [50, 60, 90])
  })

  it("a packet that was sent again counts when it came, between those that overtook it", () => {
    assert.deepStrictEqual(FlowLog.pausesBetween(heard(100, 180, 140, 160), 100, 180), [0, 40, 20, 20, 0])
  })

  it("what was heard before, or comes out of order, is counted and fills no pause", () => {
    const log = heard(100, 120)
    FlowLog.handlePacket(log, 1, 140)
    FlowLog.handlePacket(log, 0, 160)
    assert.strictEqual(log.repeated, 2)
    assert.deepStrictEqual(FlowLog.pausesBetween(log, 100, 200), [0, 20, 80])
  })

  it("keeps the newest arrivals, however many there were", () => {
    const log = heard(...Array.from({ length: 10_000 }, (_, number) => number * 20))
    assert.deepStrictEqual(FlowLog.pausesBetween(log, 199_000, 199_060), [0, 20, 20, 20, 0])
    assert.strictEqual(log.packets, 10_000)
  })
})
