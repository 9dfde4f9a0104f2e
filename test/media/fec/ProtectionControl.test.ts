import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as PlayoutBudget from "../../../src/media/PlayoutBudget.ts"
import * as ProtectionControl from "../../../src/media/fec/ProtectionControl.ts"
import * as ResidualLoss from "../../../src/media/fec/ResidualLoss.ts"
import * as SeededNumbers from "./SeededNumbers.ts"

const { aloneTarget, patienceMsMin, overuseHoldMs, quietMs, ratioMax } = ProtectionControl
const usual: ProtectionControl.Report = {
  packets: 25,
  lossRatio: 0.1,
  meanBurst: 1.1,
  roundTripMs: 40,
  blockPackets: 9,
  residualLossRatio: 0,
  isOverusing: false,
  isWithheld: false,
  budgetShare: 1
}
const far = { roundTripMs: 250 }
const residual = { residualLossRatio: 0.02 }
const Seed = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0x7fffffff }))

/** A leg that reports every 100 ms. */
const make = (isParityOnly = false) => {
  const self = ProtectionControl.make(isParityOnly)
  let nowMs = 0
  const report = (forMs: number, changes: Partial<ProtectionControl.Report>) => {
    for (const endMs = nowMs + forMs; nowMs < endMs;) {
      nowMs += 100
      ProtectionControl.handleReport(self, { ...usual, ...changes }, nowMs)
    }
  }
  return { self, report }
}

describe("ProtectionControl", () => {
  it("is off while resends come in time", () => {
    const { report, self } = make()
    report(10_000, {})
    assert.deepStrictEqual([self.isOn, self.ratio], [false, 0])
  })

  it("is on when a resend would come too late, or when loss is left after them", () => {
    for (const reason of [far, { roundTripMs: 81 }, { residualLossRatio: 0.006 }]) {
      const { report, self } = make()
      report(1000, reason)
      assert.isTrue(self.isOn)
      assert.isAtLeast(self.ratio, 0.13 - 1e-9)
    }
  })

  it("alone, blocks are longer, and as many repair packets as leave next to nothing", () => {
    const { report, self } = make()
    report(10_000, residual)
    assert.deepStrictEqual([self.isAlone, self.blockMs], [false, 50])
    assert.closeTo(self.ratio, 0.13, 1e-9)
    for (const blockPackets of [5, 15, 30]) {
      report(10_000, { ...far, blockPackets })
      assert.deepStrictEqual([self.isAlone, self.kind, self.blockMs], [true, "ReedSolomon", PlayoutBudget.blockMsMax])
      const repairs = self.ratio * blockPackets
      assert.isAtLeast(ResidualLoss.of(blockPackets, Math.floor(repairs), 0.1), aloneTarget)
      assert.isAtMost(ResidualLoss.of(blockPackets, Math.ceil(repairs), 0.1), aloneTarget)
    }
    report(10_000, { ...far, blockPackets: 2 })
    assert.strictEqual(self.ratio, ratioMax)
  })

  it("alone with parity, blocks are the longest that leave next to nothing, however long they have been", () => {
    for (const [loss, count] of [
      [0.01, 36],
      [0.02, 8],
      [0.03, 3],
      [0.1, 1]
    ] as const) {
      const ratio = Math.min(ratioMax, 1 / count)
      for (const blockPackets of [2, 8, 30]) {
        const { report, self } = make(true)
        report(10_000, { ...far, lossRatio: loss, blockPackets })
        assert.deepStrictEqual([self.isAlone, self.kind], [true, "Parity"])
        assert.closeTo(self.ratio, Math.max(ratio, 1.3 * loss), 1e-9)
      }
      if (ratio < ratioMax) assert.isAtMost(ResidualLoss.of(count, 1, loss), aloneTarget)
      assert.isAbove(ResidualLoss.of(count + 1, 1, loss), aloneTarget)
    }
  })

  it("the ratio follows the loss that nine of ten reports do not exceed", () => {
    const { report, self } = make()
    for (let i = 0; i < 10; i++) {
      report(800, { ...residual, lossRatio: 0.02 })
      report(200, { ...residual, lossRatio: 0.2 })
    }
    assert.closeTo(self.ratio, 1.3 * 0.2, 1e-9)
    for (let i = 0; i < 10; i++) {
      report(950, { ...residual, lossRatio: 0.02 })
      report(50, { ...residual, lossRatio: 0.2 })
    }
    assert.isAtMost(self.ratio, 1.3 * 0.2)
    report(10_000, { ...residual, lossRatio: 0.04 })
    assert.closeTo(self.ratio, 1.3 * 0.04, 1e-9)
  })

  it("takes at most half, and at most the budget", () => {
    const { report, self } = make()
    report(1000, { ...far, lossRatio: 0.25 })
    assert.strictEqual(self.ratio, ratioMax)
    report(100, { ...far, lossRatio: 0.25, budgetShare: 0.12 })
    assert.strictEqual(self.ratio, 0.12)
    report(100, { ...far, lossRatio: 0.25, budgetShare: -1 })
    assert.strictEqual(self.ratio, 0)
  })

  it("loss that is self-made ends it at once, and it does not count later", () => {
    const { report, self } = make()
    report(1000, { ...residual, lossRatio: 0.05 })
    report(100, { ...residual, lossRatio: 0.4, isOverusing: true })
    assert.deepStrictEqual([self.isOn, self.ratio], [false, 0])
    report(overuseHoldMs - 100, { ...residual, lossRatio: 0.05 })
    assert.isFalse(self.isOn)
    report(100, { ...residual, lossRatio: 0.05 })
    assert.closeTo(self.ratio, 1.3 * 0.05, 1e-9)
  })

  it("where more is lost than half as many repair packets could give back, there are none", () => {
    const { report, self } = make()
    report(5000, { ...far, lossRatio: 0.6 })
    assert.isFalse(self.isOn)
    report(5000, { ...far, lossRatio: 0.2 })
    assert.isTrue(self.isOn)
  })

  it("nothing lost for some seconds ends it", () => {
    const { report, self } = make()
    report(1000, far)
    report(quietMs - 100, { ...far, lossRatio: 0 })
    assert.isTrue(self.isOn)
    report(100, { ...far, lossRatio: 0 })
    assert.isFalse(self.isOn)
  })

  it("a round trip that sways around the budget does not switch it to and fro", () => {
    const { report, self } = make()
    let switched = 0
    for (let i = 0, wasOn = false; i < 200; i++) {
      report(1000, { roundTripMs: i % 2 === 0 ? 75 : 85 })
      if (self.isOn !== wasOn) switched++
      wasOn = self.isOn
    }
    assert.strictEqual(switched, 1)
  })

  it("is patient when it has repaired its own reason, and more so each time that it comes back", () => {
    const { report, self } = make()
    const lastedMs = () => {
      let ms = 0
      for (; self.isOn; ms += 100) report(100, {})
      return ms
    }
    const lasted = [1, 2, 3, 4, 5, 6].map(() => {
      report(100, residual)
      return lastedMs()
    })
    assert.deepStrictEqual(
      lasted,
      [1, 2, 4, 8, 16, 16].map((times) => times * patienceMsMin)
    )
    report(400_000, {})
    report(100, residual)
    assert.strictEqual(lastedMs(), patienceMsMin)
  })

  it("parity alone for few and single losses, Reed-Solomon for bursts and for many", () => {
    const { report, self } = make()
    report(6000, { ...residual, lossRatio: 0.02, meanBurst: 1 })
    assert.strictEqual(self.kind, "Parity")
    report(6000, { ...residual, lossRatio: 0.02, meanBurst: 2 })
    assert.strictEqual(self.kind, "ReedSolomon")
    report(6000, { ...residual, lossRatio: 0.02, meanBurst: 1 })
    assert.strictEqual(self.kind, "Parity")
    report(6000, { ...residual, lossRatio: 0.1, meanBurst: 1 })
    assert.strictEqual(self.kind, "ReedSolomon")
    report(6000, { ...residual, lossRatio: 0.04, meanBurst: 1 })
    assert.strictEqual(self.kind, "ReedSolomon")
  })

  it("is off while it is withheld, knows the loss all the same, and begins as usual when it is allowed again", () => {
    const { report, self } = make()
    report(2000, far)
    assert.isTrue(self.isOn)
    report(100, { ...far, isWithheld: true })
    assert.deepStrictEqual([self.isOn, self.ratio], [false, 0])
    report(30_000, { ...far, isWithheld: true })
    assert.isFalse(self.isOn)
    assert.closeTo(ProtectionControl.recentLossRatio(self), usual.lossRatio, 1e-9)
    // Without a reason of now it stays off.
    report(1000, {})
    assert.isFalse(self.isOn)
    report(100, far)
    assert.isTrue(self.isOn)
    assert.strictEqual(self.patienceMs, patienceMsMin)
  })

  it.prop("whatever is reported, the ratio is between 0 and a half, and 0 when off", [Seed], ([seed]) => {
    const next = SeededNumbers.from(seed)
    const { report, self } = make()
    for (let i = 0; i < 200; i++) {
      const isWithheld = next() < 0.1
      report(100, {
        lossRatio: next() < 0.5 ? 0 : next(),
        meanBurst: next() * 5,
        roundTripMs: next() * 500,
        residualLossRatio: next() < 0.9 ? 0 : next(),
        isOverusing: next() < 0.1,
        isWithheld,
        budgetShare: next() * 2 - 0.5
      })
      if (isWithheld) assert.isFalse(self.isOn)
      assert.isTrue(self.ratio >= 0 && self.ratio <= ratioMax)
      if (!self.isOn) assert.strictEqual(self.ratio, 0)
    }
  })
})
