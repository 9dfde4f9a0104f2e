import { assert, describe, it } from "@effect/vitest"
import * as TalkRun from "./TalkRun.ts"

/** Three minutes each: an hour together. */
const seeds = Array.from({ length: 20 }, (_, i) => `talk-${i}`)
const figuresOf = (noisy: number) => {
  const runs = seeds.map((seed) => TalkRun.run({ talkers: 4, noisy, quiet: 2, durationMs: 180_000 }, seed))
  const total = (of: (run: TalkRun.TalkRun) => number): number => runs.reduce((sum, run) => sum + of(run), 0)
  const minutes = total((run) => run.minutes)
  return {
    delaysMs: runs.flatMap((run) => run.delaysMs),
    delaysOverSilenceMs: runs.flatMap((run) => run.delaysOverSilenceMs),
    noiseAMinute: total((run) => run.switchesToNoise) / minutes,
    listenersAMinute: total((run) => run.switchesToListeners) / minutes,
    changesAMinute: total((run) => run.audibleChanges) / minutes,
    dominantShare: total((run) => run.dominantShare) / runs.length,
    audibleShare: total((run) => run.audibleShare) / runs.length,
    audibleShareOfAll: total((run) => run.audibleShareOfAll) / runs.length
  }
}
const p95 = (values: ReadonlyArray<number>): number => TalkRun.quantile(values, 0.95)

/** The figures of docs/algorithms/dominant-speaker.md, with some room. The same on every machine, for nothing here is timed. */
describe("a simulated talk of an hour", () => {
  it("of four who talk: who begins over silence is dominant within 600 ms, and nobody else becomes it", () => {
    const figures = figuresOf(0)
    assert.isAtLeast(figures.delaysOverSilenceMs.length, 200)
    assert.isAtMost(p95(figures.delaysOverSilenceMs), 500)
    assert.isAtMost(p95(figures.delaysMs), 1200)
    assert.isAtMost(figures.listenersAMinute, 0.3)
    assert.strictEqual(figures.noiseAMinute, 0)
    assert.isAtLeast(figures.audibleShare, 0.999)
    assert.isAtLeast(figures.audibleShareOfAll, 0.99)
    assert.isAtMost(figures.changesAMinute, 3)
  })

  it("with two more who cough and type: still, and at most one of them in a minute becomes dominant", () => {
    const figures = figuresOf(2)
    assert.isAtMost(p95(figures.delaysOverSilenceMs), 600)
    assert.isAtMost(p95(figures.delaysMs), 1250)
    assert.isAtMost(figures.noiseAMinute, 1)
    assert.isAtMost(figures.listenersAMinute, 0.3)
    assert.isAtLeast(figures.dominantShare, 0.99)
    assert.isAtLeast(figures.audibleShare, 0.999)
    assert.isAtLeast(figures.audibleShareOfAll, 0.98)
  })
})
