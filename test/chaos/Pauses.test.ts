import { assert, describe, it } from "@effect/vitest"
import { type HeardFlow, longPauseMs } from "./generator/Order.ts"
import * as Pauses from "./Pauses.ts"

const flow = (pauses: number, ...longPausesMs: ReadonlyArray<number>): HeardFlow => ({
  sender: 0,
  receiver: 1,
  gapMs: Math.max(20, ...longPausesMs),
  silentForMs: 20,
  pauses,
  longPausesMs
})

describe("Pauses", () => {
  it("a thousandth of all pauses is longer than the 99.9th percentile", () => {
    assert.strictEqual(Pauses.quantileMs([flow(1500, 40, 70), flow(1500, 90, 50)], 0.999), 40)
  })

  it("pauses that are not long are told apart from none", () => {
    assert.strictEqual(Pauses.quantileMs([flow(1500, 70)], 0.999), longPauseMs)
    assert.strictEqual(Pauses.quantileMs([], 0.999), longPauseMs)
  })
})
