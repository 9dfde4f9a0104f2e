import type { Calls, Pace, RunReport, Timing } from "../load/LoadOrder.ts"
import type { LoadGenerator } from "../load/LoadGenerator.ts"
import type { Relay, RunningRelay } from "../relays/Relay.ts"
import * as Row from "../Row.ts"
import * as Statistics from "../Statistics.ts"

/** A load that every relay has to carry. */
interface Case {
  readonly name: string
  readonly calls: Calls
  readonly pace: Pace
  /** What is reported of it: what a packet costs, or how long it takes. */
  readonly measures: "cpu" | "delay"
  /**
   * Whether CPU is held to the limit. It is not where packets come one by one: there both relays mostly go to sleep and
   * wake up, which is the machine's price and not that of a packet.
   */
  readonly isLimited?: boolean
  /** Some need more time for enough packets. */
  readonly measureTimes?: number
}

/** Tandem's promise: CPU a packet with the portable socket, to that of plain dgram in the same run. */
const cpuRatioMax = 1.3
/** A run that loses more has not done the work that it is measured by. */
const lossRatioMax = 0.005
/** A load generator that comes further behind its clock has not made the load. Share of the packets. */
const paceShareMin = 0.98

/** Ten calls of two in which both send: at 10 kpps, the 500 packets a second and stream of a video of 4 Mbit/s. */
const pairs = (payloadBytes: number): Calls => ({
  calls: 10,
  participants: 2,
  senders: 2,
  payloadBytes,
  kind: payloadBytes < 500 ? "audio" : "video"
})
/** Four calls of eight, in each of which one sends to seven. */
const fanOut: Calls = { calls: 4, participants: 8, senders: 1, payloadBytes: 200, kind: "audio" }
/** Of voices, 50 packets a second each. */
const voices = (calls: number): Calls => ({ calls, participants: 2, senders: 2, payloadBytes: 200, kind: "audio" })

const saturated = (packetsUnderWay: number): Pace => ({ packetsUnderWay })
const evenly = (packetsPerSecond: number): Pace => ({ packetsPerSecond })

const cases: ReadonlyArray<Case> = [
  { name: "pair, 200 B, saturated", calls: pairs(200), pace: saturated(128), measures: "cpu", isLimited: true },
  { name: "pair, 200 B, 30 kpps", calls: pairs(200), pace: evenly(30_000), measures: "cpu", isLimited: true },
  { name: "pair, 200 B, 10 kpps", calls: pairs(200), pace: evenly(10_000), measures: "cpu" },
  { name: "pair, 1000 B, saturated", calls: pairs(1000), pace: saturated(64), measures: "cpu", isLimited: true },
  { name: "pair, 1000 B, 10 kpps", calls: pairs(1000), pace: evenly(10_000), measures: "cpu" },
  { name: "1 to 7, 200 B, saturated", calls: fanOut, pace: saturated(140), measures: "cpu", isLimited: true },
  { name: "1 to 7, 200 B, 14 kpps", calls: fanOut, pace: evenly(14_000), measures: "cpu" },
  { name: "200 voices, 10 kpps", calls: voices(100), pace: evenly(10_000), measures: "cpu" },
  {
    name: "8 voices, 400 pps",
    calls: voices(4),
    pace: evenly(400),
    measures: "delay",
    measureTimes: 2
  },
  { name: "100 voices, 5 kpps", calls: voices(50), pace: evenly(5000), measures: "delay" }
]

/** One relay under one load, once. */
interface Run {
  readonly report: RunReport
  /** Datagrams that the relay says it has sent meanwhile. */
  readonly packetsOut: number
}

/** All runs of one load: one for each round, by relay. */
interface Measured {
  readonly load: Case
  readonly runs: Map<Relay, Array<Run>>
}

/** Whether a row is wanted, by its name. */
export const plan = (isWanted: (name: string) => boolean): ReadonlyArray<Measured> =>
  cases.filter(({ name }) => isWanted(name)).map((load) => ({ load, runs: new Map() }))

/** Carries a load without being measured, so that the first round too finds compiled code. */
export const warmUp = async (
  relays: ReadonlyMap<Relay, RunningRelay>,
  generator: LoadGenerator,
  timing: Timing
): Promise<void> => {
  for (const [{ language }, { pid, place }] of relays) {
    await generator.run({ language, relay: place, pid, calls: pairs(200), pace: saturated(128), timing })
  }
}

/** One round: every load for every relay, one after the other, so that whatever the machine does meets all of them. */
export const measureRound = async (
  measured: ReadonlyArray<Measured>,
  relays: ReadonlyMap<Relay, RunningRelay>,
  generator: LoadGenerator,
  timing: Timing
): Promise<void> => {
  for (const { load, runs } of measured) {
    for (const [relay, running] of relays) {
      const before = await running.packetsOut()
      const report = await generator.run({
        language: relay.language,
        relay: running.place,
        pid: running.pid,
        calls: load.calls,
        pace: load.pace,
        timing: { ...timing, measureMs: timing.measureMs * (load.measureTimes ?? 1) }
      })
      const packetsOut = (await running.packetsOut()) - before
      runs.set(relay, [...(runs.get(relay) ?? []), { report, packetsOut }])
    }
  }
}

const sum = (values: ReadonlyArray<number>): number => values.reduce((total, value) => total + value, 0)

/** Why the runs of one relay under one load do not count. */
const invalidity = (runs: ReadonlyArray<Run>, pace: Pace): string | undefined => {
  const sent = sum(runs.map(({ report }) => report.sent))
  const received = sum(runs.map(({ report }) => report.received))
  const lossRatio = 1 - received / sent
  if (runs.some(({ report }) => report.wrong > 0)) return "packets came that were not sent so"
  if (!(lossRatio <= lossRatioMax)) return `${(100 * lossRatio).toFixed(2)} % of the packets were lost`
  if (runs.some(({ packetsOut, report }) => packetsOut < report.received)) return "the relay counts fewer packets"
  const rates = runs.map(({ report }) => report.packetsPerSecond)
  if ("packetsPerSecond" in pace && Statistics.spreadOf(rates).median < paceShareMin * pace.packetsPerSecond) {
    return "the load was lower than it should be"
  }
  return undefined
}

const medianOf = (runs: ReadonlyArray<Run>, read: (report: RunReport, packetsOut: number) => number): number =>
  Statistics.spreadOf(runs.map(({ packetsOut, report }) => read(report, packetsOut))).median

const detailsOf = (runs: ReadonlyArray<Run>) => ({
  datagramsAPacket: medianOf(runs, ({ received }, packetsOut) => packetsOut / received),
  packetsPerSecond: medianOf(runs, ({ packetsPerSecond }) => packetsPerSecond),
  lossRatio: medianOf(runs, ({ received, sent }) => 1 - received / sent),
  relayBusy: medianOf(runs, ({ relayBusy }) => relayBusy),
  systemShare: medianOf(runs, ({ systemShare }) => systemShare),
  delayMsP50: medianOf(runs, ({ delayMs }) => delayMs.p50),
  delayMsP95: medianOf(runs, ({ delayMs }) => delayMs.p95),
  delayMsP99: medianOf(runs, ({ delayMs }) => delayMs.p99),
  lateMsP99: medianOf(runs, ({ lateMs }) => lateMs.p99)
})

const quantiles = ["p50", "p95", "p99"] as const

/** The figures. Every relay is compared with the reference. */
export const rowsOf = (measured: ReadonlyArray<Measured>, reference: Relay): ReadonlyArray<Row.Row> =>
  measured.flatMap(({ load, runs: byRelay }) => {
    const referenceRuns = byRelay.get(reference)!
    const referenceIsInvalid = invalidity(referenceRuns, load.pace)
    return [...byRelay].flatMap(([relay, runs]) => {
      const invalid = invalidity(runs, load.pace) ?? (referenceIsInvalid && `${reference.name}: ${referenceIsInvalid}`)
      const more = { relay: relay.name, ...(invalid === undefined ? {} : { invalid }), details: detailsOf(runs) }
      if (load.measures === "delay") {
        return quantiles.map((quantile) => {
          const delays = runs.map(({ report }) => report.delayMs[quantile])
          const unit = relay === reference ? "ms" : `ms more than ${reference.name}`
          const added = delays.map((ms, round) => ms - referenceRuns[round]!.report.delayMs[quantile])
          return Row.rowOf(`delay ${quantile}, ${load.name}`, unit, relay === reference ? delays : added, more)
        })
      }
      const cpuMicros = runs.map(({ report }) => report.cpuMicros)
      if (relay === reference) return [Row.rowOf(load.name, "us CPU a packet", cpuMicros, more)]
      const ratio = Statistics.spreadOf(cpuMicros.map((us, round) => us / referenceRuns[round]!.report.cpuMicros))
      const limit: Row.Limit = { of: "ratio", max: cpuRatioMax }
      const held = load.isLimited === true ? { limit } : {}
      return [Row.rowOf(load.name, "us CPU a packet", cpuMicros, { ...more, ratio, ...held })]
    })
  })
