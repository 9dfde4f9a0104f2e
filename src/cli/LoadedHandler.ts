import { Effect } from "effect"

/** A module that does what a command says. */
interface HandlerModule<Flags, E, R> {
  readonly run: (flags: Flags) => Effect.Effect<void, E, R>
}

/**
 * The handler of a command whose module is loaded when it is asked for: the help, a flag that cannot be read and every
 * other command do without it, and without all that it imports.
 */
export const handlerOf =
  <Flags, E, R>(load: () => Promise<HandlerModule<Flags, E, R>>) =>
  (flags: Flags): Effect.Effect<void, E, R> =>
    Effect.flatMap(Effect.promise(load), ({ run }) => run(flags))
