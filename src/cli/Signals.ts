import * as NodeStream from "@effect/platform-node/NodeStream"
import { Effect, Stream } from "effect"

/** A Ctrl-C may come twice: from the terminal, and from npm. */
const sameWithin = "500 millis"
const exitCodeAtOnce = 1

const asked = Effect.callback<void>((resume) => {
  const handle = () => resume(Effect.void)
  process.once("SIGINT", handle)
  process.once("SIGTERM", handle)
  return Effect.sync(() => {
    process.off("SIGINT", handle)
    process.off("SIGTERM", handle)
  })
})

/** The first signal lets the process finish what it has to. Whoever sends a second one does not want to wait for that. */
export const endAtOnceWhenAskedTwice = asked.pipe(
  Effect.andThen(Effect.sleep(sameWithin)),
  Effect.andThen(asked),
  Effect.andThen(Effect.sync(() => process.exit(exitCodeAtOnce)))
)

/** Ends when the standard input does: whoever has started this process with a pipe has ended. */
export const inputEnded = Stream.runDrain(
  NodeStream.fromReadable({ evaluate: () => process.stdin, onError: () => undefined })
).pipe(Effect.ignore)
