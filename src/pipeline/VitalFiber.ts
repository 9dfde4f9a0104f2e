import { Cause, Effect } from "effect"
import { RelayCore } from "./RelayCore.ts"

/**
 * A fiber without which the relay is of no use. It is interrupted when its scope ends, and may not end otherwise: if it does,
 * the log says so, the relay's fleet is left, and whoever runs it, or asks for its health, is told to start it again.
 */
export const run = <E, R>(name: string, fiber: Effect.Effect<void, E, R>) =>
  Effect.flatMap(RelayCore, ({ fault }) =>
    Effect.onExit(fiber, (exit) => {
      if (exit._tag === "Failure" && Cause.hasInterruptsOnly(exit.cause)) return Effect.void
      const message = `${name} has ended: restart the relay`
      fault.reason ??= message
      fault.raised.openUnsafe()
      return exit._tag === "Failure" ? Effect.logFatal(message, exit.cause) : Effect.logFatal(message)
    }).pipe(Effect.orDie, Effect.forkScoped)
  )
