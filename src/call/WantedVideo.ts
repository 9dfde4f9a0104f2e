import type { ParticipantId } from "../protocol/Ids.ts"
import { sourcesOf } from "../protocol/StreamSources.ts"
import type { Participant } from "./CallState.ts"
import * as Subscription from "./Subscription.ts"

/** Who wants to see which video, by SSRC: of a source's layers all or none, for which one it is becomes known on the last hop. */
export type WantedVideo = ReadonlyMap<number, ReadonlySet<ParticipantId>>

/** `subscriptions`: by the tags of legs. `undefined`: everybody wants everything. */
export const of = (
  participants: ReadonlyArray<Participant>,
  subscriptions: ReadonlyMap<number, Subscription.Subscription>
): WantedVideo | undefined => {
  const said = participants.map(({ legTag }) => subscriptions.get(legTag) ?? Subscription.unspoken)
  if (said.every(({ wanted }) => wanted === "everything")) return undefined
  const wanted = new Map<number, Set<ParticipantId>>()
  for (const { id: from, streams } of participants) {
    for (const source of sourcesOf(streams.filter(({ kind }) => kind === "video"))) {
      const who = participants.filter(
        ({ id }, index) => id !== from && source.some(({ ssrc }) => Subscription.find(said[index]!, ssrc) !== undefined)
      )
      for (const { ssrc } of source) wanted.set(ssrc, new Set(who.map(({ id }) => id)))
    }
  }
  return wanted
}

export const isSame = (a: WantedVideo | undefined, b: WantedVideo | undefined): boolean => {
  if (a === undefined || b === undefined) return a === b
  return a.size === b.size && [...a].every(([ssrc, who]) => isSameSet(who, b.get(ssrc)))
}

const isSameSet = (a: ReadonlySet<ParticipantId>, b: ReadonlySet<ParticipantId> | undefined): boolean =>
  a.size === b?.size && [...a].every((id) => b.has(id))
