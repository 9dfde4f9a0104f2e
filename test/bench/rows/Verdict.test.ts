import { assert, describe, it } from "@effect/vitest"
import type { RunReport } from "../load/LoadOrder.ts"
import * as DgramRelay from "../relays/DgramRelay.ts"
import type { Relay } from "../relays/Relay.ts"
import * as Cases from "./Cases.ts"
import type { Run } from "./ForwardingRows.ts"
import * as Verdict from "./Verdict.ts"

const { c } = Cases
const other: Relay = { ...DgramRelay.relay, name: "other" }
const third: Relay = { ...DgramRelay.relay, name: "third" }

const quantiles = { p50: 0.1, p95: 0.2, p99: 0.3 }
const good: RunReport = {
  sent: 10_000,
  received: 10_000,
  wrong: 0,
  offeredPerSecond: 10_000,
  packetsPerSecond: 10_000,
  cpuMicros: 10,
  systemShare: 0.5,
  relayBusy: 0.1,
  delayMs: quantiles,
  lateMs: quantiles
}

type Told = Partial<RunReport> & { readonly packetsOut?: number; readonly askedPerSecond?: number }
const runOf = ({ askedPerSecond, packetsOut, ...report }: Told): Run => ({
  report: { ...good, ...report },
  ...(packetsOut === undefined ? {} : { packetsOut }),
  ...(askedPerSecond === undefined ? {} : { askedPerSecond })
})

const load: Cases.Case = {
  ...Cases.capacity,
  name: "pair",
  relays: [c, other, third],
  promises: [
    { relay: other, ratioTo: c, max: 1.2 },
    { relay: other, ratioTo: third, max: 0.75 },
    { relay: other, of: "p99", max: 1000 },
    { relay: other, of: "lossRatio", max: 0.0001 }
  ]
}

interface Session {
  readonly load?: Partial<Cases.Case>
  /** Left out: it does well. `undefined`: this machine does not have it. */
  readonly c?: ReadonlyArray<Told> | undefined
  readonly third?: ReadonlyArray<Told> | undefined
}

/** The row of the relay that the promises are about, when it did this. */
const rowWhen = (told: ReadonlyArray<Told>, session: Session = {}) => {
  const runs = new Map([[other, told.map(runOf)]])
  const missing = new Map<Relay, string>()
  for (const [relay, name] of [
    [c, "c"],
    [third, "third"]
  ] as const) {
    const theirs = name in session ? session[name] : told.map(() => ({}))
    if (theirs === undefined) missing.set(relay, `there is no ${name}`)
    else runs.set(relay, theirs.map(runOf))
  }
  const rows = Verdict.rowsOf({ load: { ...load, ...session.load }, runs }, missing)
  const [row, ...more] = rows.filter(({ relay }) => relay === other.name)
  assert.isDefined(row)
  return { row: row!, more }
}

describe("Verdict", () => {
  it("compares round by round, and tells how far the rounds lie apart", () => {
    const { row } = rowWhen([{ cpuMicros: 13 }, { cpuMicros: 11 }, { cpuMicros: 20 }])
    assert.strictEqual(row.cpuMicrosPerPacket, 13)
    assert.strictEqual(row.ratioToC, 1.3)
    assert.deepStrictEqual(row.spread?.["times C"], { median: 1.3, min: 1.1, max: 2 })
    assert.isUndefined(row.invalid)
  })

  it("the median of the ratios counts, not the ratio of the medians", () => {
    const cpu = (...micros: ReadonlyArray<number>) => micros.map((cpuMicros) => ({ cpuMicros }))
    const { row } = rowWhen(cpu(10, 20, 30), { c: cpu(20, 10, 10) })
    assert.strictEqual(row.ratioToC, 2)
  })

  it("holds one row to limits beside several relays, and to its own", () => {
    const values = (row: { readonly limits: ReadonlyArray<{ readonly value?: number }> }) =>
      row.limits.map(({ value }) => value)
    assert.deepStrictEqual(values(rowWhen([{ cpuMicros: 7 }], { third: [{ cpuMicros: 14 }] }).row), [0.7, 0.5, 300, 0])
  })

  it("half a percent of loss over all rounds is the most that counts", () => {
    assert.isUndefined(rowWhen([{ received: 9901 }, {}]).row.invalid)
    const { row } = rowWhen([{ received: 9890 }, {}])
    assert.match(row.invalid ?? "", /0.55 % of the packets/)
    assert.isTrue(row.limits.every(({ excused, value }) => value === undefined && excused !== true))
    assert.isDefined(rowWhen([{ sent: 0, received: 0 }]).row.invalid)
  })

  it("where loss is what is measured, it is told and judged", () => {
    const { row } = rowWhen([{ received: 8000 }, {}], { load: { mayLose: true } })
    assert.isUndefined(row.invalid)
    assert.approximately(row.lossRatio!, 0.1, 1e-9)
    assert.approximately(row.limits[3]!.value!, 0.1, 1e-9)
  })

  it("work that was not done does not count", () => {
    assert.match(rowWhen([{ wrong: 1 }]).row.invalid ?? "", /not sent so/)
    assert.match(rowWhen([{ packetsOut: 9999 }]).row.invalid ?? "", /counts fewer/)
    assert.isUndefined(rowWhen([{ packetsOut: 10_000 }]).row.invalid)
    const beside = { sent: 100, received: 100, wrong: 0 }
    assert.match(rowWhen([{ packetsOut: 10_099, beside }]).row.invalid ?? "", /counts fewer/)
    assert.match(rowWhen([{ beside: { ...beside, wrong: 1 } }]).row.invalid ?? "", /not sent so/)
  })

  it("a load that was not made does not count, unless it is as much as there can be", () => {
    const told = { askedPerSecond: 10_300 }
    assert.match(rowWhen([told]).row.invalid ?? "", /made 10000 packets a second instead of 10300/)
    assert.isUndefined(rowWhen([{ askedPerSecond: 10_100 }]).row.invalid)
    assert.isUndefined(rowWhen([told], { load: { mayFallBehind: true } }).row.invalid)
  })

  it("the loss of the calls beside it is told apart", () => {
    const { beside: besideCalls, ...overload } = Cases.cases.find(({ beside }) => beside !== undefined)!
    const report = { received: 5000, beside: { sent: 100, received: 99, wrong: 0 } }
    const session = { load: { mayLose: true, beside: besideCalls! } }
    const { more, row } = rowWhen([report], session)
    assert.strictEqual(row.lossRatio, 0.5)
    assert.deepStrictEqual(
      more.map(({ lossRatio, row }) => [row, Number(lossRatio!.toFixed(6))]),
      [[besideCalls!.name, 0.01]]
    )
    assert.isTrue(overload.mayLose)
  })

  it("without the reference a row has its figures, no ratio, and is no failure", () => {
    const { row } = rowWhen([{ cpuMicros: 13 }], { c: undefined })
    assert.strictEqual(row.cpuMicrosPerPacket, 13)
    assert.isUndefined(row.ratioToC)
    const { because, excused, value } = row.limits[0]!
    assert.deepStrictEqual([because, excused, value], ["C: there is no c", true, undefined])
    assert.strictEqual(row.limits[1]!.value, 1.3)
  })

  it("a reference that did not do the work is no measure, and that is a failure", () => {
    const { row } = rowWhen([{ cpuMicros: 13 }], { c: [{ wrong: 1 }] })
    assert.isUndefined(row.ratioToC)
    const { because, excused, value } = row.limits[0]!
    assert.deepStrictEqual([because, excused, value], ["C: packets came that were not sent so", false, undefined])
  })

  it("a relay that is not there has a row that says so", () => {
    const missing = new Map([[other, "it is not installed"]])
    const rows = Verdict.rowsOf({ load, runs: new Map([[c, [runOf({})]]]) }, missing)
    const row = rows.find(({ relay }) => relay === other.name)!
    assert.strictEqual(row.notMeasured, "it is not installed")
    assert.isUndefined(row.cpuMicrosPerPacket)
    assert.isTrue(row.limits.every(({ excused, value }) => value === undefined && excused === true))
  })
})
