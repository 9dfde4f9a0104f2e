import * as Limit from "./Limit.ts"
import * as Statistics from "./Statistics.ts"

/** One figure about a part of Tandem alone, over so many rounds. Everything in it goes into the JSON as it is. */
export interface Figure extends Statistics.Spread {
  readonly name: string
  readonly unit: string
  readonly rounds: number
  readonly limits: ReadonlyArray<Limit.Limit>
}

/** `max`: what the median must not exceed; left out, nothing was promised. */
export const figureOf = (name: string, unit: string, measured: ReadonlyArray<number>, max?: number): Figure => {
  const spread = Statistics.spreadOf(measured)
  const limits = max === undefined ? [] : [Limit.on(unit, max, spread.median)]
  return { name, unit, ...spread, rounds: measured.length, limits }
}

export const format = (figure: Figure): string => {
  const limits = figure.limits.map((limit) => `; ${Limit.format(limit)}`).join("")
  return `${figure.name.padEnd(56)} ${Statistics.formatSpread(figure, 3)} ${figure.unit}${limits}`
}
