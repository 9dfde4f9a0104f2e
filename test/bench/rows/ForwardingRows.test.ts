import { assert, describe, it } from "@effect/vitest"
import type { RunReport } from "../load/LoadOrder.ts"
import * as DgramRelay from "../relays/DgramRelay.ts"
import type { Relay } from "../relays/Relay.ts"
import * as ForwardingRows from "./ForwardingRows.ts"

const reference = DgramRelay.relay
const other: Relay = { ...reference, name: "other" }

const quantiles = { p50: 1, p95: 2, p99: 3 }
const good: RunReport = {
  sent: 1000,
  received: 1000,
  wrong: 0,
  packetsPerSecond: 10_000,
  cpuMicros: 10,
  systemShare: 0.5,
  relayBusy: 0.1,
  delayMs: quantiles,
  lateMs: quantiles
}

/** The rows of one load, when the reference did well and the other relay did this. */
const rowsWhen = (load: string, ...reports: ReadonlyArray<Partial<RunReport> & { readonly packetsOut?: number }>) => {
  const measured = ForwardingRows.plan((name) => name === load)
  const run = (report: RunReport, packetsOut = 1000) => ({ report, packetsOut })
  for (const { runs } of measured) {
    runs.set(
      reference,
      reports.map(() => run(good))
    )
    runs.set(
      other,
      reports.map(({ packetsOut, ...report }) => run({ ...good, ...report }, packetsOut))
    )
  }
  const rows = ForwardingRows.rowsOf(measured, reference)
  assert.isNotEmpty(rows)
  return rows.filter(({ relay }) => relay === other.name)
}

const paced = "pair, 200 B, 10 kpps"

describe("ForwardingRows", () => {
  it("compares round by round", () => {
    const [row] = rowsWhen(paced, { cpuMicros: 13 }, { cpuMicros: 11 }, { cpuMicros: 20 })
    assert.deepStrictEqual(row!.ratio, { median: 1.3, min: 1.1, max: 2 })
    assert.strictEqual(row!.median, 13)
    assert.isUndefined(row!.invalid)
  })

  it("half a percent of loss over all rounds is the most that counts", () => {
    assert.isUndefined(rowsWhen(paced, { received: 991 }, { received: 1000 })[0]!.invalid)
    assert.match(rowsWhen(paced, { received: 989 }, { received: 1000 })[0]!.invalid ?? "", /0.55 % of the packets/)
    assert.isDefined(rowsWhen(paced, { sent: 0, received: 0 })[0]!.invalid)
  })

  it("work that was not done does not count", () => {
    assert.match(rowsWhen(paced, { wrong: 1 })[0]!.invalid ?? "", /not sent so/)
    assert.match(rowsWhen(paced, { packetsOut: 999 })[0]!.invalid ?? "", /counts fewer/)
    assert.match(rowsWhen(paced, { packetsPerSecond: 9700 })[0]!.invalid ?? "", /lower than it should be/)
    assert.isUndefined(rowsWhen("pair, 200 B, saturated", { packetsPerSecond: 9700 })[0]!.invalid)
  })

  it("a delay is what comes on top of the reference's", () => {
    const rows = rowsWhen("8 voices, 400 pps", { delayMs: { p50: 1.5, p95: 1.5, p99: 10 } })
    assert.deepStrictEqual(
      rows.map(({ median }) => median),
      [0.5, -0.5, 7]
    )
  })
})
