/** What a figure must not exceed, and what it is. */
export interface Limit {
  /** "CPU a packet, times C". */
  readonly of: string
  readonly max: number
  /** Missing when it could not be had. */
  readonly value?: number
  /** Why it could not be had. */
  readonly because?: string
  /** That is so because the machine lacks what it takes, which is nobody's failure. */
  readonly excused?: boolean
}

/** A limit on something that was measured. */
export const on = (of: string, max: number, value: number): Limit => ({ of, max, value })

const digits = (value: number): string => String(Number(value.toPrecision(4)))

/** Why a promise is not kept, in one line; `undefined` when it is, or could not be. */
export const failureOf = (who: string, { because, excused = false, max, of, value }: Limit): string | undefined => {
  if (value === undefined) return excused ? undefined : `${who}: ${of} not measured, ${because}`
  return value <= max ? undefined : `${who}: ${of} is ${digits(value)}, more than ${max}`
}

/** For people: "CPU a packet, times C: 1.12, at most 1.2". */
export const format = ({ because, max, of, value }: Limit): string => {
  if (value === undefined) return `${of}: not measured, ${because}`
  return `${of}: ${digits(value)}, at most ${max}${value <= max ? "" : ", FAILS"}`
}
