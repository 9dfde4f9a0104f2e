import type { ForwardingPlan } from "../call/ForwardingPlan.ts"
import type { StreamAllocation, VideoAllocation } from "../protocol/VideoAttribute.ts"
import type { Session } from "./Session.ts"

/**
 * What a device has to be told of its video by a new plan: nothing of what nobody wants is to be sent, and of layers what has been
 * decided. `undefined`: it knows.
 * The device of a restored session may know something of a relay before, so it is told in any case. `unixSeconds` makes
 * versions grow from relay to relay.
 */
export const newsOf = (session: Session, plan: ForwardingPlan, unixSeconds: number): VideoAllocation | undefined => {
  const streams = decidedOf(session, plan)
  const said = streams.map(({ rateBps, ssrc }) => `${ssrc} ${rateBps}`).join(", ")
  const isKnown =
    session.videoTold === undefined ? said === "" && session.restores === 0 : session.videoTold.said === said
  if (isKnown) return undefined
  const version = Math.max((session.videoTold?.version ?? 0) + 1, unixSeconds)
  session.videoTold = { said, version }
  return { version, streams }
}

/** Who is alone is wanted by nobody, and need not be told: others come. */
const decidedOf = (
  { participant }: Session,
  { participants, rows }: ForwardingPlan
): ReadonlyArray<StreamAllocation> => {
  if (participants.length < 2) return []
  const own = participants.find(({ id }) => id === participant)?.streams ?? []
  const video = new Set(own.filter(({ kind }) => kind === "video").map(({ ssrc }) => ssrc))
  return rows.flatMap(({ rateBps, ssrc, to }) => {
    if (!video.has(ssrc)) return []
    const decidedBps = to.length === 0 ? 0 : rateBps
    return decidedBps === undefined ? [] : [{ ssrc, rateBps: decidedBps }]
  })
}
