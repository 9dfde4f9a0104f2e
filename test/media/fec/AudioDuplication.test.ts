import { assert, describe, it } from "@effect/vitest"
import * as AudioDuplication from "../../../src/media/fec/AudioDuplication.ts"
import * as SeededNumbers from "./SeededNumbers.ts"

const { offAfterMs, onAfterMs } = AudioDuplication

const make = () => {
  const self = AudioDuplication.make()
  let nowMs = 0
  const report = (forMs: number, lossRatio: number, meanBurst = lossRatio > 0 ? 1 : 0) => {
    for (const endMs = nowMs + forMs; nowMs < endMs; nowMs += 100) {
      AudioDuplication.handleReport(self, lossRatio, meanBurst, nowMs)
    }
  }
  const idle = (forMs: number) => {
    nowMs += forMs
  }
  return { self, report, idle }
}

describe("AudioDuplication", () => {
  it("begins when 3 % have been lost for two seconds", () => {
    const { report, self } = make()
    report(onAfterMs, 0.03)
    assert.strictEqual(self.copies, 0)
    report(100, 0.03)
    assert.deepStrictEqual([self.copies, self.distance], [1, 1])
  })

  it("does not begin below, nor for one report with much loss", () => {
    const { report, self } = make()
    report(30_000, 0.029)
    report(100, 0.03)
    assert.strictEqual(self.copies, 0)
    const other = make()
    other.report(5000, 0)
    other.report(100, 0.5)
    other.report(5000, 0)
    assert.strictEqual(other.self.copies, 0)
  })

  it("takes single losses of five packets a report as what they are on average", () => {
    const { report, self } = make()
    for (let i = 0; i < 20; i++) {
      report(300, 0)
      report(100, 0.2)
    }
    assert.strictEqual(self.copies, 1)
  })

  it("ends when less than 1 % has been lost for ten seconds", () => {
    const { report, self } = make()
    report(3000, 0.05)
    report(20_000, 0.011)
    assert.strictEqual(self.copies, 1)
    report(offAfterMs, 0.009)
    assert.strictEqual(self.copies, 0)
  })

  it("stays on for ten seconds, so that seldom bursts do not switch it to and fro", () => {
    const { report, self } = make()
    report(2000, 0)
    report(200, 0.5)
    assert.strictEqual(self.copies, 1)
    report(offAfterMs - 200, 0)
    assert.strictEqual(self.copies, 1)
    report(400, 0)
    assert.strictEqual(self.copies, 0)
  })

  it("a leg that was idle begins with new reports", () => {
    const { idle, report, self } = make()
    report(1900, 0.1)
    idle(60_000)
    report(1900, 0.1)
    assert.strictEqual(self.copies, 0)
    report(300, 0.1)
    assert.strictEqual(self.copies, 1)
  })

  it("copies two packets later while losses come in bursts", () => {
    const { report, self } = make()
    report(5000, 0.05, 2)
    assert.deepStrictEqual([self.copies, self.distance], [1, 2])
    report(5000, 0, 0)
    assert.strictEqual(self.distance, 2)
    report(5000, 0.05, 1)
    assert.strictEqual(self.distance, 1)
  })
})

/** Share of the packets that neither come nor have a copy that does. */
const residual = (isLost: () => boolean, distance: number, packets = 200_000): number => {
  const original = Uint8Array.from({ length: packets }, () => 0)
  let lost = 0
  // The order on the wire: each packet, and behind it the copy of the one before by `distance`.
  for (let i = 0; i < packets; i++) {
    original[i] = isLost() ? 1 : 0
    const isCopyLost = isLost()
    if (i >= distance && original[i - distance] === 1 && isCopyLost) lost++
  }
  return lost / packets
}

describe("one copy of each audio packet", () => {
  it("random loss: 5 % becomes 0.25 %, 10 % becomes 1 %, its square", () => {
    for (const seed of [1, 2, 3]) {
      const next = SeededNumbers.from(seed)
      const five = residual(SeededNumbers.randomLoss(next, 0.05), 1)
      const ten = residual(SeededNumbers.randomLoss(next, 0.1), 1)
      assert.closeTo(five, 0.0025, 0.0005)
      assert.closeTo(ten, 0.01, 0.001)
    }
  })

  it("bursts: two packets later is better than one", () => {
    const at = (distance: number, burst: number) =>
      residual(SeededNumbers.burstLoss(SeededNumbers.from(9), 0.1, burst), distance)
    const figures = [2, 3, 4].map((burst) => ({ burst, one: at(1, burst), two: at(2, burst), three: at(3, burst) }))
    if (process.env["TANDEM_FIGURES"] !== undefined) console.table(figures)
    for (const { one, two } of figures) assert.isBelow(two, one)
    assert.isAtMost(figures[0]!.two, 0.02)
  })
})
