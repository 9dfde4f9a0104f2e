import { Schema } from "effect"
import { Entity } from "effect/cluster"
import { Rpc } from "effect/rpc"
import * as CallCommand from "../call/CallCommand.ts"
import { CallFull, SsrcTaken, StaleEpoch, StreamsRefused, UnknownParticipant } from "../call/CallDecision.ts"
import { ParticipantId, RelayId } from "../protocol/Ids.ts"
import { CallStoreError } from "../state/CallStore.ts"
import { SignedReport } from "./CallReports.ts"
import { Plan } from "./PlanSchema.ts"

/** The device is on its leg. */
const Admitted = Schema.Struct({
  /** For the ticket and for the frames of this leg. */
  epoch: Schema.Int,
  /** For the frames of this leg that the relay sends. */
  restores: Schema.Int,
  /** Everybody in the call, this device too: its first roster. */
  plan: Plan
})

/** Repeated with the same leg tag it is answered alike. */
export const Join = Rpc.make("Join", {
  payload: CallCommand.Join,
  success: Admitted,
  error: Schema.Union([CallFull, SsrcTaken, StreamsRefused, CallStoreError])
})

/** Succeeds once for every ticket; repeated with the same leg tag it is answered alike. */
export const Resume = Rpc.make("Resume", {
  payload: CallCommand.Resume,
  success: Admitted,
  error: Schema.Union([UnknownParticipant, StaleEpoch, CallStoreError])
})

/** Succeeds for one relay alone, once; repeated with the same place it is answered alike. */
export const Restore = Rpc.make("Restore", {
  payload: CallCommand.Restore,
  success: Admitted,
  error: Schema.Union([UnknownParticipant, StaleEpoch, CallStoreError])
})

/**
 * Takes effect also while the store is away, since a running call does not need the store: the answer is then that the
 * store is unavailable, and whoever has sent it repeats it until it is saved.
 */
export const Move = Rpc.make("Move", {
  payload: CallCommand.Move,
  error: Schema.Union([UnknownParticipant, StaleEpoch, CallStoreError])
})

/** Whoever is not there has left already. */
export const Leave = Rpc.make("Leave", { payload: CallCommand.Leave, error: CallStoreError })

/** What a relay has of the call. Starts the actor where it does not run: a relay reports calls in which something happens. */
export const Report = Rpc.make("Report", {
  payload: SignedReport,
  error: CallStoreError
})

/** The actor is still needed. The cluster counts messages, and most reports come to it past its mailbox. */
export const Touch = Rpc.make("Touch")

/** What the relays have measured of the call's legs, as far as the actor knows it. Asks, and changes nothing. */
export const Estimates = Rpc.make("Estimates", {
  success: Schema.Array(
    Schema.Struct({
      participant: ParticipantId,
      relay: RelayId,
      ageMs: Schema.Finite,
      uplinkBps: Schema.Finite,
      downlinkBps: Schema.Finite,
      uplinkLossRatio: Schema.Finite,
      downlinkLossRatio: Schema.Finite,
      roundTripMs: Schema.Finite
    })
  )
})

/** The one actor of a call; the entity id is the call's. Commands may arrive twice, so each is safe to repeat. */
export const Call = Entity.make("Call", [Join, Resume, Restore, Move, Leave, Report, Touch, Estimates])
