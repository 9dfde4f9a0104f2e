import type { RandomCommand } from "../../call/Commands.ts"

/**
 * A call as docs/architecture.md tells it, in the plainest way: what `CallDecision` is compared with. It knows nothing of
 * versions and plans.
 */
export interface Member {
  readonly participant: number
  readonly relay: string
  readonly port: number
  readonly legTag: number
  readonly epoch: number
  readonly restores: number
  readonly ssrcs: ReadonlyArray<number>
  readonly joinedAtMs: number
}

export type Outcome = "CallFull" | "SsrcTaken" | "UnknownParticipant" | "StaleEpoch" | ReadonlyArray<Member>

const membersMax = 50

/**
 * The members after the command, or why it is refused. `firstEpoch` is what somebody who comes in anew begins with: the
 * call chooses it.
 */
export const next = (
  members: ReadonlyArray<Member>,
  command: RandomCommand,
  nowMs: number,
  firstEpoch: number
): Outcome => {
  const { epoch, kind, legTag, participant, port, relay, restores, ssrcs } = command
  const member = members.find((one) => one.participant === participant)
  const others = members.filter((one) => one.participant !== participant)
  const isOnThisLeg = member !== undefined && member.relay === relay && member.legTag === legTag
  const withMember = (changed: Member) =>
    member === undefined ? [...members, changed] : members.map((one) => (one === member ? changed : one))
  switch (kind) {
    case "join": {
      if (member === undefined && members.length === membersMax) return "CallFull"
      const taken = new Set(others.flatMap((other) => other.ssrcs))
      if (new Set(ssrcs).size < ssrcs.length || ssrcs.some((ssrc) => taken.has(ssrc))) return "SsrcTaken"
      const leg = { participant, relay, port, legTag, ssrcs }
      if (isOnThisLeg) return withMember({ ...member, ...leg })
      const nextEpoch = member === undefined ? firstEpoch : member.epoch + 1
      return withMember({ ...leg, epoch: nextEpoch, restores: 0, joinedAtMs: nowMs })
    }
    case "resume": {
      if (member === undefined) return "UnknownParticipant"
      const isRepeated = isOnThisLeg && member.epoch === epoch + 1
      if (epoch < member.epoch && !isRepeated) return "StaleEpoch"
      return withMember({
        ...member,
        relay,
        port,
        legTag,
        epoch: epoch + 1,
        restores: isRepeated ? member.restores : 0
      })
    }
    case "restore": {
      if (member === undefined) return "UnknownParticipant"
      const isRepeated = isOnThisLeg && member.epoch === epoch && member.restores === restores + 1
      const isOld = epoch < member.epoch || (epoch === member.epoch && restores < member.restores)
      if (member.legTag !== legTag || (isOld && !isRepeated)) return "StaleEpoch"
      return withMember({ ...member, relay, epoch, restores: restores + 1 })
    }
    case "move":
      if (member === undefined) return "UnknownParticipant"
      return member.legTag === legTag ? withMember({ ...member, port }) : "StaleEpoch"
    case "leave":
      return member?.legTag === legTag && member.restores <= restores ? others : members
  }
}
