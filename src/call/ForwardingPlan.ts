import type { ParticipantId, RelayId } from "../protocol/Ids.ts"
import type { StreamDescription } from "../protocol/StreamDescription.ts"
import type { CallState, RelayPlace } from "./CallState.ts"
import type { LegAge } from "./LegAge.ts"
import * as MediaDecision from "./MediaDecision.ts"
import * as PlanVersion from "./PlanVersion.ts"

/** Who is in the call, where, and what they send: what a relay needs for its table and a device for its roster. */
export interface PlannedParticipant extends LegAge {
  readonly id: ParticipantId
  readonly relay: RelayId
  readonly streams: ReadonlyArray<StreamDescription>
  /** Would get more video if the path to the device carried more. Left out: no. */
  readonly wantsMore?: boolean
}

/** Which participants get one stream. */
export interface PlanRow {
  readonly ssrc: number
  readonly from: ParticipantId
  readonly to: ReadonlyArray<ParticipantId>
  /** What its sender is to send of it, with all headers: of layers of video alone. Bits a second; left out: not decided. */
  readonly rateBps?: number
}

/** The decision that relays forward by. It replaces the one before whole; a relay keeps the newest that it has seen. */
export interface ForwardingPlan {
  readonly version: PlanVersion.PlanVersion
  /**
   * All that have participants. The first is the hub: where there are more than two, it alone forwards from relay to
   * relay, and only what comes from the relay of its sender. So relays whose plans differ for a moment make no loop.
   */
  readonly relays: ReadonlyArray<RelayPlace>
  readonly participants: ReadonlyArray<PlannedParticipant>
  readonly rows: ReadonlyArray<PlanRow>
}

/** Everybody's streams to everybody else, as far as it has not been decided otherwise. */
export const planOf = (
  { participants, relays, version }: CallState,
  { audible, revision, video }: MediaDecision.MediaDecision = MediaDecision.undecided
): ForwardingPlan => {
  const ids = participants.map(({ id }) => id)
  return {
    version: PlanVersion.of(version, revision),
    relays,
    participants: participants.map(({ epoch, id, relay, restores, streams }) => ({
      id,
      relay,
      epoch,
      restores,
      streams,
      ...(video?.wantMore.has(id) && { wantsMore: true })
    })),
    rows: participants.flatMap(({ id: from, streams }) => {
      const others = ids.filter((id) => id !== from)
      const hearers = audible?.has(from) === false ? nobody : others
      return streams.map(({ kind, ssrc }) => {
        const viewers = video?.viewers.get(ssrc)
        const rateBps = video?.ratesBps.get(ssrc)
        const to = kind === "audio" ? hearers : viewers === undefined ? others : others.filter((id) => viewers.has(id))
        return { ssrc, from, to, ...(rateBps !== undefined && { rateBps }) }
      })
    })
  }
}

const nobody: ReadonlyArray<ParticipantId> = []

/**
 * The plan of an owner that has not decided anything yet, where another had: what that one has decided still holds for the
 * streams that it knew, among those who are there. A new owner takes a second to know who speaks; meanwhile nobody is cut
 * off, and nobody gets what would be too much.
 */
export const carriedOn = (plan: ForwardingPlan, before: ForwardingPlan): ForwardingPlan => {
  if (plan.version.revision > 0) return plan
  const rows = new Map(before.rows.map((row) => [row.ssrc, row]))
  const were = new Map(before.participants.map((participant) => [participant.id, participant]))
  return {
    ...plan,
    participants: plan.participants.map((participant) =>
      were.get(participant.id)?.wantsMore === true ? { ...participant, wantsMore: true } : participant
    ),
    rows: plan.rows.map((row) => {
      const known = rows.get(row.ssrc)
      if (known?.from !== row.from) return row
      const decided = known.rateBps === undefined ? row : { ...row, rateBps: known.rateBps }
      // Who was alone was not held back.
      if (known.to.length === 0 && were.size > 1) return { ...decided, to: nobody }
      // Who has come since gets what anybody gets, until it is decided.
      return { ...decided, to: row.to.filter((id) => !were.has(id) || known.to.includes(id)) }
    })
  }
}

/** The relay on which the way from one relay to another begins: the other itself, or the hub between them. */
export const nextRelay = ({ relays }: ForwardingPlan, from: RelayId, to: RelayId): RelayId => {
  const hub = relays[0]?.id
  return hub === undefined || from === hub || relays.length < 3 ? to : hub
}
