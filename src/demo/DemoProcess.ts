import { Effect, Fiber, Option, Schema, Stream } from "effect"
import { ChildProcess, ChildProcessSpawner } from "effect/process"
import * as Os from "node:os"
import { fileURLToPath } from "node:url"

/** A part of the demo did not do its work. */
export class DemoFailed extends Schema.TaggedError<DemoFailed>()("DemoFailed", { message: Schema.String }) {}

/** The command line as users start it. It lies beside the sources of a clone and beside the JavaScript of a package. */
const program = fileURLToPath(new URL("../../bin/tandem.js", import.meta.url))

export interface Options {
  /** For messages: "the relay", "participant p1". */
  readonly name: string
  readonly args: ReadonlyArray<string>
  readonly cwd: string
  readonly env?: Record<string, string>
  /** The other processes come first: a relay that shares two processors with eight devices would have the share of one of nine. */
  readonly givesWay?: boolean
}

/** Starts `tandem ARGS` as a process that ends with the scope. */
export const start = Effect.fnUntraced(function* ({ args, cwd, env = {}, givesWay = false, name }: Options) {
  const spawner = yield* ChildProcessSpawner.ChildProcessSpawner
  const command = ChildProcess.make(process.execPath, [program, ...args], { cwd, env, extendEnv: true })
  const handle = yield* spawner
    .spawn(command)
    .pipe(Effect.mapError((error) => new DemoFailed({ message: `${name} did not start: ${error.message}` })))
  // Where it may not be said, all are alike.
  if (givesWay)
    yield* Effect.ignore(Effect.try(() => Os.setPriority(handle.pid, Os.constants.priority.PRIORITY_BELOW_NORMAL)))
  // Both are read all the time: a full pipe would stop the process.
  const lines = handle.stdout.pipe(
    Stream.decodeText,
    Stream.splitLines,
    Stream.orElseSucceed(() => "")
  )
  const complaints = yield* handle.stderr.pipe(
    Stream.decodeText,
    Stream.mkString,
    Effect.orElseSucceed(() => ""),
    Effect.forkScoped
  )
  return { name, handle, lines, complaints }
})

export type Running = Effect.Success<ReturnType<typeof start>>

const failed = ({ complaints, name }: Running, what: string) =>
  Effect.flatMap(Fiber.join(complaints), (said) =>
    Effect.fail(new DemoFailed({ message: `${name} ${what}${said === "" ? "" : `: ${said.trim()}`}` }))
  )

/** The first line that the process prints. */
export const firstLine = Effect.fnUntraced(function* (process: Running) {
  const line = yield* Stream.runHead(process.lines)
  return Option.isSome(line) ? line.value : yield* failed(process, "ended before it was ready")
})

/** Everything that the process prints, when it has ended well. */
export const output = Effect.fnUntraced(function* (process: Running) {
  const lines = yield* Stream.runCollect(process.lines)
  const exitCode = yield* process.handle.exitCode.pipe(Effect.orElseSucceed(() => -1))
  return exitCode === 0 ? lines.join("\n") : yield* failed(process, `failed with exit code ${exitCode}`)
})

/** What the process has printed, read. */
export const decode = <A, I>(name: string, schema: Schema.Codec<A, I>, text: I) =>
  Effect.mapError(
    Schema.decodeEffect(schema)(text),
    () => new DemoFailed({ message: `${name} printed something else than its report: ${String(text)}` })
  )
