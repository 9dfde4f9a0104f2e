import { Clock, Console, Deferred, Duration, Effect, Fiber, FiberSet, Option, Schema, Stream } from "effect"
import { ChildProcess, ChildProcessSpawner } from "effect/process"
import { fileURLToPath } from "node:url"

/** One relay of several on a machine, each a process of its own. */
export interface RelayProcess {
  /** For the log: "relay-2". */
  readonly name: string
  /** Of the command line. It has to print one object when the relay is ready, and to end with its standard input. */
  readonly args: ReadonlyArray<string>
  /** Besides what this process has. */
  readonly env: Readonly<Record<string, string>>
}

/** What a relay prints when it is ready. */
export const ReadyRelay = Schema.Struct({
  address: Schema.String,
  socket: Schema.String,
  http: Schema.String,
  pid: Schema.Int
})
export type ReadyRelay = typeof ReadyRelay.Type

export interface NamedRelay extends ReadyRelay {
  readonly relay: string
}

/** A relay has not come up when all were started. `message` has what it said. */
export class RelayNotStarted extends Schema.TaggedError<RelayNotStarted>()("RelayNotStarted", {
  message: Schema.String
}) {}

/** Before a relay that has died is started again; doubled each time. Milliseconds. */
const pauseMsFirst = 500
const pauseMsMax = 30_000
/** A relay that has run for so long has died of something new. Milliseconds. */
const steadyAfterMs = 60_000

const program = fileURLToPath(new URL("../../bin/tandem.js", import.meta.url))
/** Begins the line in which a process says why it ends. */
const complaintPrefix = "tandem: "

interface Ended {
  /** Undefined: by a signal, or it could not be started. */
  readonly exitCode: number | undefined
  readonly why: string
}

/** The processes that run now, by their ids. Whoever ends at once ends them with it. */
const processIds = Effect.map(
  Effect.acquireRelease(
    Effect.sync(() => {
      const pids = new Set<number>()
      const killAll = () => pids.forEach(killNow)
      process.once("exit", killAll)
      return { pids, killAll }
    }),
    ({ killAll }) => Effect.sync(() => void process.off("exit", killAll))
  ),
  ({ pids }) => pids
)

const killNow = (pid: number): void => {
  try {
    process.kill(pid, "SIGKILL")
  } catch {
    // It has just ended by itself.
  }
}

/** One life of a relay. If it is interrupted, the relay is told to stop, and has the time that it needs for that. */
const live = Effect.fnUntraced(
  function* (
    { args, env, name }: RelayProcess,
    pids: Set<number>,
    onReady: (ready: ReadyRelay) => Effect.Effect<void>
  ) {
    const spawner = yield* ChildProcessSpawner.ChildProcessSpawner
    // Each gets a process group of its own: a terminal's Ctrl-C comes from here, and once.
    const handle = yield* spawner.spawn(
      ChildProcess.make(process.execPath, [program, ...args], { env, extendEnv: true })
    )
    yield* Effect.acquireRelease(
      Effect.sync(() => pids.add(handle.pid)),
      () => Effect.sync(() => pids.delete(handle.pid))
    )
    let complaint = ""
    const listen = (stream: typeof handle.stdout, onLine: (line: string) => Effect.Effect<void>) =>
      stream.pipe(Stream.decodeText, Stream.splitLines, Stream.runForEach(onLine), Effect.ignore, Effect.forkScoped)
    yield* listen(handle.stdout, (line) =>
      Option.match(decodeReady(line), { onNone: () => Effect.void, onSome: onReady })
    )
    const log = yield* listen(handle.stderr, (line) =>
      Effect.suspend(() => {
        if (!line.startsWith(complaintPrefix)) return Console.error(`${name}: ${line}`)
        complaint = line.slice(complaintPrefix.length)
        return Effect.void
      })
    )
    const exitCode = yield* handle.exitCode.pipe(
      Effect.option,
      Effect.onInterrupt(() => Effect.ignore(handle.kill()))
    )
    yield* Fiber.await(log)
    const ended: Ended = Option.match(exitCode, {
      onNone: () => ({ exitCode: undefined, why: "it was killed" }),
      onSome: (exitCode) => ({ exitCode, why: complaint === "" ? `exit code ${exitCode}` : complaint })
    })
    return ended
  },
  Effect.scoped,
  Effect.catchTag("PlatformError", ({ message }) => {
    const notStarted: Ended = { exitCode: undefined, why: message }
    return Effect.succeed(notStarted)
  })
)

const decodeReady = Schema.decodeOption(Schema.fromJsonString(ReadyRelay))

/** Starts the relay again whenever it dies. Ends when it has ended as it was told to; fails if it was never ready. */
const keepRunning = Effect.fnUntraced(function* (
  relay: RelayProcess,
  pids: Set<number>,
  firstReady: Deferred.Deferred<ReadyRelay>
): Effect.fn.Return<void, RelayNotStarted, ChildProcessSpawner.ChildProcessSpawner> {
  const { name } = relay
  const handleReady = (ready: ReadyRelay) =>
    Deferred.succeed(firstReady, ready).pipe(
      Effect.flatMap((isFirst) => (isFirst ? Effect.void : Effect.logInfo(`${name} is back on UDP ${ready.address}`)))
    )
  for (let pauseMs = pauseMsFirst; ; pauseMs = Math.min(2 * pauseMs, pauseMsMax)) {
    const startedAt = yield* Clock.monotonicTimeNanos
    const { exitCode, why } = yield* live(relay, pids, handleReady)
    if (!(yield* Deferred.isDone(firstReady))) {
      return yield* new RelayNotStarted({ message: `${name} did not start: ${why}` })
    }
    if (exitCode === 0) return yield* Effect.logInfo(`${name} was told to stop, and has`)
    if (Number((yield* Clock.monotonicTimeNanos) - startedAt) / 1_000_000 >= steadyAfterMs) pauseMs = pauseMsFirst
    yield* Effect.logError(
      `${name} has died (${why}): it is started again in ${Duration.format(Duration.millis(pauseMs))}`
    )
    yield* Effect.sleep(pauseMs)
  }
})

/**
 * Starts the relays one after another, says when all are ready, and keeps them running until each has been told to stop. When
 * this ends, or is interrupted, all stop together.
 */
export const run = Effect.fn("RelayProcesses.run")(function* <R>(
  relays: ReadonlyArray<RelayProcess>,
  onAllReady: (relays: ReadonlyArray<NamedRelay>) => Effect.Effect<void, never, R>
) {
  const pids = yield* processIds
  const running = yield* FiberSet.make<void, RelayNotStarted>()
  const all: Array<NamedRelay> = []
  for (const relay of relays) {
    const ready = yield* Deferred.make<ReadyRelay>()
    yield* FiberSet.run(running, keepRunning(relay, pids, ready))
    all.push({ relay: relay.name, ...(yield* Effect.raceFirst(Deferred.await(ready), failing(running))) })
  }
  yield* onAllReady(all)
  yield* FiberSet.awaitEmpty(running)
}, Effect.scoped)

const failing = <E>(running: FiberSet.FiberSet<void, E>) => Effect.andThen(FiberSet.join(running), Effect.never)
