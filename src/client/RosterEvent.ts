import type { ParticipantId } from "../protocol/Ids.ts"
import type { RosterEntry } from "../protocol/RosterAttribute.ts"
import { isSameStreams, type StreamDescription } from "../protocol/StreamDescription.ts"

/** A change among the other participants. Who comes back with other streams has left and joined. */
export type RosterEvent =
  | {
      readonly _tag: "Joined"
      readonly participant: ParticipantId
      readonly streams: ReadonlyArray<StreamDescription>
    }
  | { readonly _tag: "Left"; readonly participant: ParticipantId }

/** What has happened between two rosters: those who left first. */
export const between = (
  before: ReadonlyArray<RosterEntry>,
  after: ReadonlyArray<RosterEntry>
): ReadonlyArray<RosterEvent> => {
  const stays = (entry: RosterEntry, others: ReadonlyArray<RosterEntry>) => others.some((other) => isSame(entry, other))
  return [
    ...before
      .filter((entry) => !stays(entry, after))
      .map(({ participant }): RosterEvent => ({ _tag: "Left", participant })),
    ...after
      .filter((entry) => !stays(entry, before))
      .map(({ participant, streams }): RosterEvent => ({ _tag: "Joined", participant, streams }))
  ]
}

const isSame = (a: RosterEntry, b: RosterEntry): boolean =>
  a.participant === b.participant && isSameStreams(a.streams, b.streams)
