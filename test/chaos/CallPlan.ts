import * as Dice from "../fuzz/Dice.ts"

/** One participant, and where it belongs. */
export interface MemberPlan {
  /** Its place among all participants of all calls. */
  readonly member: number
  /** Place of its call. */
  readonly call: number
  /** Place of the relay that it joins. */
  readonly relay: number
}

export interface CallPlan {
  readonly call: number
  readonly members: ReadonlyArray<MemberPlan>
}

/** What one participant hears of another of the same call. */
export interface Flow {
  readonly sender: MemberPlan
  readonly receiver: MemberPlan
}

export const groupSize = 4

/** A sixth of the calls are groups: 10 of 60. */
const groupsAmong = 6

export const isGroup = (call: number): boolean => call % groupsAmong === groupsAmong - 1

/** The participants of a call are on different relays, as far as there are any. */
export const make = (draw: Dice.Dice, calls: number, relays: number): ReadonlyArray<CallPlan> => {
  let members = 0
  return Dice.many(calls, (call) => {
    const homes = Dice.shuffled(
      draw,
      Dice.many(relays, (relay) => relay)
    )
    const size = isGroup(call) ? groupSize : 2
    return { call, members: Dice.many(size, (n) => ({ member: members++, call, relay: homes[n % relays]! })) }
  })
}

export const membersOf = (calls: ReadonlyArray<CallPlan>): ReadonlyArray<MemberPlan> =>
  calls.flatMap(({ members }) => members)

export const flowsOf = ({ members }: CallPlan): ReadonlyArray<Flow> =>
  members.flatMap((receiver) =>
    members.filter((sender) => sender !== receiver).map((sender): Flow => ({ sender, receiver }))
  )

export const callName = (call: number): string => `chaos-${call}`
export const participantName = (member: number): string => `member-${member}`
