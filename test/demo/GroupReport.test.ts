import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import * as MediaTrack from "../../src/client/tracks/MediaTrack.ts"
import type { Observed } from "../../src/demo/GroupParticipant.ts"
import * as GroupReport from "../../src/demo/GroupReport.ts"
import * as GroupTalk from "../../src/demo/GroupTalk.ts"
import { speechFile } from "../client/Samples.ts"

const relay = { packetsIn: 1, packetsOut: 1, cpuMicrosPerPacket: 1, rssMb: 1 }
const names = ["p1", "p2", "p3"]
const turns = [
  { speaker: 0, fromMs: 1000, untilMs: 2000 },
  { speaker: 1, fromMs: 2000, untilMs: 3000 }
]

/** Units of 20 ms of the talk. */
const units = (from: number, until: number) => Array.from({ length: until - from }, (_, n) => from + n)

/** `heard`: by the number of the speaker, the units of the talk of which something was heard. */
const observed = (n: number, heard: Readonly<Record<number, ReadonlyArray<number>>>): Observed => ({
  name: names[n]!,
  // Timestamps wrap within the talk.
  firstAudioTimestamp: 0xffff_ffff - 48_000 * n,
  audioSsrc: n,
  heard: new Map(
    Object.entries(heard).map(([speaker, units]) => {
      const first = 0xffff_ffff - 48_000 * Number(speaker)
      const startMs = GroupTalk.startOf(Number(speaker), names.length)
      return [Number(speaker), units.map((unit) => (first + Math.ceil(unit * 20 - startMs) * 48) >>> 0)]
    })
  ),
  picturesByHeight: new Map([
    [90, 1],
    [360, 2]
  ]),
  switches: 1,
  sentBytes: 1000,
  receivedBytes: 500
})

const evidence = (participants: ReadonlyArray<Observed>): GroupReport.Evidence => ({
  participants,
  watched: 2,
  turns,
  durationMs: 1000,
  relay
})

describe("a report of a group", () => {
  it("says of each turn who has heard it, and what was missing", () => {
    const report = GroupReport.make(
      evidence([
        observed(0, { 1: units(100, 150) }),
        observed(1, { 0: units(50, 100) }),
        // Misses 100 ms of the first turn, and the whole second one.
        observed(2, { 0: units(55, 100) })
      ])
    )
    assert.deepStrictEqual(report.turns, [
      { speaker: "p1", fromMs: 1000, untilMs: 2000, heardBy: 2, heardShare: 0.95, firstWordCutMs: 100 },
      { speaker: "p2", fromMs: 2000, untilMs: 3000, heardBy: 1, heardShare: 0.5, firstWordCutMs: 1000 }
    ])
    assert.strictEqual(report.audioAtOnceMax, 1)
    assert.deepStrictEqual([report.downlinkKbps, report.everythingKbps, report.downlinkShare], [4, 16, 0.25])
    assert.deepStrictEqual(report.pictures, [
      { heightPixels: 90, share: 0.333 },
      { heightPixels: 360, share: 0.667 }
    ])
    assert.strictEqual(report.layerSwitches, 3)
    assert.match(
      GroupReport.format(report),
      /^1\.0 to 2\.0 s: p1 talks, heard by 2 of 2, 95\.0 % of it; at most 100 ms/
    )
    assert.deepStrictEqual(Schema.decodeUnknownSync(GroupReport.GroupReport)(report), report)
  })

  it("counts who is heard at once, from the first turn on", () => {
    const report = GroupReport.make(
      evidence([observed(0, { 1: units(0, 150), 2: units(0, 75) }), observed(1, {}), observed(2, {})])
    )
    assert.strictEqual(report.audioAtOnceMax, 2)
    // Of 100 units of each of three: 25 with two, 75 with one.
    assert.strictEqual(report.audioAtOnceMean, 0.4)
  })
})

describe("the talk of a group", () => {
  it("has one speaker at a time, and says so with the audio", () => {
    const participants = 5
    const all = GroupTalk.turnsOf(participants)
    for (const [n, { fromMs }] of all.entries()) assert.isTrue(n === 0 || fromMs > all[n - 1]!.untilMs)
    assert.isBelow(all.at(-1)!.untilMs, GroupTalk.durationMs)
    const file = Result.getOrThrow(MediaTrack.ofOggOpus(speechFile))
    for (let n = 0; n < participants; n++) {
      const startMs = GroupTalk.startOf(n, participants)
      const { frames } = GroupTalk.audioOf(file, n, participants, all)
      assert.isAtLeast(startMs + frames.at(-1)!.timeMs, GroupTalk.durationMs - 20)
      for (const { audioLevel, timeMs } of frames) {
        const talks = all.some(
          ({ fromMs, speaker, untilMs }) => speaker === n && startMs + timeMs >= fromMs && startMs + timeMs < untilMs
        )
        assert.strictEqual(audioLevel! < 40, talks)
      }
    }
  })
})
