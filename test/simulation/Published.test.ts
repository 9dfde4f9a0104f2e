import { assert, describe, it } from "@effect/vitest"
import * as AudioSource from "../../src/simulation/AudioSource.ts"
import * as LossProcess from "../../src/simulation/LossProcess.ts"
import * as BadAccess from "../../src/simulation/published/BadAccess.ts"
import * as Claim from "../../src/simulation/published/Claim.ts"
import * as FeedbackTime from "../../src/simulation/published/FeedbackTime.ts"
import * as FreezesAndStalls from "../../src/simulation/published/FreezesAndStalls.ts"
import * as RepairTime from "../../src/simulation/published/RepairTime.ts"
import * as ThirdRegion from "../../src/simulation/published/ThirdRegion.ts"
import * as Topology from "../../src/simulation/Topology.ts"

/** `tandem simulate published` measures the same over many more calls. */
const claims = [RepairTime, FeedbackTime].flatMap(({ run }) => run(["1", "2"]))

describe("published figures", () => {
  for (const { ci95, claim, expected, holds, measured } of claims) {
    it(`${claim}, in both directions of the call`, () => {
      assert.closeTo(measured, expected, RepairTime.tolerance)
      assert.isTrue(holds)
      assert.isBelow(ci95[1] - ci95[0], 2 * RepairTime.tolerance)
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

describe("freezes, stalls and detours", () => {
  const seeds = ["1", "2"]
  const durationMs = 1500

  it("are measured under every loss model, with either buffer", () => {
    const claims = FreezesAndStalls.run(seeds, durationMs)
    for (const lossModel of Object.keys(BadAccess.lossModels)) {
      for (const buffer of Object.keys(BadAccess.buffers)) {
        const own = claims.filter(({ claim }) => claim.endsWith(`; ${lossModel}, ${buffer}`))
        assert.deepStrictEqual(
          own.map(({ expected }) => expected),
          [-15, -4]
        )
      }
    }
    assert.strictEqual(claims.length, 12)
  })

  it("are fewer over two relays, where they can be", () => {
    const sumOf = (topology: Topology.Topology, lossModel: BadAccess.LossModelName, buffer: BadAccess.Buffer) =>
      ["1", "2", "3", "4"].reduce(
        (sum, seed) => {
          const outcome = BadAccess.outcomeOf(seed, topology, lossModel, buffer, 20_000)
          return { freezes: sum.freezes + outcome.freezes, stalls: sum.stalls + outcome.stalls }
        },
        { freezes: 0, stalls: 0 }
      )
    const freezes = [BadAccess.one, BadAccess.two].map(
      (topology) => sumOf(topology, "2 % loss", "a delay of 200 ms").freezes
    )
    assert.isAtMost(freezes[1]!, freezes[0]! / 2, String(freezes))
    const stalls = [BadAccess.one, BadAccess.two].map(
      (topology) => sumOf(topology, "bursts of 120 ms", "a delay that adapts").stalls
    )
    assert.isBelow(stalls[1]!, stalls[0]!, String(stalls))
  })

  it("a detour through a third region is heard", () => {
    for (const { measured } of ThirdRegion.run(seeds, durationMs)) assert.isAbove(measured, 0)
  })
})

describe("estimates", () => {
  it("of a mean and of a change of sums have the intervals that textbooks say", () => {
    assert.deepStrictEqual(Claim.meanOf([1, 2, 3, 4]), { measured: 2.5, ci95: [1.23, 3.77] })
    // Every pair changes alike: nothing is uncertain.
    assert.deepStrictEqual(
      Claim.changeOfSums([
        [2, 1],
        [4, 2]
      ]),
      { measured: -50, ci95: [-50, -50] }
    )
    const { ci95, measured } = Claim.changeOfSums([
      [10, 5],
      [0, 3]
    ])
    assert.strictEqual(measured, -20)
    assert.closeTo(ci95[1] - measured, (100 * 1.96 * 3) / 5, 0.01)
    // Two that have gone say little, a hundred much.
    assert.deepStrictEqual(Claim.changeOfSums([[2, 0]]), { measured: -100, ci95: [-100, 50] })
    assert.deepStrictEqual(Claim.changeOfSums([[100, 0]]), { measured: -100, ci95: [-100, -97] })
    assert.deepStrictEqual(Claim.changeOfSums([[0, 3]]), { measured: 0, ci95: [0, 0] })
  })
})
