import { assert, describe, it } from "@effect/vitest"
import * as SimulateText from "../../src/cli/SimulateText.ts"
import * as RepairWorth from "../../src/simulation/RepairWorth.ts"

/** Random losses on a hop of 200 ms, 100 ms of playout: no resend comes in time. */
const far = (lossRatio: number, protects: boolean) => ({ roundTripMs: 200, lossRatio, protects })

describe("what repair leaves of losses, and what it costs", () => {
  it("half a per cent of 10 %, at a third of overhead, and all ends when the loss does", () => {
    const [worth] = RepairWorth.run(["1"], [far(0.1, true)])
    assert.isAtLeast(worth!.videoPacketsPerSecond, 170)
    assert.isAtMost(worth!.videoMissed, 0.005)
    assert.isAtMost(worth!.audioMissed, 0.01)
    assert.isAtMost(worth!.repairShare, 0.35)
    // Copies of audio and late resends among them.
    assert.isAtMost(worth!.repeatedShare, 0.07)
    assert.isAtMost(worth!.repairsEndMs!, 7000)
    assert.isAtMost(worth!.copiesEndMs!, 12_000)
    assert.match(SimulateText.repairWorth([worth!]), /^200 ms +10\.0 % +yes +0\.\d\d %/m)
  })

  it("without repair packets next to all is missed of video; audio has its copies", () => {
    const [worth] = RepairWorth.run(["1"], [far(0.05, false)])
    assert.isAtLeast(worth!.videoMissed, 0.04)
    assert.isAtMost(worth!.audioMissed, 0.005)
    assert.strictEqual(worth!.repairsEndMs, null)
  })
})
