import type { CallReport } from "../actor/CallReports.ts"

/**
 * How busy the relay is, and what its calls are to go without for that: with every report their actors are told. Changed in
 * place by whoever measures the load.
 */
export interface RelayRelief {
  /** The extras of ongoing calls, as `QualityExtra` has them in bits. 0: nothing. */
  withheld: number
  /** How much is used of what the relay can do. 1: all; NaN: not known. */
  load: number
}

export const make = (): RelayRelief => ({ withheld: 0, load: 0 })

/** A relay at ease has nothing to say. */
export const newsOf = ({ load, withheld }: RelayRelief): Pick<CallReport, "withheld" | "load"> => {
  const rounded = Math.round(load * 100) / 100
  return { ...(withheld !== 0 && { withheld }), ...(rounded > 0 && { load: rounded }) }
}
