import { Context, type Effect, Schema } from "effect"
import { LegTag } from "../call/CallState.ts"
import { PlanVersion } from "../call/PlanVersion.ts"
import { CallId, RelayId } from "../protocol/Ids.ts"

/**
 * What one relay has of one call: how far its plan is, and whom it serves. A node that is older than an optional field passes it
 * over.
 */
export const CallReport = Schema.Struct({
  call: CallId,
  /** Of the plan that the relay forwards by. */
  version: PlanVersion,
  /** The legs on which it serves a participant: the relay's tags. */
  legTags: Schema.Array(LegTag),
  /** Media flows. Of a call that rests only an actor that runs is told: there is nothing to start one for. */
  isActive: Schema.Boolean,
  /** What is new about its legs, as `LegEstimate` has it in bytes: few, for a call of 50 reports several times a second. */
  estimates: Schema.Uint8Array,
  /** How loud its audio has been since the last report, as `Volumes` has it in bytes. Of a group alone. */
  volumes: Schema.optionalKey(Schema.Uint8Array),
  /** What is new about what its devices want to see, as `Subscription` has it in bytes. */
  subscriptions: Schema.optionalKey(Schema.Uint8Array),
  /** What is new about what its devices say of their uplinks, as `Uplinks` has it in bytes. */
  uplinks: Schema.optionalKey(Schema.Uint8Array),
  /** The extras that the relay is too busy for, as `QualityExtra` has them in bits. Left out: none. */
  withheld: Schema.optionalKey(Schema.Int),
  /** How much is used of what the relay can do: 1 is all, and it may be more. Left out: nothing worth mentioning. */
  load: Schema.optionalKey(Schema.Finite)
})
export type CallReport = typeof CallReport.Type

/** With the relay that has made it. */
export const SignedReport = Schema.Struct({ relay: RelayId, report: CallReport })
export type SignedReport = typeof SignedReport.Type

/**
 * Brings the relays' summaries to the calls' actors, wherever they run. A report is no command: it may be lost, and the next
 * one comes soon. What it is good for: a relay that has missed a plan gets it again, and a participant whom no relay serves
 * any more is known to be gone.
 */
export class CallReports extends Context.Service<
  CallReports,
  {
    /** One turn's reports of one relay. Waits for no actor. */
    readonly send: (relay: RelayId, reports: ReadonlyArray<CallReport>) => Effect.Effect<void>
  }
>()("tandem/actor/CallReports") {}
