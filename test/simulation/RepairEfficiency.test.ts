import { assert, describe, it } from "@effect/vitest"
import * as SimulateText from "../../src/cli/SimulateText.ts"
import * as RepairEfficiency from "../../src/simulation/RepairEfficiency.ts"

/** Random losses on a hop of 200 ms, 100 ms of playout: no resend comes in time. */
const far = (lossRatio: number, protects: boolean) => ({ roundTripMs: 200, lossRatio, protects })

describe("what repair leaves of losses, and what it costs", () => {
  it("half a per cent of 10 %, at a third of overhead, and all ends when the loss does", () => {
    const [efficiency] = RepairEfficiency.run(["1", "2", "3"], [far(0.1, true)])
    assert.isAtLeast(efficiency!.videoPacketsPerSecond, 170)
    assert.isAtMost(efficiency!.videoMissed, 0.005)
    assert.isAtMost(efficiency!.audioMissed, 0.01)
    assert.isAtMost(efficiency!.repairShare, 0.35)
    // Copies of audio and late resends among them.
    assert.isAtMost(efficiency!.repeatedShare, 0.07)
    assert.isAtMost(efficiency!.repairsEndMs!, 7000)
    assert.isAtMost(efficiency!.copiesEndMs!, 12_000)
    assert.match(SimulateText.repairEfficiency([efficiency!]), /^200 ms +10\.0 % +yes +0\.\d\d %/m)
  })

  it("without repair packets next to all is missed of video; audio has its copies", () => {
    const [efficiency] = RepairEfficiency.run(["1"], [far(0.05, false)])
    assert.isAtLeast(efficiency!.videoMissed, 0.04)
    assert.isAtMost(efficiency!.audioMissed, 0.005)
    assert.strictEqual(efficiency!.repairsEndMs, null)
  })
})
