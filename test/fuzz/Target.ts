import * as Crypto from "node:crypto"
import { inspect } from "node:util"
import type { Dice } from "./Dice.ts"

/** Something that is fuzzed. A case is made of dice and of nothing else, so its seed and its number are enough to repeat it. */
export interface Target {
  readonly name: string
  /** What must hold, for people. One line. */
  readonly about: string
  /** How many cases the smoke of `npm test` runs. */
  readonly smokeCases: number
  /** Draws one case and runs it. */
  readonly run: (draw: Dice) => Promise<Failure | undefined> | Failure | undefined
}

/** What was found. */
export interface Failure {
  /** Names what does not hold, whatever the case: two failures with one rule are taken for the same mistake. */
  readonly rule: string
  /** The rule with what was seen in this case, and where. */
  readonly message: string
  /** What was done, for people. */
  readonly input: string
  /** A smaller case with the same failure, if one is found. */
  readonly minimize: () => Promise<Failure>
}

export interface Definition<Case> {
  readonly name: string
  readonly about: string
  readonly smokeCases: number
  readonly draw: (draw: Dice) => Case
  /** Throws when something does not hold: a `Violation`, or whatever the code under test throws. */
  readonly check: (input: Case) => void | Promise<void>
  /** Smaller cases, the smallest first. */
  readonly smaller: (input: Case) => Iterable<Case>
  readonly show: (input: Case) => string
  /** Cases that are tried to find a smaller one: few where a case takes long. */
  readonly minimizeCasesMax?: number
}

/** Something that must hold does not. */
export class Violation extends Error {
  readonly rule: string
  constructor(rule: string, details: string) {
    super(details === "" ? rule : `${rule}: ${details}`)
    this.name = "Violation"
    this.rule = rule
  }
}

/** Throws unless it is so. `details` is only asked for then. */
export function hold(holds: boolean, rule: string, details: () => string = () => ""): asserts holds {
  if (!holds) throw new Violation(rule, details())
}

/** For details: short, and on one line. */
export const show = (value: unknown): string =>
  inspect(value, { depth: 5, breakLength: Infinity, maxArrayLength: 40, maxStringLength: 200 })

export const define = <Case>(definition: Definition<Case>): Target => {
  const { about, check, draw: drawCase, name, smokeCases } = definition
  return {
    name,
    about,
    smokeCases,
    run: (draw) => {
      const drawn = attempt(() => drawCase(draw))
      if ("error" in drawn) return failureOfDraw(drawn.error)
      const input = drawn.value
      const checking = attempt(() => check(input))
      if ("error" in checking) return failureOf(definition, input, checking.error)
      return checking.value?.then(
        () => undefined,
        (error: unknown) => failureOf(definition, input, error)
      )
    }
  }
}

const attempt = <A>(act: () => A): { readonly value: A } | { readonly error: unknown } => {
  try {
    return { value: act() }
  } catch (error) {
    return { error }
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? (error.stack ?? error.message) : show(error))

/** Valid input is made with the code under test: it may fail at that already. */
const failureOfDraw = (error: unknown): Failure => {
  const failure: Failure = {
    rule: ruleOf(error),
    message: messageOf(error),
    input: "none: it failed while the case was drawn",
    minimize: async () => failure
  }
  return failure
}

const failureOf = <Case>(definition: Definition<Case>, input: Case, error: unknown): Failure => ({
  rule: ruleOf(error),
  message: messageOf(error),
  input: definition.show(input),
  minimize: () => minimize(definition, input, error)
})

/** Of an exception that nobody has foreseen: its text without the numbers of this case. */
const ruleOf = (error: unknown): string =>
  error instanceof Violation ? error.rule : String(error).split("\n")[0]!.replaceAll(/\d+/g, "#")

const minimizeCasesMaxDefault = 1000

/** Goes on from the first smaller case that fails alike, as long as there is one. */
const minimize = async <Case>(definition: Definition<Case>, input: Case, error: unknown): Promise<Failure> => {
  const rule = ruleOf(error)
  let smallest = { input, error }
  let left = definition.minimizeCasesMax ?? minimizeCasesMaxDefault
  search: while (true) {
    for (const candidate of definition.smaller(smallest.input)) {
      if (left-- <= 0) break search
      const failed = await errorOf(definition, candidate)
      if (failed === undefined || ruleOf(failed.error) !== rule) continue
      smallest = { input: candidate, error: failed.error }
      continue search
    }
    break
  }
  return failureOf(definition, smallest.input, smallest.error)
}

const errorOf = async <Case>(
  { check }: Definition<Case>,
  input: Case
): Promise<{ readonly error: unknown } | undefined> => {
  try {
    await check(input)
    return undefined
  } catch (error) {
    return { error }
  }
}

/** A short name for bytes that are too many to be shown. */
export const digest = (bytes: Uint8Array): string => Crypto.createHash("sha256").update(bytes).digest("hex").slice(0, 8)
