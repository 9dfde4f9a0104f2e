import { Cause, Console, Effect, Exit, Schema } from "effect"
import { CliOutput } from "effect/cli"

/** Something that the person at the keyboard can mend: a flag, a file, a variable. Exit code 2. */
export class BadInput extends Schema.TaggedError<BadInput>()("BadInput", { message: Schema.String }) {}

/** What was asked for was right and could not be done. Exit code 1. */
export class Failed extends Schema.TaggedError<Failed>()("Failed", { message: Schema.String }) {}

interface WithMessage {
  readonly message: string
}

export const badInput = (error: WithMessage): BadInput => new BadInput({ message: error.message })

export const failed = (error: WithMessage): Failed => new Failed({ message: error.message })

/** The exit code of the process: 0 done, or stopped by a signal; 1 failed; 2 bad input. docs/operating.md. */
export const exitCodeOf = (exit: Exit.Exit<unknown, unknown>): number => {
  if (Exit.isSuccess(exit) || Cause.hasInterruptsOnly(exit.cause)) return 0
  const error = Cause.findErrorOption(exit.cause)
  return error._tag === "Some" && (error.value instanceof BadInput || isUsageError(error.value)) ? 2 : 1
}

/** One line on stderr: what is wrong and what to do. A defect is ours, and is shown whole. */
export const report = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.tapCause(effect, (cause) => {
    if (Cause.hasInterruptsOnly(cause)) return Effect.void
    const error = Cause.findErrorOption(cause)
    if (error._tag === "None") return Console.error(`tandem: ${Cause.pretty(cause)}`)
    return isUsageError(error.value) ? Effect.void : Console.error(`tandem: ${messageOf(error.value)}`)
  })

/** A command line that cannot be read gets a line too, not the whole help. */
export const layerOneLineErrors = CliOutput.layerPresenter({
  present: (event) =>
    event._tag === "InvalidInvocation"
      ? Effect.suspend(() => {
          const message = event.errors[0]?.message ?? "the command line cannot be read"
          const help = [...event.commandPath, "--help"].join(" ")
          return Console.error(`tandem: ${message.trim().split("\n")[0]} (see ${help})`)
        })
      : CliOutput.defaultPresenter.present(event)
})

/** The command line parser has said what is wrong already. */
const isUsageError = (error: unknown): boolean => hasTag(error) && error._tag === "ShowHelp"

const hasTag = (error: unknown): error is { readonly _tag: string } =>
  typeof error === "object" && error !== null && "_tag" in error

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
