import * as Limit from "./Limit.ts"
import * as Statistics from "./Statistics.ts"

/** One relay under one load: medians over the rounds. Everything in it goes into the JSON as it is. */
export interface Row {
  readonly row: string
  readonly relay: string
  readonly rounds: number
  /** User and system time of the relay's process for each packet that came out of it. */
  readonly cpuMicrosPerPacket?: number
  /** That came out of the relay, right in every byte. */
  readonly packetsPerSecond?: number
  readonly lossRatio?: number
  /** From sending to receiving. */
  readonly latencyMicros?: { readonly p50: number; readonly p99: number }
  /** CPU a packet divided by that of the C reference, round by round. */
  readonly ratioToC?: number
  readonly spread?: Readonly<Record<string, Statistics.Spread>>
  /** What else was seen. */
  readonly details?: Readonly<Record<string, number>>
  readonly limits: ReadonlyArray<Limit.Limit>
  /** Why the figures mean nothing. */
  readonly invalid?: string
  /** Why there are none. */
  readonly notMeasured?: string
}

const whoOf = ({ relay, row }: Row): string => `${row}: ${relay}`

/** Why the row does not keep what was promised, a line each. */
export const failuresOf = (row: Row): ReadonlyArray<string> =>
  row.limits.flatMap((limit) => Limit.failureOf(whoOf(row), limit) ?? [])

const ratios = ({ spread = {} }: Row): ReadonlyArray<string> =>
  Object.entries(spread)
    .filter(([name]) => name.startsWith("times "))
    .map(([name, ratio]) => `${Statistics.formatSpread(ratio, 2)} ${name}`)

const percent = (share: number): string => `${(100 * share).toPrecision(2)} %`

/** For people: one line for the figures, one for the limits. */
export const format = (row: Row): string => {
  const { details = {}, invalid, latencyMicros, lossRatio, notMeasured, packetsPerSecond, relay, spread } = row
  if (notMeasured !== undefined) return `  ${relay.padEnd(20)} not measured: ${notMeasured}`
  const cpu = spread?.["cpuMicrosPerPacket"]
  const busy = details["relayBusy"]
  const figures = [
    ...(cpu === undefined ? [] : [`${Statistics.formatSpread(cpu, 2)} us a packet`]),
    ...ratios(row),
    ...(packetsPerSecond === undefined ? [] : [`${(packetsPerSecond / 1000).toFixed(1)} kpps`]),
    ...(busy === undefined ? [] : [`busy ${Statistics.formatNumber(busy, 2)}`]),
    ...(lossRatio === undefined ? [] : [`loss ${lossRatio === 0 ? "0" : percent(lossRatio)}`]),
    ...(latencyMicros === undefined
      ? []
      : [`p50 ${latencyMicros.p50.toFixed(0)} us, p99 ${latencyMicros.p99.toFixed(0)} us`])
  ]
  const said = [...(invalid === undefined ? [] : [`INVALID: ${invalid}`]), ...row.limits.map(Limit.format)].map(
    (line) => `\n${" ".repeat(23)}${line}`
  )
  return `  ${relay.padEnd(20)} ${figures.join("; ")}${said.join("")}`
}
