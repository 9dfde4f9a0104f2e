import { Effect, Fiber } from "effect"
import type { PostgresServer } from "../../servers/PostgresServer.ts"
import type { LoadGenerator } from "../load/LoadGenerator.ts"
import type { Calls, Pace, RunReport, Timing } from "../load/LoadOrder.ts"
import * as ProcessFiles from "../ProcessFiles.ts"
import type { RunningTandem } from "../relays/TandemRelay.ts"
import * as Joins from "./Joins.ts"

/** Ten calls of two in which both send. */
const calls: Calls = { calls: 10, participants: 2, senders: 2, payloadBytes: 200, kind: "audio" }
/** A fraction of what a relay forwards: whoever waits here does not wait for other packets. */
const pace: Pace = { packetsPerSecond: 5000 }

/** So many packets are media, and no farewell or feedback. */
const flowingPackets = 100
const lookEveryMs = 50
/** Until everybody is in the calls, or the store is back. */
const waitTimeout = "30 seconds"
/** The store goes on so long after the window, in which the load drains. Milliseconds. */
const marginMs = 300

/** What the store does meanwhile. */
export type Kind = "running" | "still"

export interface Window {
  readonly report: RunReport
  /** Joins that were tried, let in and refused while it was measured. */
  readonly joins: Joins.Tally
  /** Of the time, that the relay was ready to run and others had its processor, whoever they were. 0 to 1. */
  readonly relayWaited: number
}

export interface Bench {
  readonly relay: RunningTandem
  readonly generator: LoadGenerator
  readonly server: PostgresServer["Service"]
  /** `drainMs` is longer than `marginMs`: everybody leaves when the store is back. */
  readonly timing: Timing
}

/** Nothing of the store runs as long as the scope, and it goes on if this process ends before: it could not be ended then. */
const standStill = ({ pause, resume }: PostgresServer["Service"]) => {
  const goOn = () => Effect.runSync(resume)
  return Effect.acquireRelease(
    Effect.andThen(
      pause,
      Effect.sync(() => void process.on("exit", goOn))
    ),
    () =>
      Effect.andThen(
        resume,
        Effect.sync(() => void process.off("exit", goOn))
      )
  )
}

const untilMediaFlows = ({ packetsOut }: Required<Pick<RunningTandem, "packetsOut">>) =>
  Effect.gen(function* () {
    const count = Effect.promise(packetsOut)
    const before = yield* count
    while ((yield* count) < before + flowingPackets) yield* Effect.sleep(lookEveryMs)
  }).pipe(Effect.timeout(waitTimeout))

const between = (before: Joins.Tally, after: Joins.Tally): Joins.Tally => ({
  tried: after.tried - before.tried,
  granted: after.granted - before.granted,
  refused: after.refused - before.refused
})

/**
 * Media for a while, and the store stands still or runs from before it is measured until after. Everybody comes and leaves
 * while it runs, so that the media is the same in both.
 */
export const measure = Effect.fnUntraced(function* ({ generator, relay, server, timing }: Bench, kind: Kind) {
  const { measureMs, warmUpMs } = timing
  const order = { language: "tandem", relay: relay.place, pid: relay.pid, calls, pace, timing } as const
  const running = yield* Effect.forkChild(Effect.promise(() => generator.run(order)))
  // If the load fails there will be no media.
  yield* Effect.raceFirst(untilMediaFlows({ packetsOut: relay.packetsOut! }), Effect.asVoid(Fiber.join(running)))
  const joins = yield* Effect.acquireRelease(
    Effect.sync(() => Joins.start(relay.place)),
    (joins) => Effect.promise(joins.stop)
  )
  const meanwhile = yield* Effect.gen(function* () {
    if (kind === "still") yield* standStill(server)
    yield* Effect.sleep(warmUpMs)
    const before = { joins: { ...joins.tally }, ms: performance.now(), waited: ProcessFiles.waitSeconds(relay.pid) }
    yield* Effect.sleep(measureMs)
    const seconds = (performance.now() - before.ms) / 1000
    const relayWaited = (ProcessFiles.waitSeconds(relay.pid) - before.waited) / seconds
    const joinsMeanwhile = between(before.joins, joins.tally)
    yield* Effect.sleep(marginMs)
    return { joins: joinsMeanwhile, relayWaited }
  }).pipe(Effect.scoped)
  const report = yield* Fiber.join(running)
  yield* Effect.promise(joins.stop)
  yield* Effect.promise(() => Joins.untilGranted(relay.place)).pipe(Effect.timeout(waitTimeout))
  return { report, ...meanwhile } satisfies Window
}, Effect.scoped)
