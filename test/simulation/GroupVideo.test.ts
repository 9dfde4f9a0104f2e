import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as GroupsRun from "../../src/simulation/groups/GroupsRun.ts"
import * as VideoReport from "../../src/simulation/groups/VideoReport.ts"
import * as VideoRun from "../../src/simulation/groups/VideoRun.ts"
import * as VideoScenarios from "../../src/simulation/groups/VideoScenarios.ts"

/** Some seconds of one core, of which a busy machine may give little. Milliseconds. */
const timeoutMs = 60_000

const still = () => 0

describe("groups with cameras in the laboratory", () => {
  it(
    "of 20 the 17 with good paths see and hear undisturbed by three with poor ones",
    () => {
      const scenario = { ...VideoScenarios.twentyMixed, relays: 1, durationMs: 4000, settleMs: 2500 }
      const seen = VideoRun.run(scenario, GroupsRun, "1", still)
      const { audioStreams, poorPaths, receivers, videoQuality } = VideoReport.of(scenario, [seen], [], [])
      assert.isAbove(videoQuality.good, 3)
      assert.isBelow(videoQuality.poor!, videoQuality.good)
      assert.strictEqual(receivers.good.freezesPerMinute, 0)
      assert.strictEqual(receivers.good.audio.lossRatio, 0)
      assert.isAtMost(audioStreams.max, 4)
      assert.deepStrictEqual(
        poorPaths.map(({ linkKbps }) => linkKbps),
        scenario.poorKbps
      )
    },
    timeoutMs
  )

  it(
    "poor paths are not flooded, not even before anything has been decided",
    () => {
      const scenario = { ...VideoScenarios.twentyMixed, durationMs: 3000, settleMs: 2500 }
      const { viewers } = VideoRun.run(scenario, GroupsRun, "1", still)
      for (const { beginning, linkBps } of viewers.filter(({ isPoor }) => isPoor)) {
        assert.isAtMost(beginning.bps, 1.25 * linkBps)
        assert.isAtMost(beginning.audioPacketsLost / beginning.audioPackets, 0.2)
      }
    },
    timeoutMs
  )

  it(
    "a picture that is scrolled to is there within a second, and the same seed shows the same",
    () => {
      const people = { talkers: 3, noisy: 0, quiet: 8, scrolling: 1, relays: 1 }
      const scenario = { ...VideoScenarios.scrolling, ...people, durationMs: 5500, settleMs: 3000 }
      const report = () => VideoReport.of(scenario, [VideoRun.run(scenario, GroupsRun, "7", still)], [], [])
      const first = report()
      assert.isAbove(first.pictureAfterMs.p50, 0)
      assert.isAtMost(first.pictureAfterMs.p95, 1000)
      assert.deepStrictEqual(report(), first)
    },
    timeoutMs
  )

  it.prop(
    "nobody wishes for himself, or for anybody twice, or for more than nine",
    [Schema.Int.check(Schema.isBetween({ minimum: 2, maximum: 50 })), Schema.Int, Schema.Int, Schema.Boolean],
    ([people, place, talker, isScrolling]) => {
      const device = Math.abs(place % people)
      const speaker = Math.abs(talker % (people + 1)) - 1
      for (const wants of ["stage", "grid"] as const) {
        const wishes = VideoScenarios.wishesOf({ wants }, device, people, isScrolling, speaker, 12_345)
        const from = new Set(wishes.map((wish) => wish.from))
        assert.strictEqual(from.size, wishes.length)
        assert.strictEqual(from.size, Math.min(9, people - 1))
        assert.isFalse(from.has(device))
        const isOnStage = wants === "stage" && !isScrolling && speaker >= 0 && speaker !== device
        assert.strictEqual(wishes.filter(({ place }) => place === "on-stage").length, isOnStage ? 1 : 0)
      }
    }
  )
})
