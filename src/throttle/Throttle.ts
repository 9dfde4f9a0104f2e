import { Context, Effect, Exit, Layer, Metric, type Scope, Stream } from "effect"
import type { QualityExtra } from "../protocol/QualityExtra.ts"
import { Priority, rankOf } from "./Priority.ts"
import type { Refused } from "./Refused.ts"
import type { RelayWork } from "./RelayWork.ts"

/** What a relay asks its throttle about. */
export interface AdmissionRequest {
  readonly priority: Priority
  /** Who asks: the same person is the same text. */
  readonly caller: string
  /** Whose customer that is: the id of the key that the token was made with. */
  readonly tenant: string
  /** The other side of a call of two is in already: to refuse this one would waste what that one has been given. */
  readonly completesCall?: boolean
}

/** What was let in, by priority. */
export const admissions = Metric.counter("tandem_admissions_total", {
  description: "What the throttle has let in",
  incremental: true
})

/** What was refused, by priority. */
export const refusals = Metric.counter("tandem_refusals_total", {
  description: "What the throttle has refused",
  incremental: true
})

/**
 * Who can say it at once returns an Exit, as Effect.void and Effect.fail are: then nobody waits in a queue to be refused. Whatever
 * it notes of the request it notes when it is asked.
 */
export type Decide = (request: AdmissionRequest) => Effect.Effect<void, Refused>

/**
 * Decides what a relay takes on, and what its calls go without meanwhile. Asked once for every join, subscription and the like,
 * never for a packet. At one load, who is refused at a priority is refused at every lower one too; the media of ongoing calls
 * and their devices that come back are always let in.
 */
export class Throttle extends Context.Service<
  Throttle,
  {
    /** Decided when it is called: not to be called once and run often. */
    readonly admit: Decide
    /** The same decision, not counted: for a throttle that is made of others. */
    readonly decide: Decide
    /** What ongoing calls go without, now and whenever that changes; given up in their order, given back in the reverse. */
    readonly withheld: Stream.Stream<ReadonlyArray<QualityExtra>>
    /** How much of what the relay can do is in use: 0 to 1, and more; NaN: not measured. Others go by it. */
    readonly fullness: () => number
    /** A relay says where its work can be looked up, as long as the scope. */
    readonly watch: (work: RelayWork) => Effect.Effect<void, never, Scope.Scope>
  }
>()("tandem/throttle/Throttle") {}

type Rest = Omit<Throttle["Service"], "admit" | "decide">

const nothingElse: Rest = {
  withheld: Stream.make([]),
  fullness: () => NaN,
  watch: () => Effect.void
}

/** Of these nobody is ever refused, whatever a throttle decides. */
const rankKept = rankOf("resume")

/** A throttle that decides so, and counts every decision. It is not asked about what is never refused. */
export const make = (decide: Decide, rest: Partial<Rest> = {}): Throttle["Service"] => {
  const decideOthers: Decide = (request) => (rankOf(request.priority) <= rankKept ? Effect.void : decide(request))
  return {
    ...nothingElse,
    ...rest,
    decide: decideOthers,
    admit: (request) => {
      const { priority } = request
      const decision = decideOthers(request)
      if (Exit.isExit(decision)) {
        count(priority, Exit.isSuccess(decision))
        return decision
      }
      return Effect.onExit(decision, (exit) => Effect.sync(() => count(priority, Exit.isSuccess(exit))))
    }
  }
}

const byPriority = (metric: typeof admissions): Record<Priority, typeof admissions> =>
  Object.fromEntries(
    Priority.literals.map((priority) => [priority, Metric.withAttributes(metric, { priority })])
  ) as Record<Priority, typeof admissions>
const admitted = byPriority(admissions)
const refused = byPriority(refusals)
const anywhere = Context.empty()
const count = (priority: Priority, isIn: boolean): void =>
  (isIn ? admitted : refused)[priority].updateUnsafe(1, anywhere)

/** Lets everything in, and measures nothing. */
export const layerOpen = Layer.succeed(
  Throttle,
  make(() => Effect.void)
)
