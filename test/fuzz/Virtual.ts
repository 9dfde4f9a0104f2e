import { Cause, Effect, Exit, Fiber, Logger, Scope } from "effect"
import { TestClock } from "effect/testing"
import { Violation } from "./Target.ts"

/** What the code under test says only when it has gone wrong. */
const isGrave = (level: string): boolean => level === "Error" || level === "Fatal"

/** Ends take time too: a relay waits for its devices to hear of it. Milliseconds. */
const closingMsMax = 60_000
const stepMs = 10

/** Runs an effect in a scope of its own, which is closed while time passes, whatever has come of it. */
const inPassingScope = Effect.fnUntraced(function* <A, E, R>(effect: Effect.Effect<A, E, R>) {
  const scope = yield* Scope.make()
  const exit = yield* Effect.exit(Effect.provideService(effect, Scope.Scope, scope))
  const closing = yield* Effect.forkChild(Scope.close(scope, exit), { startImmediately: true })
  for (let passedMs = 0; closing.pollUnsafe() === undefined; passedMs += stepMs) {
    if (passedMs > closingMsMax) throw new Violation("what is closed ends", `not within ${closingMsMax} ms`)
    yield* TestClock.adjust(stepMs)
  }
  yield* Fiber.join(closing)
  return yield* exit
})

/**
 * Runs in virtual time, on a clock of its own. Rejects with the violation, or with whatever else has gone wrong; also when
 * somebody has logged an error: it has been caught, but is a mistake all the same.
 */
export const runInVirtualTime = async <A>(effect: Effect.Effect<A, unknown, Scope.Scope>): Promise<A> => {
  const errors: Array<string> = []
  const listening = Logger.make(({ cause, logLevel, message }) => {
    if (isGrave(logLevel)) errors.push(`${String(message)} ${Cause.pretty(cause)}`)
  })
  const exit = await Effect.runPromiseExit(
    inPassingScope(effect).pipe(Effect.provide(TestClock.layer()), Effect.provide(Logger.layer([listening])))
  )
  if (errors.length > 0) throw new Violation("nobody logs an error", errors.join("\n"))
  if (Exit.isSuccess(exit)) return exit.value
  throw Cause.squash(exit.cause)
}
