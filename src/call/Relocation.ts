import type { ParticipantId, RelayId } from "../protocol/Ids.ts"
import type { RelayPlace } from "./CallState.ts"
import type { ForwardingPlan } from "./ForwardingPlan.ts"
import * as LegAge from "./LegAge.ts"

/**
 * A participant has come to another relay, and the call's actor has not said so yet: it may be starting again. The relay
 * that the participant has come to tells the others of the call, and all go on as if the plan said it.
 */
export interface Relocation extends LegAge.LegAge {
  readonly participant: ParticipantId
  readonly relay: RelayPlace
}

/** Whether the plan does not know of it yet. */
export const isAhead = ({ participants }: ForwardingPlan, relocation: Relocation): boolean =>
  participants.some((planned) => planned.id === relocation.participant && LegAge.isNewer(relocation, planned))

/**
 * The plan as it will be when the actor has confirmed the relocations. Relays that know the same make the same of it,
 * whatever came first.
 */
export const provisional = (plan: ForwardingPlan, relocations: ReadonlyArray<Relocation>): ForwardingPlan => {
  const ahead = new Map(
    relocations
      .filter((relocation) => isAhead(plan, relocation))
      .map((relocation) => [relocation.participant, relocation])
  )
  if (ahead.size === 0) return plan
  const participants = plan.participants.map((participant) => {
    const relocation = ahead.get(participant.id)
    return relocation === undefined
      ? participant
      : {
          ...participant,
          relay: relocation.relay.id,
          epoch: relocation.epoch,
          restores: relocation.restores
        }
  })
  const inUse = new Set<RelayId>(participants.map(({ relay }) => relay))
  const arrived = [...ahead.values()].map(({ relay }) => relay).sort((a, b) => (a.id < b.id ? -1 : 1))
  const relays = new Map(plan.relays.map((place) => [place.id, place]))
  for (const place of arrived) relays.set(place.id, place)
  return { ...plan, participants, relays: [...relays.values()].filter(({ id }) => inUse.has(id)) }
}
