import { Clock, Context, Effect, Layer, type Scope } from "effect"
import type { CallId, RelayId } from "../protocol/Ids.ts"
import type { CallReport } from "./CallReports.ts"

/** Takes in one relay's report of one call. */
export type HandleReport = (relay: RelayId, report: CallReport) => Effect.Effect<void>

interface Resident {
  readonly handle: HandleReport
  /** When the actor's mailbox got a message last. Milliseconds. */
  messageAtMs: number
}

/** Shorter than an actor may be idle: the cluster counts messages, and knows nothing of what goes past the mailbox. */
const touchAfterMs = 7000

/**
 * The calls whose actors run on this node. Reports come several times a second for every call: most go to the actor's
 * memory by this table, past its mailbox.
 */
export class ResidentCalls extends Context.Service<
  ResidentCalls,
  {
    /** The actor is here as long as the scope. */
    readonly add: (call: CallId, handle: HandleReport) => Effect.Effect<void, never, Scope.Scope>
    /** A message has come by the mailbox. */
    readonly touch: (call: CallId) => Effect.Effect<void>
    /** False: the call's actor does not run on this node. */
    readonly report: (relay: RelayId, report: CallReport) => Effect.Effect<boolean>
    /** The actor is here, and has had no message for so long that it would soon be taken for idle. */
    readonly needsTouch: (call: CallId) => boolean
  }
>()("tandem/actor/ResidentCalls") {
  static readonly layer = Layer.effect(
    ResidentCalls,
    Effect.gen(function* () {
      const clock = yield* Clock.Clock
      const nowMs = () => Number(clock.monotonicTimeNanosUnsafe()) / 1_000_000
      const residents = new Map<CallId, Resident>()
      return ResidentCalls.of({
        add: (call, handle) =>
          Effect.acquireRelease(
            Effect.sync(() => {
              const resident: Resident = { handle, messageAtMs: nowMs() }
              residents.set(call, resident)
              return resident
            }),
            // The call may have come back meanwhile, to a new actor.
            (resident) => Effect.sync(() => void (residents.get(call) === resident && residents.delete(call)))
          ),
        touch: (call) =>
          Effect.sync(() => {
            const resident = residents.get(call)
            if (resident !== undefined) resident.messageAtMs = nowMs()
          }),
        report: (relay, report) =>
          Effect.suspend(() => {
            const resident = residents.get(report.call)
            return resident === undefined ? Effect.succeed(false) : Effect.as(resident.handle(relay, report), true)
          }),
        needsTouch: (call) => {
          const resident = residents.get(call)
          return resident !== undefined && nowMs() - resident.messageAtMs >= touchAfterMs
        }
      })
    })
  )
}
