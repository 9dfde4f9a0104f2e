import { Arbitrary, Effect, Equal, Formatter, Random, Schema } from "effect"
import { AddressText } from "../../call/CallState.ts"
import { CallId } from "../../protocol/Ids.ts"
import type { CallStore, CallStoreError } from "../CallStore.ts"

/**
 * The store does not do what it has to. `message` says what came instead and, where dice were thrown, how to throw the same
 * again.
 */
export class LawBroken extends Schema.TaggedError<LawBroken>()("LawBroken", {
  law: Schema.String,
  message: Schema.String
}) {}

/** One promise of every store. It leaves calls behind, under names that nobody else has. */
export interface Law {
  readonly name: string
  /** Throws dice in some laws, for which the options are: `{ replay }` throws those of a failure again. */
  readonly check: (options?: Arbitrary.CheckOptions) => Effect.Effect<void, LawBroken, CallStore>
}

/** What is wrong, in words; or the store has failed where it had no reason to. */
export type Broken = string | CallStoreError

/** New names of calls, and new addresses. */
export interface Names {
  readonly call: () => CallId
  readonly address: () => AddressText
}

/** Drawn, so that a law can be checked again on a store that has been through it. */
const makeNames: Effect.Effect<Names> = Effect.map(Random.nextIntBetween(0, 2 ** 32), (drawn) => {
  let calls = 0
  let ports = 0
  const host = `2001:db8::${(drawn >>> 16).toString(16)}:${(drawn & 0xffff).toString(16)}`
  return {
    call: () => CallId.make(`law-${drawn}-${++calls}`),
    address: () => AddressText.make(`[${host}]:${++ports}`)
  }
})

/** Fails with both if they differ, by their structure. */
export const expect = <A>(what: string, actual: A, expected: A): Effect.Effect<void, string> =>
  Equal.equals(actual, expected)
    ? Effect.void
    : Effect.fail(`${what}: expected ${Formatter.format(expected)}, got ${Formatter.format(actual)}`)

/** In words. A store that dies is broken, too. */
const inWords = <R>(check: Effect.Effect<void, Broken, R>): Effect.Effect<void, string, R> =>
  check.pipe(
    Effect.mapError((broken) =>
      typeof broken === "string" ? broken : `the store fails: ${Formatter.format(broken.reason)}`
    ),
    Effect.catchDefect((defect) => Effect.fail(`the store dies: ${Formatter.format(defect)}`))
  )

type Check<A extends ReadonlyArray<unknown>> = (names: Names, ...drawn: A) => Effect.Effect<void, Broken, CallStore>

const lawBroken = (law: string, how: string | undefined) => new LawBroken({ law, message: `${law}: ${how}` })

/** A law without dice. */
export const law = (name: string, check: Check<[]>): Law => ({
  name,
  check: () =>
    makeNames.pipe(
      Effect.flatMap((names) => inWords(check(names))),
      Effect.mapError((how) => lawBroken(name, how))
    )
})

/** So many that a store behind a network is done in seconds. */
const few: Arbitrary.CheckOptions = { runs: 30, size: 25 }

/** A law that holds whatever is drawn. */
export const lawOfAll = <A>(name: string, drawn: Arbitrary.Arbitrary<A>, check: Check<[drawn: A]>): Law => ({
  name,
  check: Effect.fnUntraced(function* (options?: Arbitrary.CheckOptions) {
    const names = yield* makeNames
    const result = yield* Arbitrary.checkEffect(drawn, (value) => Effect.as(inWords(check(names, value)), true), {
      ...few,
      ...options
    })
    if (result._tag === "Passed") return
    if (result._tag !== "Falsified" || result.failure._tag !== "PropertyError") {
      return yield* lawBroken(name, Arbitrary.formatCheckFailure(result))
    }
    const input = Formatter.format(result.shrunkInput)
    const again = `check({ replay: ${JSON.stringify(result.replay)} })`
    return yield* lawBroken(name, `${result.failure.error}\nwith ${input}\nAgain: ${again}`)
  })
})
