import type { ParticipantId } from "../../protocol/Ids.ts"
import type { StreamDescription } from "../../protocol/StreamDescription.ts"
import { entriesMax, type Place, type SubscriptionEntry } from "../../protocol/SubscriptionAttribute.ts"

/** Whose video is wanted, by name: who it is may be in the call or not. */
export interface NamedSubscription {
  readonly participant: ParticipantId
  readonly place: Place
  /** 0: not known. */
  readonly heightPx: number
}

/** The video of those who are there, in the order of the wishes; no more than a relay takes. */
export const resolve = (
  wishes: ReadonlyArray<NamedSubscription>,
  present: ReadonlyMap<ParticipantId, ReadonlyArray<StreamDescription>>
): ReadonlyArray<SubscriptionEntry> =>
  wishes
    .flatMap(({ heightPx, participant, place }) =>
      (present.get(participant) ?? [])
        .filter(({ kind }) => kind === "video")
        .map(({ ssrc }) => ({ ssrc, place, heightPx }))
    )
    .slice(0, entriesMax)
