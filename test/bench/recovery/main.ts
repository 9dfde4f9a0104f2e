// How long until calls have an actor again that decides, after the node that ran their actors has died.
import { Effect } from "effect"
import { spawnSync } from "node:child_process"
import * as Os from "node:os"
import { parseArgs } from "node:util"
import { postgresProgram } from "../../servers/Programs.ts"
import * as Limit from "../Limit.ts"
import * as Machine from "../Machine.ts"
import * as Statistics from "../Statistics.ts"
import * as Round from "./Round.ts"

const flags = parseArgs({
  options: {
    /** Whose actors are all at the node that dies. */
    calls: { type: "string" },
    /** Of each way to die. */
    rounds: { type: "string" },
    json: { type: "boolean", default: false },
    smoke: { type: "boolean", default: false }
  }
}).values

const ofSize = flags.smoke ? { calls: 40, rounds: 1 } : { calls: 2000, rounds: 3 }

/** Calls have addresses of their own, of two bytes. */
const callsMax = 65_535

/** For so many calls it is promised; more are reported alone. */
const promisedCalls = 2000
/** Milliseconds. */
const tookMsMax = 5000

/** Of one round with everything around it. One that takes longer does not work. Milliseconds. */
const roundMsMax = 480_000

const countOf = (name: string, text: string | undefined, fallback: number, max: number): number => {
  const count = text === undefined ? fallback : Number(text)
  if (Number.isInteger(count) && count >= 1 && count <= max) return count
  console.error(`--${name} must be a whole number from 1 to ${max}`)
  process.exit(2)
}

const calls = countOf("calls", flags.calls, ofSize.calls, callsMax)
const rounds = countOf("rounds", flags.rounds, ofSize.rounds, 100)

const deadlineMs = Round.variants.length * rounds * roundMsMax
setTimeout(() => {
  console.error(`bench: not done after ${deadlineMs / 1000} s`)
  process.exit(1)
}, deadlineMs).unref()

/** Over all calls of all its rounds. */
interface Row {
  readonly name: string
  readonly p50Ms: number
  readonly p95Ms: number
  readonly maxMs: number
  readonly neverRecovered: number
  /** Rounds after which the node of this process did not end when it was told to. */
  readonly neverEnded: number
  /** Of each round alone. */
  readonly roundsMaxMs: ReadonlyArray<number>
  readonly limits: ReadonlyArray<Limit.Limit>
}

const rowOf = (name: string, measured: ReadonlyArray<Round.Round>): Row => {
  const tookMs = measured.flatMap((round) => round.tookMs)
  const neverRecovered = measured.reduce((sum, round) => sum + round.neverRecovered, 0)
  const { p50, p95 } = Statistics.quantilesOf({ values: Float64Array.from(tookMs), count: tookMs.length })
  const roundsMaxMs = measured.map((round) => round.tookMs.reduce((max, each) => Math.max(max, each), 0))
  const maxMs = Math.max(...roundsMaxMs)
  const isPromised = !flags.smoke && calls <= promisedCalls
  const limits = isPromised
    ? [Limit.on("calls that never recovered", 0, neverRecovered), Limit.on("ms until the last", tookMsMax, maxMs)]
    : []
  const neverEnded = measured.filter(({ hasEnded }) => !hasEnded).length
  return { name, p50Ms: p50, p95Ms: p95, maxMs, neverRecovered, neverEnded, roundsMaxMs, limits }
}

const formatRow = ({ limits, maxMs, name, neverEnded, neverRecovered, p50Ms, p95Ms }: Row): string => {
  const figures = [p50Ms, p95Ms, maxMs].map((ms) => ms.toFixed(0))
  const said = `p50 ${figures[0]} ms, p95 ${figures[1]} ms, max ${figures[2]} ms, ${neverRecovered} never recovered`
  const stuck = neverEnded === 0 ? [] : [`${neverEnded} times the node of this process did not end`]
  return [`  ${name.padEnd(8)} ${said}`, ...stuck, ...limits.map(Limit.format)].join("; ")
}

const measureAll = Effect.gen(function* () {
  const measured = Round.variants.map((variant) => ({ variant, rounds: new Array<Round.Round>() }))
  // In turns, so that whatever the machine does meets both.
  for (let round = 0; round < rounds; round++) {
    for (const { rounds, variant } of measured) rounds.push(yield* Round.measure(variant, calls))
  }
  return measured.map(({ rounds, variant }) => rowOf(variant.name, rounds))
})

if (spawnSync(postgresProgram("postgres"), ["--version"], { stdio: "ignore" }).error === undefined) {
  const [loadAverage] = Os.loadavg()
  const rows = await Effect.runPromise(measureAll)
  if (flags.json) {
    console.log(JSON.stringify({ machine: Machine.describe(), loadAverage, calls, rounds, rows }, undefined, 2))
  } else {
    console.log(`${calls} calls of two until a new actor's plan, ${rounds} rounds; load before them ${loadAverage}`)
    for (const row of rows) console.log(formatRow(row))
  }
  const failures = rows.flatMap(({ limits, name }) => limits.flatMap((limit) => Limit.failureOf(name, limit) ?? []))
  for (const failure of failures) console.error(failure)
  // Not only the code: a node that has not ended would keep the process.
  process.exit(failures.length > 0 ? 1 : 0)
} else {
  console.error("not measured: postgres is not installed")
  if (process.env["TANDEM_REQUIRE"] === "all") process.exitCode = 1
}
