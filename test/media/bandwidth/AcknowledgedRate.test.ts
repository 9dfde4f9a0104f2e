import { assert, describe, it } from "@effect/vitest"
import * as AcknowledgedRate from "../../../src/media/bandwidth/AcknowledgedRate.ts"
import * as LegPair from "../LegPair.ts"
import { Steps } from "./Steps.ts"

const receiveAt = (rate: AcknowledgedRate.AcknowledgedRate, arrivedAtMs: number, bytes: number): void =>
  AcknowledgedRate.handlePacket(rate, { sentAtMs: NaN, arrivedAtMs, bytes })

/** Packets of 1000 bytes at even distances; the time after the last. */
const receive = (rate: AcknowledgedRate.AcknowledgedRate, rateBps: number, fromMs: number, untilMs: number): void => {
  for (let atMs = fromMs; atMs < untilMs; atMs += 8_000_000 / rateBps) receiveAt(rate, atMs, 1000)
}

describe("AcknowledgedRate", () => {
  it("is known after half a second, and then it is right", () => {
    const rate = AcknowledgedRate.make()
    receive(rate, 1e6, 0, 500)
    assert.isNaN(rate.rateBps)
    receive(rate, 1e6, 500, 1000)
    assert.closeTo(rate.rateBps, 1e6, 0.05e6)
  })

  it("follows what lasts, and hardly one window that does not fit", () => {
    const rate = AcknowledgedRate.make()
    receive(rate, 1e6, 0, 3000)
    receive(rate, 0.3e6, 3000, 3160)
    assert.isAtLeast(rate.rateBps, 0.75e6)
    receive(rate, 0.3e6, 3160, 5000)
    assert.closeTo(rate.rateBps, 0.3e6, 0.05e6)
  })

  it("rises faster when it has been told that the application sends again", () => {
    const after = (isTold: boolean): number => {
      const rate = AcknowledgedRate.make()
      receive(rate, 0.2e6, 0, 3000)
      if (isTold) AcknowledgedRate.expectChange(rate)
      receive(rate, 1e6, 3000, 3500)
      return rate.rateBps
    }
    assert.isAbove(after(true), 1.5 * after(false))
  })

  it("loses nothing where packets overtake each other", () => {
    const draw = LegPair.dice(7)
    const rate = AcknowledgedRate.make()
    for (let n = 0; n < 2000; n++) receiveAt(rate, n * 8 + draw() * 40, 1000)
    assert.closeTo(rate.rateBps, 1e6, 0.12e6)
  })

  it("takes no pause, and no clock that is set, for a rate", () => {
    for (const jumpMs of [5000, 3_600_000, -5000, -3_600_000]) {
      const rate = AcknowledgedRate.make()
      receive(rate, 1e6, 0, 3000)
      const before = rate.rateBps
      receive(rate, 1e6, 3000 + jumpMs, 3100 + jumpMs)
      assert.closeTo(rate.rateBps, before, 0.15e6, `${jumpMs} ms`)
    }
  })

  it.prop("is never NaN, negative, or more than has arrived in any window", [Steps], ([steps]) => {
    const rate = AcknowledgedRate.make()
    let arrivedAtMs = 0
    let bytesSum = 0
    for (const [, arriveMs, bytes] of steps) {
      arrivedAtMs += arriveMs
      bytesSum += bytes
      receiveAt(rate, arrivedAtMs, bytes)
      const { rateBps } = rate
      if (!Number.isNaN(rateBps)) assert.isTrue(rateBps >= 0 && rateBps <= (bytesSum * 8000) / 150, `${rateBps}`)
      assert.isTrue(rate.variance >= 0 && rate.variance < Infinity)
    }
  })
})
