// That media does not wait for saves: what a relay costs in time while the state store answers, and while it stands still.
import { Effect } from "effect"
import { spawnSync } from "node:child_process"
import * as Os from "node:os"
import { parseArgs } from "node:util"
import { PostgresServer } from "../../servers/PostgresServer.ts"
import { postgresProgram } from "../../servers/Programs.ts"
import * as Limit from "../Limit.ts"
import * as LoadGenerator from "../load/LoadGenerator.ts"
import * as Machine from "../Machine.ts"
import * as PinnedProcess from "../PinnedProcess.ts"
import * as TandemRelay from "../relays/TandemRelay.ts"
import * as Report from "../Report.ts"
import * as Statistics from "../Statistics.ts"
import * as Windows from "./Windows.ts"

const { json, smoke } = parseArgs({
  options: { json: { type: "boolean", default: false }, smoke: { type: "boolean", default: false } }
}).values

/** Pairs of windows, one of each kind, and how long each of them is. */
const sizes = smoke
  ? { pairs: 1, timing: { warmUpMs: 300, measureMs: 500, drainMs: 1000 } }
  : { pairs: 5, timing: { warmUpMs: 2500, measureMs: 5000, drainMs: 1500 } }

/** With the store standing still, the p99 is at most so many times the other, */
const ratioMax = 1.25
/** or by so much above, if that is more: what a machine does by itself. Milliseconds. */
const aboveMs = 0.2

/** Of the windows of one kind. */
interface Row {
  readonly name: string
  /** From sending to receiving, medians of the windows. Milliseconds. */
  readonly p50Ms: number
  readonly p99Ms: number
  /** Of each window. */
  readonly windowsP99Ms: ReadonlyArray<number>
  /** Of the time, that the relay was ready and something else had its processor, median of the windows. 0 to 1. */
  readonly relayWaited: number
  /** How much later than at its time the load sent a packet, the worst window. Milliseconds. */
  readonly lateP99Ms: number
  readonly packets: number
  readonly packetsLost: number
  readonly joinsGranted: number
  readonly joinsRefused: number
}

const rowOf = (name: string, windows: ReadonlyArray<Windows.Window>): Row => {
  const windowsP99Ms = windows.map(({ report }) => report.delayMs.p99)
  const sumOf = (each: (window: Windows.Window) => number) => windows.reduce((sum, window) => sum + each(window), 0)
  return {
    name,
    p50Ms: Statistics.spreadOf(windows.map(({ report }) => report.delayMs.p50)).median,
    p99Ms: Statistics.spreadOf(windowsP99Ms).median,
    windowsP99Ms,
    relayWaited: Statistics.spreadOf(windows.map(({ relayWaited }) => relayWaited)).median,
    lateP99Ms: Math.max(...windows.map(({ report }) => report.lateMs.p99)),
    packets: sumOf(({ report }) => report.sent),
    packetsLost: sumOf(({ report }) => report.sent - report.received),
    joinsGranted: sumOf(({ joins }) => joins.granted),
    joinsRefused: sumOf(({ joins }) => joins.refused)
  }
}

const formatRow = (row: Row): string =>
  [
    `  store ${row.name.padEnd(8)} p50 ${row.p50Ms.toFixed(3)} ms, p99 ${row.p99Ms.toFixed(3)} ms`,
    `${row.packetsLost} of ${row.packets} packets lost`,
    `joins: ${row.joinsGranted} granted, ${row.joinsRefused} refused`,
    `the relay waited for its processor ${(100 * row.relayWaited).toFixed(1)} % of the time`
  ].join("; ")

const measureAll = Effect.fnUntraced(function* (cores: Machine.Cores) {
  const server = yield* PostgresServer
  const relay = yield* Effect.acquireRelease(
    Effect.promise(() => TandemRelay.start("auto", { core: cores.relay, state: server.url })),
    ({ end }) => Effect.promise(end)
  )
  const generator = yield* Effect.acquireRelease(
    Effect.sync(() => LoadGenerator.start(cores.load)),
    ({ end }) => Effect.promise(end)
  )
  const bench = { generator, relay, server, timing: sizes.timing }
  // Nobody's figure: code that is not compiled yet.
  yield* Windows.measure(bench, "running")
  const running: Array<Windows.Window> = []
  const still: Array<Windows.Window> = []
  for (let pair = 0; pair < sizes.pairs; pair++) {
    running.push(yield* Windows.measure(bench, "running"))
    still.push(yield* Windows.measure(bench, "still"))
  }
  return { socket: relay.socket, rows: [rowOf("running", running), rowOf("still", still)] as const }
})

/** Why the figures say nothing: there were no saves, or the store was not away. */
const flawOf = (running: Row, still: Row): string | undefined => {
  if (running.joinsGranted === 0) return "nobody was let in while the store ran"
  if (still.joinsGranted > 0) return "somebody was let in while the store stood still"
  return still.joinsRefused === 0 && !smoke ? "nobody was refused while the store stood still" : undefined
}

const report = async (): Promise<ReadonlyArray<string>> => {
  const cores = Machine.chooseCores()
  const [loadAverage] = Os.loadavg()
  const measured = measureAll(cores).pipe(Effect.provide(PostgresServer.layer), Effect.scoped)
  const { rows, socket } = await Effect.runPromise(measured)
  const [running, still] = rows
  const ratio = still.p99Ms / running.p99Ms
  const max = Math.max(ratioMax * running.p99Ms, running.p99Ms + aboveMs)
  const limits = smoke ? [] : [Limit.on("p99 in ms with the store standing still", Number(max.toFixed(3)), still.p99Ms)]
  const notes = Report.notesOf(cores, PinnedProcess.hasPriority(), smoke)
  if (json) {
    const machine = Machine.describe()
    console.log(JSON.stringify({ machine, loadAverage, notes, socket, sizes, rows, ratio, limits }, undefined, 2))
  } else {
    console.log(`media through a relay (${socket}), 5,000 packets a second; load before it ${loadAverage}`)
    for (const row of rows) console.log(formatRow(row))
    console.log([`  p99 still to running: ${ratio.toFixed(2)}`, ...limits.map(Limit.format), ...notes].join("; "))
  }
  const flaw = flawOf(running, still)
  return [
    ...(flaw === undefined ? [] : [`not valid: ${flaw}`]),
    ...limits.flatMap((limit) => Limit.failureOf("media", limit) ?? [])
  ]
}

if (spawnSync(postgresProgram("postgres"), ["--version"], { stdio: "ignore" }).error === undefined) {
  const failures = await report()
  for (const failure of failures) console.error(failure)
  if (failures.length > 0) process.exitCode = 1
} else {
  console.error("not measured: postgres is not installed")
  if (process.env["TANDEM_REQUIRE"] === "all") process.exitCode = 1
}
