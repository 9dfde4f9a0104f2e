import { Duration, Effect, Fiber } from "effect"
import { CallStoreError, StoreUnavailable } from "./CallStore.ts"

/** How long anybody waits for a store. By then a device has asked again, and a relay does better without the answer. */
export const answerMs = 2000

export const unavailable = (cause: unknown): CallStoreError =>
  new CallStoreError({ reason: new StoreUnavailable({ cause }) })

const late = unavailable(new Error(`no answer within ${answerMs} ms`))

/**
 * The answer of a store behind a network, or `StoreUnavailable` if there is none in time. What has been asked is given up
 * in the background: a driver may take as long again to see that nobody is there.
 */
export const inTime = <A, E, R>(
  asked: Effect.Effect<A, E, R>,
  onLate: Effect.Effect<void> = Effect.void
): Effect.Effect<A, E | CallStoreError, R> =>
  Effect.flatMap(Effect.forkDetach(asked), (fiber) =>
    Fiber.join(fiber).pipe(
      // Its end is not waited for.
      Effect.onInterrupt(() => Effect.sync(() => fiber.interruptUnsafe())),
      Effect.timeoutOrElse({
        duration: Duration.millis(answerMs),
        orElse: () => Effect.andThen(Effect.forkDetach(onLate), Effect.fail(late))
      })
    )
  )
