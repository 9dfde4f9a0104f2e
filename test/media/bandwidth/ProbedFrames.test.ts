import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as ProbedFrames from "../../../src/media/bandwidth/ProbedFrames.ts"
import * as LegKind from "../../../src/media/LegKind.ts"

describe("ProbedFrames", () => {
  it("knows the frames of two probes that were sent one after the other before anything was reported", () => {
    const self = ProbedFrames.make(LegKind.device)
    ProbedFrames.start(self, 1, 10)
    ProbedFrames.start(self, 2, 15)
    ProbedFrames.end(self, 22)
    const ids = [9, 10, 14, 15, 21, 22].map((hopSequence) => ProbedFrames.idOf(self, hopSequence))
    assert.deepStrictEqual(ids, [0, 1, 1, 2, 2, 0])
    ProbedFrames.forgetBefore(self, 15)
    assert.deepStrictEqual([ProbedFrames.idOf(self, 14), ProbedFrames.idOf(self, 15)], [0, 2])
  })

  const Step = Schema.Struct({
    does: Schema.Literals(["start", "end", "send", "report"]),
    frames: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 12_000 }))
  })
  it.prop(
    "of every frame that has not been reported, the probe during which it was sent, whenever numbers wrap",
    [Schema.Array(Step)],
    ([steps]) => {
      for (const kind of [LegKind.device, LegKind.trunk]) {
        const self = ProbedFrames.make(kind)
        const sent: Array<{ readonly at: number; readonly probeId: number }> = []
        let probeId = 0
        let probes = 0
        let startedAt = 0
        let next = kind.mask - 5000
        for (const { does, frames } of steps) {
          if (does === "start") {
            probeId = ++probes
            startedAt = next
            ProbedFrames.start(self, probeId, next & kind.mask)
          } else if (does === "end") {
            probeId = 0
            ProbedFrames.end(self, next & kind.mask)
          } else if (does === "send") {
            // A probe is over after some hundred frames; one with half of all numbers could not be told from none.
            if (probeId > 0 && next + frames - startedAt > 30_000) continue
            // Some of them are looked at: the first, and the last.
            if (frames > 0) sent.push({ at: next, probeId }, { at: next + frames - 1, probeId })
            next += frames
          } else {
            sent.length = 0
            ProbedFrames.forgetBefore(self, next & kind.mask)
          }
          while (sent.length > 0 && next - sent[0]!.at > 30_000) sent.shift()
          for (const { at, probeId } of sent) {
            const known = probeId > probes - 4 ? probeId : 0
            assert.strictEqual(ProbedFrames.idOf(self, at & kind.mask), known)
          }
        }
      }
    }
  )
})
