import { Effect } from "effect"
import type * as Vega from "vega"
import type * as VegaLite from "vega-lite"
import type * as ScenarioReport from "../simulation/ScenarioReport.ts"
import { Failed } from "./Failure.ts"
import * as SimulateText from "./SimulateText.ts"
import type * as Table from "./Table.ts"

/** A page with plots of one run, in one file: SVG that vega draws without a browser. */

/** Packages that whoever embeds a relay does without. */
export interface Draw {
  readonly vega: typeof Vega
  readonly vegaLite: typeof VegaLite
}

export const load: Effect.Effect<Draw, Failed> = Effect.tryPromise({
  try: async () => ({ vega: await import("vega"), vegaLite: await import("vega-lite") }),
  catch: () =>
    new Failed({ message: "--html needs two packages that are not installed: npm install vega@6 vega-lite@6" })
})

/** One point of a plot: the mean of so long, for frames and bursts make a tenth of a second ragged. Milliseconds. */
const pointMs = 500
const widthPixels = 900

interface Point {
  readonly seconds: number
  readonly value: number
  readonly what: string
}

export const make = async (draw: Draw, report: ScenarioReport.ScenarioReport): Promise<string> => {
  const { durationMs, scenario, seed, summary, title } = report
  const plots = await Promise.all(report.bottlenecks.map(({ name }) => drawSvg(draw, report, name)))
  const head = escaped(`${scenario}: ${title}`)
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>${head}</title>
<style>
body { font: 15px/1.5 system-ui, sans-serif; max-width: 1120px; margin: 2em auto; padding: 0 1em; color: #222 }
table { border-collapse: collapse; margin: 1em 0 }
th, td { padding: 0.2em 0.8em; text-align: right; border-bottom: 1px solid #ddd }
th:first-child, td:first-child { text-align: left }
svg { max-width: 100%; height: auto }
</style>
</head>
<body>
<h1>${head}</h1>
<p>${durationMs / 1000} s, seed ${escaped(seed)}. Rates are of all that is on the wire, headers of IP and UDP too.</p>
${tableOf(SimulateText.bottleneckColumns, summary.bottlenecks)}
${tableOf(SimulateText.flowColumns, summary.flows)}
${SimulateText.changes(summary)
  .filter((line) => line !== "")
  .map((line) => `<p>${escaped(line)}</p>`)
  .join("\n")}
${plots.map((svg, i) => `<h2>${report.bottlenecks[i]!.name}</h2>\n${svg}`).join("\n")}
</body>
</html>
`
}

const tableOf = <Row>(columns: ReadonlyArray<Table.Column<Row>>, rows: ReadonlyArray<Row>): string => {
  const line = (tag: string, cells: ReadonlyArray<string | number>): string =>
    `<tr>${cells.map((cell) => `<${tag}>${escaped(String(cell))}</${tag}>`).join("")}</tr>`
  const titles = columns.map(({ title }) => title)
  const body = rows.map((row) =>
    line(
      "td",
      columns.map(({ cell }) => cell(row))
    )
  )
  return `<table>${line("th", titles)}${body.join("")}</table>`
}

const drawSvg = (
  { vega, vegaLite }: Draw,
  report: ScenarioReport.ScenarioReport,
  name: ScenarioReport.Direction
): Promise<string> => {
  const spec = vegaLite.compile(plotsOf(report, name)).spec
  return new vega.View(vega.parse(spec), { renderer: "none" }).toSVG()
}

const plotsOf = (
  { bottlenecks, flows, stepMs }: ScenarioReport.ScenarioReport,
  name: ScenarioReport.Direction
): VegaLite.TopLevelSpec => {
  const { capacityBps, queueMs } = bottlenecks.find((each) => each.name === name)!
  const own = flows.filter(({ direction }) => direction === name)
  const points = pointsEvery(stepMs)
  /** Of one flow there is no need to say which. */
  const label = (flow: ScenarioReport.Flow, what: string): string => (own.length === 1 ? what : `${flow.name}, ${what}`)
  const mega = (bps: ReadonlyArray<number>): ReadonlyArray<number> => bps.map((each) => each / 1e6)
  const rates = [
    ...points("capacity", mega(capacityBps), 1),
    ...own.flatMap((flow) => [
      ...points(label(flow, "received"), mega(flow.receivedBps), 1),
      // With several, what each believes and sends would hide who gets what.
      ...(flow.estimateBps !== undefined && own.length < 3
        ? points(label(flow, "estimate"), mega(flow.estimateBps), 1)
        : []),
      ...(own.length === 1 ? points("sent", mega(flow.sentBps), 1) : [])
    ])
  ]
  const aSecond = 1000 / stepMs
  const packets = [
    ...points("lost", total(own.map(({ lostPackets }) => lostPackets)), aSecond),
    ...points("repaired", total(own.map(({ repairedPackets = [] }) => repairedPackets)), aSecond)
  ]
  return {
    config: { font: "system-ui, sans-serif", background: "white" },
    resolve: { scale: { color: "independent" } },
    vconcat: [
      plot(rates, "Mbit/s", 300, "capacity"),
      plot(points("queue", queueMs, 1), "queue delay, ms", 150),
      plot(packets, "packets a second, all flows", 150)
    ]
  }
}

const total = (series: ReadonlyArray<ReadonlyArray<number>>): ReadonlyArray<number> =>
  (series[0] ?? []).map((_, i) => series.reduce((sum, values) => sum + (values[i] ?? 0), 0))

/** Points of a series, each the mean of `pointMs` times `factor`. */
const pointsEvery =
  (stepMs: number) =>
  (what: string, values: ReadonlyArray<number>, factor: number): ReadonlyArray<Point> => {
    const length = pointMs / stepMs
    return Array.from({ length: Math.floor(values.length / length) }, (_, i) => {
      const sum = values.slice(i * length, (i + 1) * length).reduce((before, value) => before + value, 0)
      return { seconds: (i * pointMs) / 1000, value: Number(((factor * sum) / length).toFixed(4)), what }
    })
  }

/** Lines over time, one for each `what`; `dashed` is the one that is given and not measured. */
const plot = (values: ReadonlyArray<Point>, title: string, height: number, dashed?: string) => {
  const names = [...new Set(values.map(({ what }) => what))]
  return {
    width: widthPixels,
    height,
    data: { values: [...values] },
    mark: { type: "line" as const, strokeWidth: 1.3, interpolate: "step-after" as const },
    encoding: {
      x: { field: "seconds", type: "quantitative" as const, title: "seconds", axis: { grid: true } },
      y: { field: "value", type: "quantitative" as const, title, scale: { zero: true } },
      color: { field: "what", type: "nominal" as const, title: null, sort: names },
      strokeDash: { condition: { test: `datum.what === '${dashed ?? ""}'`, value: [6, 3] }, value: [1, 0] }
    }
  }
}

const escapes: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" }

const escaped = (text: string): string => text.replace(/[&<>"]/g, (character) => escapes[character]!)
