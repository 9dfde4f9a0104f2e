import type { Row } from "./Row.ts"

export interface Report {
  readonly seed: number
  readonly store: string
  readonly calls: number
  readonly events: ReadonlyArray<Row>
  /** Events that cannot be had on this machine, and why. */
  readonly notMeasured: ReadonlyArray<{ readonly event: string; readonly because: string }>
}

export const failuresOf = ({ events }: Report): ReadonlyArray<string> =>
  events.flatMap(({ broken, event }) => broken.map((what) => `${event}: ${what}`))

const columns = ["event", "rounds", "calls", "lost", "p50", "p95", "max", "baseline p95", "others max", "members lost"]

const cellsOf = (row: Row): ReadonlyArray<string> =>
  [
    row.event,
    row.rounds,
    row.callsBefore,
    row.callsLost,
    row.gapMs.p50,
    row.gapMs.p95,
    row.gapMs.max,
    row.baselineGapMs.p95,
    row.untouchedGapMsMax,
    row.membersLost
  ].map(String)

/** What has no column. */
const remarkOf = ({ cpuShare, gapMs, gapMsMaxOfAll, movesFalse, note, timesMs }: Row): string =>
  [
    ...(timesMs === undefined ? [] : [`times p50 ${timesMs.p50}, p95 ${timesMs.p95}, max ${timesMs.max} ms`]),
    ...(gapMsMaxOfAll <= gapMs.max ? [] : [`${gapMsMaxOfAll} ms at most from the blow on`]),
    ...(movesFalse === 0 ? [] : [`${movesFalse} false moves`]),
    ...(note === "" ? [] : [note]),
    `CPU ${Math.round(100 * cpuShare)} %`
  ].join("; ")

/** For people. Gaps in milliseconds. */
export const format = ({ calls, events, notMeasured, seed, store }: Report): ReadonlyArray<string> => {
  const rows = [columns, ...events.map(cellsOf)]
  const widths = columns.map((_, column) => Math.max(...rows.map((cells) => cells[column]!.length)))
  const lines = rows.map((cells) =>
    cells.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!))).join("  ")
  )
  return [
    `seed ${seed}, ${store}, ${calls} calls; gaps in milliseconds`,
    "",
    ...lines,
    "",
    ...events.map((row) => `${row.event}: ${remarkOf(row)}`),
    ...notMeasured.map(({ because, event }) => `${event}: not measured, ${because}`)
  ]
}
