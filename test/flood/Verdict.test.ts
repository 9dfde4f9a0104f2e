import { assert, describe, it } from "@effect/vitest"
import * as Figures from "./Figures.ts"
import type { Phase } from "./Timeline.ts"
import * as Verdict from "./Verdict.ts"

const second = (phase: Phase, at: number, about: Partial<Figures.Second> = {}): Figures.Second => ({
  phase,
  second: at,
  offered: { oneToOne: 3, group: 1 },
  admitted: { oneToOne: 3, group: 1 },
  refused: 0,
  delayP99Ms: 2,
  stolenMs: 0,
  ...about
})

const many = (count: number, make: (at: number) => Figures.Second): ReadonlyArray<Figures.Second> =>
  Array.from({ length: count }, (_, at) => make(at))

const flood = (admitted: (at: number) => Figures.Sides) =>
  many(20, (at) =>
    second("flood", at, { offered: { oneToOne: 24, group: 8 }, admitted: admitted(at), refused: 20, delayP99Ms: 4 })
  )

const usual = [
  ...many(10, (at) => second("normal", at)),
  ...flood(() => ({ oneToOne: 8, group: 0 })),
  ...many(12, (at) => second("after", at))
]

const good: Figures.Figures = {
  ongoingDropped: 0,
  normalP99Ms: 2,
  floodP99Ms: 4,
  normalP99OfAllMs: 2,
  floodP99OfAllMs: 4,
  countedRatio: 1,
  lostRatio: 0,
  seconds: usual,
  recoverySeconds: 3,
  residentBytesMax: 300 * 1024 ** 2,
  latenessP99Ms: 1
}

/** One of five rounds is so. */
const brokenBy = (about: Partial<Figures.Figures>): ReadonlyArray<string> =>
  Verdict.make([good, good, good, good, { ...good, ...about }], [])
    .filter(({ holds }) => !holds)
    .map(({ name }) => name)

describe("Verdict", () => {
  it("good rounds keep all promises", () => {
    assert.deepStrictEqual(brokenBy({}), [])
  })

  it("one round that is not good breaks the promise that it is about", () => {
    assert.deepStrictEqual(brokenBy({ ongoingDropped: 1 }), ["ongoing calls"])
    assert.deepStrictEqual(brokenBy({ floodP99Ms: 20 }), ["relay delay"])
    assert.deepStrictEqual(brokenBy({ recoverySeconds: null }), ["recovery"])
    assert.deepStrictEqual(brokenBy({ recoverySeconds: 11 }), ["recovery"])
    assert.deepStrictEqual(brokenBy({ residentBytesMax: 600 * 1024 ** 2 }), ["memory"])
  })

  it("groups are not let in while calls of two are refused", () => {
    const seconds = usual.map((each) =>
      each.phase === "flood" && each.second === 7 ? { ...each, admitted: { oneToOne: 0, group: 8 } } : each
    )
    const [wrong, ...others] = Verdict.make([{ ...good, seconds }], []).filter(({ holds }) => !holds)
    assert.strictEqual(wrong?.name, "relay delay")
    assert.deepStrictEqual(
      others.map(({ measured, name }) => `${name}: ${measured}`),
      ["order of classes: not in: flood 7"]
    )
  })

  it("calls that are let in by fits and starts break the steadiness, once it has had time to settle", () => {
    const swinging = (from: number) => [
      ...usual.filter(({ phase }) => phase !== "flood"),
      ...flood((at) => ({ oneToOne: at >= from && at < from + 4 ? 16 : 8, group: 0 }))
    ]
    assert.isAbove(Verdict.swingOf([swinging(10)]), 0.2)
    assert.strictEqual(Verdict.swingOf([swinging(2)]), 0)
    assert.strictEqual(Verdict.swingOf([usual]), 0)
  })

  it("a delay is bounded by several rounds only", () => {
    assert.isFalse(Verdict.make([good], []).find(({ name }) => name === "relay delay")!.holds)
  })

  it("without the throttle, calls have to be ruined", () => {
    const holds = (about: Partial<Figures.Figures>) => Verdict.make([], [{ ...good, ...about }])[0]!.holds
    assert.isFalse(holds({}))
    assert.isTrue(holds({ floodP99OfAllMs: 900 }))
    assert.isTrue(holds({ lostRatio: 0.2 }))
    assert.isFalse(holds({ floodP99OfAllMs: 900, latenessP99Ms: 600 }))
  })

  it("a generator that was late makes a round void", () => {
    assert.isFalse(Verdict.isVoid(good))
    assert.isTrue(Verdict.isVoid({ ...good, latenessP99Ms: 5.1 }))
    assert.isTrue(Verdict.isVoid({ ...good, latenessP99Ms: NaN }))
  })

  it("so does a host that took the cores away in most seconds of a phase", () => {
    assert.isFalse(Verdict.isVoid({ ...good, countedRatio: 0.5 }))
    assert.isTrue(Verdict.isVoid({ ...good, countedRatio: 0.45 }))
    assert.isTrue(Verdict.isVoid({ ...good, countedRatio: NaN }))
  })
})

describe("recoveryOf", () => {
  const after = (about: (at: number) => Partial<Figures.Second>) => [
    ...many(5, (at) => second("normal", at)),
    ...many(12, (at) => second("after", at, about(at)))
  ]

  it("counts from the end of the flood to the last refusal", () => {
    assert.strictEqual(Figures.recoveryOf(after(() => ({}))), 0)
    assert.strictEqual(Figures.recoveryOf(after((at) => ({ refused: at === 4 ? 1 : 0 }))), 5)
  })

  it("waits for delays as they were, but one bad second later on is none of it", () => {
    assert.strictEqual(Figures.recoveryOf(after((at) => ({ delayP99Ms: at < 3 || at === 9 ? 80 : 3 }))), 3)
  })

  it("does not look at delays of seconds that the host has taken, but at who is refused in them", () => {
    assert.strictEqual(Figures.recoveryOf(after((at) => (at < 2 ? { delayP99Ms: 80, stolenMs: 150 } : {}))), 2)
    assert.strictEqual(Figures.recoveryOf(after((at) => (at === 5 ? { refused: 1, stolenMs: 150 } : {}))), 6)
  })

  it("never, when it stays bad or nothing is heard", () => {
    assert.isNull(Figures.recoveryOf(after(() => ({ delayP99Ms: 80 }))))
    assert.isNull(Figures.recoveryOf(after(() => ({ delayP99Ms: null }))))
  })
})
