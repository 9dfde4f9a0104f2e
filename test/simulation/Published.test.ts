import { assert, describe, it } from "@effect/vitest"
import * as AudioSource from "../../src/simulation/AudioSource.ts"
import * as LossProcess from "../../src/simulation/LossProcess.ts"
import * as Published from "../../src/simulation/Published.ts"
import * as Topology from "../../src/simulation/Topology.ts"

/** `tandem simulate published` measures the same over many more calls. */
const claims = Published.run(["1", "2", "3"])

describe("published figures", () => {
  for (const { ci95, claim, expected, holds, measured } of claims) {
    it(`${claim}, in both directions of the call`, () => {
      assert.closeTo(measured, expected, Published.tolerance)
      assert.isTrue(holds)
      assert.isBelow(ci95[1] - ci95[0], 2 * Published.tolerance)
    })
  }

  it("are all there: half, a fifth and 40 % less", () => {
    assert.deepStrictEqual(
      claims.map(({ expected }) => expected),
      [-50, -50, -80, -80, -80, -80, -40]
    )
  })

  it("waits for no reordering where there is none", () => {
    const call = Topology.make({
      seed: "1",
      topology: { kind: "active", delaysMs: [75, 75] },
      access: { loss: LossProcess.named.random2 },
      audio: AudioSource.continuous,
      videoBps: 500_000,
      protects: false
    })
    Topology.runUntil(call, 10_000)
    const { a, b, relays } = call
    const legs = [a.leg, b.leg].concat(relays.flatMap(({ repairs }) => Array.from(repairs.keys())))
    for (const { receive } of legs) assert.strictEqual(receive.nacks.reorderWaitMs, 0)
  })
})
