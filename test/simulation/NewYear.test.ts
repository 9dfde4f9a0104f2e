import { assert, describe, it } from "@effect/vitest"
import { QualityExtra } from "../../src/protocol/QualityExtra.ts"
import * as Evening from "../../src/simulation/newyear/Evening.ts"
import * as NewYear from "../../src/simulation/newyear/NewYear.ts"

/** Two small relays, short calls, some minutes. */
const short: Evening.Evening = {
  ...Evening.normal,
  relays: 2,
  capacityPerSecond: 20_000,
  lengthMeanMs: 30_000,
  normalUtilization: 0.3,
  riseFactor: 16,
  beforeMs: 5000,
  midnightMs: 30_000,
  afterMs: 150_000
}

const seeds = Array.from({ length: 100 }, (_, i) => String(i + 1))
const isExtra = (step: string): boolean => QualityExtra.literals.some((extra) => extra === step)
const extras = NewYear.order.filter(isExtra)
const classes = NewYear.order.filter((step) => !isExtra(step))

/** The changes of each relay, in the order in which they came. */
const byRelay = ({ steps }: NewYear.Report): ReadonlyArray<ReadonlyArray<NewYear.RelayChange>> =>
  [...new Set(steps.map(({ relay }) => relay))].map((relay) => steps.filter((change) => change.relay === relay))

/** What a relay gives up after each time at which that has changed. */
const samples = (changes: ReadonlyArray<NewYear.RelayChange>): ReadonlyArray<ReadonlySet<string>> => {
  const givenUp = new Set<string>()
  return changes.flatMap(({ atSeconds, change, step }, i) => {
    if (givenUp.has(step) !== (change === "given-back")) assert.fail(`${step} is ${change} twice`)
    if (change === "given-up") givenUp.add(step)
    else givenUp.delete(step)
    return changes[i + 1]?.atSeconds === atSeconds ? [] : [new Set(givenUp)]
  })
}

const isPrefix = (of: ReadonlyArray<string>, set: ReadonlySet<string>): boolean => {
  const count = of.filter((step) => set.has(step)).length
  return of.slice(0, count).every((step) => set.has(step))
}

const sum = (
  { phases }: NewYear.Report,
  what: "offered" | "admitted" | "refused" | "ongoingDropped",
  className?: string
): number =>
  phases.filter((row) => className === undefined || row.class === className).reduce((sum, row) => sum + row[what], 0)

const evenings = new Map<string, NewYear.Report>()
const evening = (seed: string): NewYear.Report => {
  const report = evenings.get(seed) ?? NewYear.run(short, seed)
  evenings.set(seed, report)
  return report
}

describe("New Year's Eve", { timeout: 60_000 }, () => {
  it("things are given up in the order of the table, each for the first time after all before it", () => {
    for (const seed of seeds) {
      assert.lengthOf(byRelay(evening(seed)), short.relays)
      for (const changes of byRelay(evening(seed))) {
        const first = new Set(changes.filter(({ change }) => change === "given-up").map(({ step }) => step))
        assert.deepStrictEqual([...first], NewYear.order, `seed ${seed}`)
      }
    }
  })

  it("what is given up is a beginning of the table at any time, but for extras, which come back later", () => {
    for (const seed of seeds) {
      for (const changes of byRelay(evening(seed))) {
        for (const givenUp of samples(changes)) {
          const last = NewYear.order.findLastIndex((step) => classes.includes(step) && givenUp.has(step))
          const parts = [classes, extras, NewYear.order.slice(0, last + 1)]
          if (!parts.every((part) => isPrefix(part, givenUp))) assert.fail(`seed ${seed}: ${[...givenUp]}`)
        }
      }
    }
  })

  it("it is given back in the reverse order, classes and extras", () => {
    for (const seed of seeds) {
      for (const changes of byRelay(evening(seed))) {
        const back = changes.filter(({ change }) => change === "given-back").map(({ step }) => step)
        // What the load of every evening takes at the end is not given back yet.
        const atEnd = samples(changes).at(-1)!
        const last = back.filter((step, i) => !back.includes(step, i + 1) && !atEnd.has(step))
        const expected = (of: ReadonlyArray<string>) => of.filter((step) => last.includes(step)).toReversed()
        assert.isAbove(last.length, 5, `seed ${seed}`)
        for (const of of [classes, extras])
          assert.deepStrictEqual(
            last.filter((step) => of.includes(step)),
            expected(of),
            `seed ${seed}`
          )
      }
    }
  })

  it("no call that goes on is lost, and everybody is counted once", () => {
    for (const seed of seeds) {
      const report = evening(seed)
      assert.strictEqual(sum(report, "ongoingDropped"), 0, `seed ${seed}`)
      assert.isAbove(sum(report, "refused"), 0, `seed ${seed}`)
      for (const { admitted, offered, refused } of report.phases) assert.strictEqual(admitted + refused, offered)
    }
  })

  it("once the calls fit again, all is given back within ten seconds", () => {
    for (const seed of seeds) assert.isAtMost(evening(seed).recoverySeconds ?? Infinity, 10, `seed ${seed}`)
  })

  it("packets do not wait longer than 20 ms, and audio between two is let in most", () => {
    const report = evening("1")
    for (const { relayDelayMs } of report.phases) assert.isAtMost(relayDelayMs.p99, 20)
    const kept = (className: string) => sum(report, "admitted", className) / sum(report, "offered", className)
    assert.isAbove(kept("one-to-one-audio"), kept("one-to-one-video"))
    assert.isAbove(kept("one-to-one-video"), kept("group-video"))
  })

  it("without a throttle the same evening ruins the calls that go on", () => {
    for (const seed of seeds.slice(0, 10)) {
      const report = NewYear.run({ ...short, isThrottled: false }, seed)
      assert.strictEqual(sum(report, "refused"), 0)
      assert.deepStrictEqual([report.steps, report.recoverySeconds], [[], null])
      assert.isAbove(sum(report, "ongoingDropped"), 100, `seed ${seed}`)
    }
  })

  it("same seed, same evening; another seed, another evening", () => {
    assert.deepStrictEqual(NewYear.run(short, "1"), evening("1"))
    assert.notDeepEqual(NewYear.run(short, "2"), evening("1"))
  })
})
