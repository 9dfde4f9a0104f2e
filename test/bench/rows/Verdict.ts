import type { Delivery } from "../load/LoadOrder.ts"
import type { Limit } from "../Limit.ts"
import type { Relay } from "../relays/Relay.ts"
import type { Row } from "../Row.ts"
import * as Statistics from "../Statistics.ts"
import * as Cases from "./Cases.ts"
import type { Measured, Run } from "./ForwardingRows.ts"

/** What the runs of a load amount to. */

/** A run that loses more has not done the work that it is measured by. */
const lossRatioMax = 0.005
/** A load generator that comes further behind its clock has not made the load. Share of the packets. */
const offeredShareMin = 0.98

const sum = (values: ReadonlyArray<number>): number => values.reduce((total, value) => total + value, 0)

const lossRatioOf = (deliveries: ReadonlyArray<Delivery>): number =>
  1 - sum(deliveries.map(({ received }) => received)) / sum(deliveries.map(({ sent }) => sent))

const medianOf = (runs: ReadonlyArray<Run>, read: (run: Run) => number | undefined): number | undefined => {
  const values = runs.flatMap((run) => read(run) ?? [])
  return values.length === 0 ? undefined : Statistics.spreadOf(values).median
}

const deliveriesOf = ({ report }: Run): ReadonlyArray<Delivery> =>
  report.beside === undefined ? [report] : [report, report.beside]

const cpuOf = (runs: ReadonlyArray<Run>): ReadonlyArray<number> => runs.map(({ report }) => report.cpuMicros)

/** Why the runs of one relay under one load do not count. */
const invalidity = (runs: ReadonlyArray<Run>, { mayFallBehind, mayLose }: Cases.Case): string | undefined => {
  const deliveries = runs.flatMap(deliveriesOf)
  if (deliveries.some(({ wrong }) => wrong > 0)) return "packets came that were not sent so"
  if (deliveries.every(({ received }) => received === 0)) return "nothing came"
  const lossRatio = lossRatioOf(deliveries)
  if (mayLose !== true && !(lossRatio <= lossRatioMax))
    return `${(100 * lossRatio).toFixed(2)} % of the packets were lost`
  const countsFewer = (run: Run) =>
    run.packetsOut !== undefined && run.packetsOut < sum(deliveriesOf(run).map(({ received }) => received))
  if (runs.some(countsFewer)) return "the relay counts fewer packets"
  const offered = medianOf(runs, ({ report }) => report.offeredPerSecond)!
  const asked = medianOf(runs, ({ askedPerSecond }) => askedPerSecond)
  if (mayFallBehind !== true && asked !== undefined && offered < offeredShareMin * asked) {
    return `the load generator made ${offered.toFixed(0)} packets a second instead of ${asked.toFixed(0)}`
  }
  return undefined
}

const detailsOf = (runs: ReadonlyArray<Run>): Readonly<Record<string, number>> => {
  const details = {
    relayBusy: medianOf(runs, ({ report }) => report.relayBusy),
    systemShare: medianOf(runs, ({ report }) => report.systemShare),
    askedPerSecond: medianOf(runs, ({ askedPerSecond }) => askedPerSecond),
    offeredPerSecond: medianOf(runs, ({ report }) => report.offeredPerSecond),
    datagramsAPacket: medianOf(runs, ({ packetsOut, report }) => packetsOut && packetsOut / report.received),
    latencyMicrosP95: medianOf(runs, ({ report }) => 1000 * report.delayMs.p95),
    lateMicrosP99: medianOf(runs, ({ report }) => 1000 * report.lateMs.p99)
  }
  return Object.fromEntries(
    Object.entries(details).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]))
  )
}

/** The others that CPU is compared with: always with C, and with those that something was promised about. */
const referencesOf = ({ promises, relays }: Cases.Case, relay: Relay): ReadonlyArray<Relay> => {
  const promised = promises.flatMap((promise) =>
    promise.relay === relay && "ratioTo" in promise ? [promise.ratioTo] : []
  )
  return [...new Set([...relays.filter((other) => other === Cases.c), ...promised])]
}

const figureNames = { lossRatio: "share of the packets that were lost", p50: "p50, us", p99: "p99, us" }

interface Judged {
  readonly runs: ReadonlyArray<Run>
  readonly invalid: string | undefined
}

/** The rows of one load. `missing`: relays that this machine does not have, and why. */
export const rowsOf = ({ load, runs: byRelay }: Measured, missing: ReadonlyMap<Relay, string>): ReadonlyArray<Row> => {
  /** What there is of a relay, or why there is nothing, and whether that is the machine's doing. */
  const judge = (relay: Relay): Judged | { readonly because: string } => {
    const runs = byRelay.get(relay)
    if (runs !== undefined) return { runs, invalid: invalidity(runs, load) }
    const own = missing.get(relay)
    return { because: own ?? `${Cases.c.name}: ${missing.get(Cases.c) ?? "its capacity is not known"}` }
  }

  const ratioTo = (
    relay: Relay,
    { runs }: Judged
  ): Statistics.Spread | { readonly because: string; readonly excused: boolean } => {
    const other = judge(relay)
    if ("because" in other) return { because: `${relay.name}: ${other.because}`, excused: true }
    if (other.invalid !== undefined) return { because: `${relay.name}: ${other.invalid}`, excused: false }
    const others = cpuOf(other.runs)
    return Statistics.spreadOf(cpuOf(runs).map((micros, round) => micros / others[round]!))
  }

  const limitOf = (promise: Cases.Promised, judged: Judged, lossRatio: number): Limit => {
    const { max } = promise
    if ("ratioTo" in promise) {
      const of = `CPU a packet, times ${promise.ratioTo.name}`
      if (judged.invalid !== undefined) return { of, max, because: judged.invalid }
      const ratio = ratioTo(promise.ratioTo, judged)
      return "because" in ratio ? { of, max, ...ratio } : { of, max, value: ratio.median }
    }
    const of = figureNames[promise.of]
    if (judged.invalid !== undefined) return { of, max, because: judged.invalid }
    const latency = (quantile: "p50" | "p99") => 1000 * medianOf(judged.runs, ({ report }) => report.delayMs[quantile])!
    return { of, max, value: promise.of === "lossRatio" ? lossRatio : latency(promise.of) }
  }

  const rowOf = (relay: Relay): Row => {
    const judged = judge(relay)
    const promises = load.promises.filter((promise) => promise.relay === relay)
    const who = { row: load.name, relay: relay.name }
    if ("because" in judged) {
      const { because } = judged
      const limits = promises.map((promise): Limit => {
        const of = "ratioTo" in promise ? `CPU a packet, times ${promise.ratioTo.name}` : figureNames[promise.of]
        return { of, max: promise.max, because, excused: true }
      })
      return { ...who, rounds: 0, limits, notMeasured: because }
    }
    const { invalid, runs } = judged
    const lossRatio = lossRatioOf(runs.map(({ report }) => report))
    const ratios = referencesOf(load, relay).flatMap((other) => {
      const ratio = ratioTo(other, judged)
      return "because" in ratio ? [] : [[other, ratio] as const]
    })
    const ratioToC = ratios.find(([other]) => other === Cases.c)?.[1].median
    const cpu = Statistics.spreadOf(cpuOf(runs))
    return {
      ...who,
      rounds: runs.length,
      cpuMicrosPerPacket: cpu.median,
      packetsPerSecond: medianOf(runs, ({ report }) => report.packetsPerSecond)!,
      lossRatio,
      latencyMicros: {
        p50: 1000 * medianOf(runs, ({ report }) => report.delayMs.p50)!,
        p99: 1000 * medianOf(runs, ({ report }) => report.delayMs.p99)!
      },
      ...(ratioToC === undefined ? {} : { ratioToC }),
      spread: {
        cpuMicrosPerPacket: cpu,
        ...Object.fromEntries(ratios.map(([other, ratio]) => [`times ${other.name}`, ratio]))
      },
      details: detailsOf(runs),
      limits: promises.map((promise) => limitOf(promise, judged, lossRatio)),
      ...(invalid === undefined ? {} : { invalid })
    }
  }

  const besideRowsOf = (row: string): ReadonlyArray<Row> =>
    [...byRelay].map(([relay, runs]) => {
      const besides = runs.flatMap(({ report }) => report.beside ?? [])
      const invalid = invalidity(runs, load)
      const own = { row, relay: relay.name, rounds: runs.length, lossRatio: lossRatioOf(besides), limits: [] }
      return invalid === undefined ? own : Object.assign(own, { invalid })
    })

  return [...load.relays.map(rowOf), ...(load.beside === undefined ? [] : besideRowsOf(load.beside.name))]
}
