import { assert, describe, it } from "@effect/vitest"
import { Effect, FileSystem } from "effect"
import { TestClock } from "effect/testing"
import * as MachineStalls from "../../src/demo/MachineStalls.ts"

/** Two processors, of which the host has taken so many ticks of 10 ms. */
const procStat = (...ticks: ReadonlyArray<number>) =>
  [
    "cpu  9 9 9 9 9 9 9 999 0 0",
    ...ticks.map((taken, cpu) => `cpu${cpu} 10 20 30 40 50 60 70 ${taken} 0 0`),
    "intr 1 2 3 4 5 6 7 8",
    ""
  ].join("\n")

const at = (atMs: number, ...stolenMs: ReadonlyArray<number>) => ({ atMs, stolenMs })

describe("MachineStalls", () => {
  it("reads what the host took from each processor, and nothing from what is no such text", () => {
    assert.deepStrictEqual(MachineStalls.stolenMsOf(procStat(3, 12)), [30, 120])
    assert.deepStrictEqual(MachineStalls.stolenMsOf("cpu0 1 2"), [0])
    assert.deepStrictEqual(MachineStalls.stolenMsOf(""), [])
  })

  it("a machine stands still while one of its processors does, or nobody is woken, and no longer than it took", () => {
    const stalledMs = (before: ReturnType<typeof at>, after: ReturnType<typeof at>) =>
      MachineStalls.stallBetween(before, after).stalledMs
    assert.strictEqual(stalledMs(at(0, 100, 100), at(26, 100, 100)), 0)
    assert.strictEqual(stalledMs(at(0, 100, 100), at(45, 120, 130)), 30)
    assert.strictEqual(stalledMs(at(0, 100, 100), at(125, 100, 100)), 100)
    assert.strictEqual(stalledMs(at(0, 100, 100), at(26, 100, 150)), 26)
    // A processor that comes and goes is none that was taken away.
    assert.strictEqual(stalledMs(at(0, 100), at(26, 100, 5000)), 0)
  })

  it("adds up what lies between two moments, and what follows without a break", () => {
    const stalls = [
      { fromMs: 0, untilMs: 25, stalledMs: 10 },
      { fromMs: 100, untilMs: 150, stalledMs: 30 },
      { fromMs: 150, untilMs: 400, stalledMs: 225 }
    ]
    assert.strictEqual(MachineStalls.stalledBetween(stalls, 25, 100), 0)
    assert.strictEqual(MachineStalls.stalledBetween(stalls, 20, 101), 40)
    assert.deepStrictEqual(MachineStalls.report(stalls), { totalMs: 265, longestMs: 255 })
    assert.deepStrictEqual(MachineStalls.report([]), { totalMs: 0, longestMs: 0 })
  })

  it.effect("watches until its scope ends", () => {
    let ticks = 0
    const files = FileSystem.layerNoop({ readFileString: () => Effect.sync(() => procStat(0, ticks)) })
    return Effect.gen(function* () {
      const stalls = yield* MachineStalls.watch
      yield* TestClock.adjust("100 millis")
      assert.strictEqual(stalls.length, 0)
      ticks = 2
      yield* TestClock.adjust("100 millis")
      assert.deepStrictEqual(
        stalls.map(({ stalledMs }) => stalledMs),
        [20]
      )
    }).pipe(Effect.scoped, Effect.provide(files))
  })
})
