import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as VolumeLog from "../../../src/client/tracks/VolumeLog.ts"
import { ParticipantId } from "../../../src/protocol/Ids.ts"
import { opus, vp8 } from "../Scene.ts"

const ada = ParticipantId.make("ada")
const lin = ParticipantId.make("lin")
const present = [
  ...VolumeLog.sourcesOf("sent", ada, [
    { ...opus, ssrc: 1 },
    { ...vp8, ssrc: 2 }
  ]),
  ...VolumeLog.sourcesOf("received", lin, [{ ...opus, ssrc: 3 }])
]

/** Packets of 20 ms, the first of them number `first`. */
const hear = (log: VolumeLog.VolumeLog, ssrc: number, first: number, levels: ReadonlyArray<number>) =>
  levels.forEach((descriptor, n) => VolumeLog.handlePacket(log, ssrc, { descriptor, timestamp: (first + n) * 960 }))

const said = ({ records }: VolumeLog.VolumeLog) =>
  records.map(({ atMs, audioMs, levelDbov, ssrc }) => [atMs, ssrc, audioMs, levelDbov])

describe("a log of volumes", () => {
  it("has a record for each audio stream each time, of the loudest packet", () => {
    const log = VolumeLog.make()
    VolumeLog.poll(log, present, 0)
    hear(log, 1, 0, [60, 0x80 | 31, 40])
    VolumeLog.poll(log, present, 200)
    VolumeLog.poll(log, present, 400)
    assert.deepStrictEqual(said(log), [
      [0, 1, 0, null],
      [0, 3, 0, null],
      [200, 1, 60, -31],
      [200, 3, 0, null],
      [400, 1, 0, null],
      [400, 3, 0, null]
    ])
    assert.deepStrictEqual(VolumeLog.parse(VolumeLog.format(log)), Result.succeed(log.records))
  })

  it("knows no level of who never says one, and silence of who does", () => {
    const log = VolumeLog.make()
    VolumeLog.poll(log, present, 0)
    hear(log, 3, 0, [127, 127])
    VolumeLog.poll(log, present, 200)
    hear(log, 3, 2, [50])
    VolumeLog.poll(log, present, 400)
    hear(log, 3, 3, [127])
    VolumeLog.poll(log, present, 600)
    const ofLin = said(log).filter(([, ssrc]) => ssrc === 3)
    assert.deepStrictEqual(
      ofLin.map(([, , audioMs, levelDbov]) => [audioMs, levelDbov]),
      [
        [0, null],
        [40, null],
        [20, -50],
        [20, -127]
      ]
    )
  })

  it("forgets who has left, and ignores streams that are not audio", () => {
    const log = VolumeLog.make()
    VolumeLog.poll(log, present, 0)
    hear(log, 2, 0, [0xc0])
    hear(log, 3, 0, [20])
    VolumeLog.poll(log, present.slice(0, 1), 200)
    VolumeLog.poll(log, present, 400)
    assert.deepStrictEqual(said(log).slice(2), [
      [200, 1, 0, null],
      [400, 1, 0, null],
      [400, 3, 0, null]
    ])
  })
})
