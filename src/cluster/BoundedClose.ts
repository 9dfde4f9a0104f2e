import { Effect, Exit, Fiber, Layer, Option, Scope } from "effect"

/** Longer than closing takes when nothing is wrong. */
const patience = "2 seconds"

/**
 * The layer, whose end is waited for no longer than two seconds. A part that hangs while it is closed must not keep those
 * behind it from being closed, nor the process from ending.
 */
export const within = <A, E, R>(name: string, layer: Layer.Layer<A, E, R>): Layer.Layer<A, E, R> =>
  Layer.effectContext(
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      yield* Effect.addFinalizer((exit) =>
        Effect.forkDetach(Scope.close(scope, exit), { startImmediately: true }).pipe(
          Effect.flatMap((closing) => Effect.timeoutOption(Effect.interruptible(Fiber.await(closing)), patience)),
          Effect.tap((closed) => {
            if (Option.isNone(closed)) return Effect.logWarning(`${name} has not ended in time, and is left behind`)
            return Exit.isFailure(closed.value)
              ? Effect.logWarning(`${name} has not ended as it should`, closed.value.cause)
              : Effect.void
          })
        )
      )
      return yield* Layer.buildWithScope(layer, scope)
    })
  )
