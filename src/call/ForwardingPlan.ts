import { Schema } from "effect"
import { ParticipantId, RelayId } from "../protocol/Ids.ts"
import { Ssrc, StreamDescription } from "../protocol/StreamDescription.ts"
import type { CallState } from "./CallState.ts"
import { CallVersion } from "./CallVersion.ts"

/** Who is in the call, where, and what they send: what a relay needs for its table and a device for its roster. */
const PlannedParticipant = Schema.Struct({
  id: ParticipantId,
  relay: RelayId,
  streams: Schema.Array(StreamDescription)
})

/** Which participants get one stream. */
const PlanRow = Schema.Struct({ ssrc: Ssrc, from: ParticipantId, to: Schema.Array(ParticipantId) })

/** The decision that relays forward by. It replaces the one before whole; a relay keeps the newest that it has seen. */
export class ForwardingPlan extends Schema.Class<ForwardingPlan>("tandem/call/ForwardingPlan")({
  version: CallVersion,
  participants: Schema.Array(PlannedParticipant),
  rows: Schema.Array(PlanRow)
}) {}

/** Everybody's streams to everybody else. */
export const planOf = (state: CallState): ForwardingPlan => {
  const ids = state.participants.map(({ id }) => id)
  return new ForwardingPlan(
    {
      version: state.version,
      participants: state.participants.map(({ id, relay, streams }) => ({ id, relay, streams })),
      rows: state.participants.flatMap(({ id: from, streams }) => {
        const to = ids.filter((id) => id !== from)
        return streams.map(({ ssrc }) => ({ ssrc, from, to }))
      })
    },
    // Every part comes from a checked state; checking 5,000 ids again would cost more than the decision.
    { disableChecks: true }
  )
}
