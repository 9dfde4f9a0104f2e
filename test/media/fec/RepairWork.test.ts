import { assert, describe, it } from "@effect/vitest"
import * as RepairWork from "../../../src/media/fec/RepairWork.ts"

describe("RepairWork", () => {
  it("is as much a second as it says, and saves up that of 100 ms at most", () => {
    const self = RepairWork.make()
    const bytes = 1000
    let done = 0
    for (let nowMs = 1; nowMs <= 1000; nowMs++) {
      RepairWork.refill(self, nowMs)
      done += RepairWork.spend(self, 1_000_000, bytes)
    }
    assert.closeTo(done * bytes, RepairWork.bytesPerSecond + RepairWork.budgetBytesMax, RepairWork.bytesPerSecond / 100)
    assert.strictEqual(self.undone.overBudget, 1_000_000_000 - done)
    RepairWork.refill(self, 60_000)
    assert.strictEqual(self.budgetBytes, RepairWork.budgetBytesMax)
  })
})
