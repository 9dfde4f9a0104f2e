import type { ParticipantId, RelayId } from "../protocol/Ids.ts"
import type { StreamDescription } from "../protocol/StreamDescription.ts"
import type { CallState, RelayPlace } from "./CallState.ts"
import type { CallVersion } from "./CallVersion.ts"
import type { LegAge } from "./LegAge.ts"

/** Who is in the call, where, and what they send: what a relay needs for its table and a device for its roster. */
export interface PlannedParticipant extends LegAge {
  readonly id: ParticipantId
  readonly relay: RelayId
  readonly streams: ReadonlyArray<StreamDescription>
}

/** Which participants get one stream. */
export interface PlanRow {
  readonly ssrc: number
  readonly from: ParticipantId
  readonly to: ReadonlyArray<ParticipantId>
}

/** The decision that relays forward by. It replaces the one before whole; a relay keeps the newest that it has seen. */
export interface ForwardingPlan {
  readonly version: CallVersion
  /**
   * All that have participants. The first is the hub: where there are more than two, it alone forwards from relay to
   * relay, and only what comes from the relay of its sender. So relays whose plans differ for a moment make no loop.
   */
  readonly relays: ReadonlyArray<RelayPlace>
  readonly participants: ReadonlyArray<PlannedParticipant>
  readonly rows: ReadonlyArray<PlanRow>
}

/** Everybody's streams to everybody else. */
export const planOf = ({ participants, relays, version }: CallState): ForwardingPlan => {
  const ids = participants.map(({ id }) => id)
  return {
    version,
    relays,
    participants: participants.map(({ epoch, id, relay, restores, streams }) => ({
      id,
      relay,
      epoch,
      restores,
      streams
    })),
    rows: participants.flatMap(({ id: from, streams }) => {
      const to = ids.filter((id) => id !== from)
      return streams.map(({ ssrc }) => ({ ssrc, from, to }))
    })
  }
}

/** The relay on which the way from one relay to another begins: the other itself, or the hub between them. */
export const nextRelay = ({ relays }: ForwardingPlan, from: RelayId, to: RelayId): RelayId => {
  const hub = relays[0]?.id
  return hub === undefined || from === hub || relays.length < 3 ? to : hub
}
