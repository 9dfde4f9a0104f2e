import * as Statistics from "./Statistics.ts"

/** One figure: what was measured, over so many rounds. Everything in it goes into the JSON as it is. */
export interface Row extends Statistics.Spread {
  readonly name: string
  /** Who was measured; missing where it is a part of Tandem alone. */
  readonly relay?: string
  readonly unit: string
  readonly rounds: number
  /** To the reference's figure of the same name, round by round. */
  readonly ratio?: Statistics.Spread
  /** Why the figure means nothing. */
  readonly invalid?: string
  /** What must not be exceeded, by the median of the figure or of its ratio. */
  readonly limit?: Limit
  /** Medians of what else was seen. */
  readonly details?: Readonly<Record<string, number>>
}

export interface Limit {
  readonly of: "median" | "ratio"
  readonly max: number
}

export const rowOf = (
  name: string,
  unit: string,
  measured: ReadonlyArray<number>,
  more: Omit<Row, "name" | "unit" | "rounds" | keyof Statistics.Spread> = {}
): Row => ({ name, unit, ...Statistics.spreadOf(measured), rounds: measured.length, ...more })

/** Why a row does not hold what was promised, in one line; `undefined` when it does, or nothing was promised. */
export const failureOf = ({ invalid, limit, median, name, ratio, relay, unit }: Row): string | undefined => {
  if (limit === undefined) return undefined
  const what = relay === undefined ? name : `${name}, ${relay}`
  if (invalid !== undefined) return `${what}: not measured, ${invalid}`
  if (limit.of === "median") {
    return median <= limit.max ? undefined : `${what}: ${median.toFixed(3)} ${unit} is more than ${limit.max}`
  }
  if (ratio === undefined) return `${what}: there is nothing to compare it with`
  const { median: times } = ratio
  return times <= limit.max ? undefined : `${what}: ${times.toFixed(2)} times the reference is more than ${limit.max}`
}

const spread = ({ max, median, min }: Statistics.Spread, digits: number): string =>
  `${median.toFixed(digits)} (${min.toFixed(digits)} to ${max.toFixed(digits)})`

/** For people: two lines at most. */
export const format = (row: Row): string => {
  const { invalid, name, ratio, relay = "", unit } = row
  const figure = `${name.padEnd(44)} ${relay.padEnd(24)} ${spread(row, 3)} ${unit}`
  const times = ratio === undefined ? "" : `, ${spread(ratio, 2)} times the reference`
  return `${figure}${times}${invalid === undefined ? "" : ` INVALID: ${invalid}`}`
}
