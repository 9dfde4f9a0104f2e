import { Result, Schema } from "effect"
import * as LinkEmulator from "./simulated/LinkEmulator.ts"

/** How badly to treat what is sent: a link and the seed of its dice. */
export interface Impairment extends LinkEmulator.LinkOptions {
  readonly seed: string
}

/** The text describes no impairment. */
export class InvalidImpairment extends Schema.TaggedError<InvalidImpairment>()("InvalidImpairment", {
  message: Schema.String
}) {}

/** What is not named in the text. */
export const none: Impairment = { ...LinkEmulator.perfect, seed: "1" }

/** A parser of one key: what it changes, or `undefined` when the value makes no sense. */
interface Key {
  readonly expected: string
  readonly read: (value: string) => Partial<Impairment> | undefined
}

const number = /^\d+(\.\d+)?$/

const ratio = (make: (ratio: number) => Partial<Impairment>): Key => ({
  expected: "a share from 0 to 1, like 0.05",
  read: (value) => (number.test(value) && Number(value) <= 1 ? make(Number(value)) : undefined)
})

const withUnit = (
  expected: string,
  units: Record<string, number>,
  make: (amount: number) => Partial<Impairment> | undefined
): Key => ({
  expected,
  read: (value) => {
    const [, amount, unit] = /^([\d.]+)([a-z]+)$/.exec(value) ?? []
    if (amount === undefined || unit === undefined || !number.test(amount) || !Object.hasOwn(units, unit))
      return undefined
    const total = Number(amount) * units[unit]!
    return Number.isFinite(total) ? make(total) : undefined
  }
})

const time = (make: (timeMs: number) => Partial<Impairment>): Key =>
  withUnit("a time, like 20ms or 1s", { ms: 1, s: 1000 }, make)

const keys: Record<string, Key> = {
  loss: ratio((lossRatio) => ({ lossRatio })),
  delay: time((latencyMs) => ({ latencyMs })),
  jitter: time((jitterMs) => ({ jitterMs })),
  rate: withUnit(
    "bits a second above 0, like 300kbps or 2mbps",
    { bps: 1, kbps: 1e3, mbps: 1e6, gbps: 1e9 },
    (rateBps) => (rateBps > 0 ? { rateBps } : undefined)
  ),
  reorder: ratio((reorderRatio) => ({ reorderRatio })),
  duplicate: ratio((duplicateRatio) => ({ duplicateRatio })),
  seed: { expected: "any text", read: (seed) => (seed === "" ? undefined : { seed }) }
}

const invalid = (text: string, problem: string) =>
  Result.fail(
    new InvalidImpairment({
      message: `impairment ${JSON.stringify(text)}: ${problem}; write key=value with commas between, the keys are ${Object.keys(keys).join(", ")}`
    })
  )

/** Reads "loss=0.05,delay=20ms,jitter=5ms,rate=2mbps,reorder=0.01,duplicate=0.01,seed=1", each key at most once. */
export const parse = (text: string): Result.Result<Impairment, InvalidImpairment> => {
  const given = new Set<string>()
  const impairment: Impairment = { ...none }
  for (const part of text.split(",")) {
    const [name = "", value, ...rest] = part.trim().split("=")
    const key = Object.hasOwn(keys, name) ? keys[name] : undefined
    if (key === undefined) return invalid(text, `${JSON.stringify(name)} is not a key`)
    if (given.has(name)) return invalid(text, `${name} is given twice`)
    given.add(name)
    const change = value === undefined || rest.length > 0 ? undefined : key.read(value)
    if (change === undefined) return invalid(text, `${name} must be ${key.expected}`)
    Object.assign(impairment, change)
  }
  return Result.succeed(impairment)
}
