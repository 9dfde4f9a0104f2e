import type { ParticipantId } from "../protocol/Ids.ts"
import type { DominantSpeaker } from "./DominantSpeaker.ts"
import { energyFractionBits } from "./SpeechActivity.ts"

/**
 * Whose audio is forwarded in a call: the three with the most energy, as Jitsi has it ("loudest"), and the dominant speaker.
 * Nobody loses his place before somebody else needs it: so who pauses is heard at once when he goes on, and silence changes
 * nothing. Owned by the call's actor, beside the `DominantSpeaker` that the levels are told to, and changed in place.
 */
export interface AudibleSpeakers {
  /** In the order of places, of which everybody keeps his. A new array whenever somebody else is in one of them. */
  audible: ReadonlyArray<ParticipantId>
}

/** reference.conf of jitsi-videobridge, `loudest`: three by energy. */
const loudestCount = 3
/** One more for the dominant speaker, who need not be one of the loudest. */
export const audibleMax = loudestCount + 1
/**
 * Who has no place has to be louder by so much than who has one: otherwise two who are equally loud would take it from each
 * other with each report. 3 dB of energy that is smoothed over all frames, silent ones too. Ours.
 */
const hysteresis = 3 << energyFractionBits

export const make = (): AudibleSpeakers => ({ audible: [] })

/** He has left the call. */
export const forget = (self: AudibleSpeakers, participant: ParticipantId): void => {
  if (self.audible.includes(participant)) self.audible = self.audible.filter((id) => id !== participant)
}

/** To be asked after `DominantSpeaker.poll`, and as often. The same array as before if nothing has changed. */
export const poll = (self: AudibleSpeakers, speaker: DominantSpeaker): ReadonlyArray<ParticipantId> => {
  const needed = loudest(self, speaker)
  if (speaker.dominant !== undefined && !needed.includes(speaker.dominant)) needed.push(speaker.dominant)
  for (const participant of needed) {
    if (!self.audible.includes(participant)) self.audible = withPlaceFor(self, participant, needed, speaker)
  }
  return self.audible
}

/** Of those who have been heard lately, the loudest first: no more than `loudestCount`. */
const loudest = (self: AudibleSpeakers, { participants }: DominantSpeaker): Array<ParticipantId> => {
  const ids: Array<ParticipantId> = []
  const energies: Array<number> = []
  for (const [id, activity] of participants) {
    if (activity.energy === 0) continue
    const energy = activity.energy + (self.audible.includes(id) ? hysteresis : 0)
    let rank = ids.length
    while (rank > 0 && energy > energies[rank - 1]!) rank--
    if (rank === loudestCount) continue
    ids.splice(rank, 0, id)
    energies.splice(rank, 0, energy)
    ids.length = energies.length = Math.min(ids.length, loudestCount)
  }
  return ids
}

/** There is a free place, or one of somebody who does not need it: no more are needed than there are places. */
const withPlaceFor = (
  { audible }: AudibleSpeakers,
  participant: ParticipantId,
  needed: ReadonlyArray<ParticipantId>,
  { participants }: DominantSpeaker
): ReadonlyArray<ParticipantId> => {
  if (audible.length < audibleMax) return [...audible, participant]
  const energyOf = (id: ParticipantId): number => participants.get(id)?.energy ?? 0
  const [first, ...others] = audible.filter((id) => !needed.includes(id))
  const quietest = others.reduce((least, id) => (energyOf(id) < energyOf(least!) ? id : least), first)
  return audible.map((id) => (id === quietest ? participant : id))
}
