import { assert, describe, it } from "@effect/vitest"
import { Effect, FileSystem } from "effect"
import { TestClock } from "effect/testing"
import * as MachineStalls from "../../src/demo/MachineStalls.ts"

/** Two processors: ticks of 10 ms in which each had nothing to run, and in which the host ran something else. */
const procStat = (...ticks: ReadonlyArray<readonly [idle: number, stolen: number]>) =>
  [
    "cpu  9 9 9 999 9 9 9 999 0 0",
    ...ticks.map(([idle, stolen], cpu) => `cpu${cpu} 10 20 30 ${idle} 50 60 70 ${stolen} 0 0`),
    "intr 1 2 3 4 5 6 7 8",
    ""
  ].join("\n")

/** Two processors, stolen and idle so long. Milliseconds. */
const at = (atMs: number, stolenMs: readonly [number, number], idleMs: readonly [number, number] = [0, 0]) => ({
  atMs,
  processors: [0, 1].map((place) => ({ stolenMs: stolenMs[place]!, idleMs: idleMs[place]! }))
})

describe("MachineStalls", () => {
  it("reads what each processor has not run, and nothing from what is no such text", () => {
    assert.deepStrictEqual(MachineStalls.processorTimes(procStat([5, 3], [7, 12])), [
      { idleMs: 50, stolenMs: 30 },
      { idleMs: 70, stolenMs: 120 }
    ])
    assert.deepStrictEqual(MachineStalls.processorTimes("cpu0 1 2"), [{ idleMs: 0, stolenMs: 0 }])
    assert.deepStrictEqual(MachineStalls.processorTimes(""), [])
  })

  it("a machine stands still while one of its processors does, or nobody is woken, and no longer than it took", () => {
    const stalledMs = (before: MachineStalls.Look, after: MachineStalls.Look) =>
      MachineStalls.stallBetween(before, after, 0).stalledMs
    assert.strictEqual(stalledMs(at(0, [100, 100]), at(26, [100, 100])), 0)
    assert.strictEqual(stalledMs(at(0, [100, 100]), at(45, [120, 130])), 30)
    assert.strictEqual(stalledMs(at(0, [100, 100]), at(125, [100, 100])), 100)
    assert.strictEqual(stalledMs(at(0, [100, 100]), at(26, [100, 150])), 26)
    // A processor that comes is none that was taken away.
    const one = { atMs: 0, processors: [{ idleMs: 0, stolenMs: 100 }] }
    assert.strictEqual(stalledMs(one, at(26, [100, 5000])), 0)
  })

  it("a machine that has stood still catches up until a processor has nothing to run, and not for ever", () => {
    const before = at(0, [0, 0])
    const stall = (after: MachineStalls.Look, owedMs: number) => {
      const { catchUpMs, stalledMs } = MachineStalls.stallBetween(before, after, owedMs)
      const stillOwedMs = MachineStalls.owedAfter(
        before,
        after,
        { fromMs: 0, untilMs: 26, catchUpMs, stalledMs },
        owedMs
      )
      return [stalledMs, catchUpMs, stillOwedMs]
    }
    assert.deepStrictEqual(stall(at(26, [0, 0]), 80), [0, 26, 54])
    assert.deepStrictEqual(stall(at(26, [0, 0]), 10), [0, 10, 0])
    assert.deepStrictEqual(stall(at(26, [0, 0], [0, 10]), 80), [0, 0, 0])
    assert.deepStrictEqual(stall(at(26, [20, 0]), 80), [20, 6, 154])
    assert.deepStrictEqual(stall(at(26, [20, 0], [0, 10]), 80), [20, 0, 80])
    // Where nobody says what processors do, only timers are gone by.
    const nothing = { atMs: 0, processors: [] }
    assert.strictEqual(MachineStalls.stallBetween(nothing, { ...nothing, atMs: 26 }, 80).catchUpMs, 0)
  })

  it("adds up what lies between two moments, and what follows without a break", () => {
    const stalls = [
      { fromMs: 0, untilMs: 25, stalledMs: 10, catchUpMs: 0 },
      { fromMs: 100, untilMs: 150, stalledMs: 30, catchUpMs: 20 },
      { fromMs: 150, untilMs: 400, stalledMs: 225, catchUpMs: 0 },
      { fromMs: 400, untilMs: 425, stalledMs: 0, catchUpMs: 25 },
      { fromMs: 425, untilMs: 450, stalledMs: 10, catchUpMs: 0 }
    ]
    assert.strictEqual(MachineStalls.stalledBetween(stalls, 25, 100), 0)
    assert.strictEqual(MachineStalls.stalledBetween(stalls, 20, 101), 60)
    assert.deepStrictEqual(MachineStalls.report(stalls), { totalMs: 275, catchUpMs: 45, longestMs: 255 })
    assert.deepStrictEqual(MachineStalls.report([]), { totalMs: 0, catchUpMs: 0, longestMs: 0 })
  })

  it.effect("watches until its scope ends", () => {
    let stolen = 0
    let idle = 0
    const files = FileSystem.layerNoop({ readFileString: () => Effect.sync(() => procStat([0, stolen], [idle, 0])) })
    return Effect.gen(function* () {
      const stalls = yield* MachineStalls.watch
      yield* TestClock.adjust("100 millis")
      assert.strictEqual(stalls.length, 0)
      stolen = 2
      yield* TestClock.adjust("50 millis")
      idle = 1
      yield* TestClock.adjust("100 millis")
      assert.deepStrictEqual(
        stalls.map(({ catchUpMs, stalledMs }) => [stalledMs, catchUpMs]),
        [
          [20, 0],
          [0, 25]
        ]
      )
    }).pipe(Effect.scoped, Effect.provide(files))
  })
})
