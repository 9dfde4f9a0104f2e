import { Effect, Schema } from "effect"

/** The database cannot be used. `message` says which, why, and what to do; it has no password in it. */
export class DatabaseNotOpened extends Schema.TaggedError<DatabaseNotOpened>()("DatabaseNotOpened", {
  message: Schema.String
}) {}

/** The first line of what a driver says, which may be wrapped in several layers of "failed". */
export const reasonOf = (error: unknown): string => {
  let text = String(error)
  for (let inner: unknown = error; inner instanceof Error; inner = inner.cause) text = inner.message
  return text.split("\n")[0]!.trim()
}

/** Leaves alone what a Tandem has written that this one does not know. */
export const refuseNewer = (found: number, known: number): Effect.Effect<void, DatabaseNotOpened> =>
  found <= known
    ? Effect.void
    : Effect.fail(
        new DatabaseNotOpened({
          message: `the state database was written by a newer Tandem (schema ${found}, this one knows ${known}): run that one, or name another database`
        })
      )
