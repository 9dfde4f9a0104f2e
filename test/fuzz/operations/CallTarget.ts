import { Result } from "effect"
import { isDeepStrictEqual } from "node:util"
import * as CallDecision from "../../../src/call/CallDecision.ts"
import { type CallState, empty } from "../../../src/call/CallState.ts"
import * as CallVersion from "../../../src/call/CallVersion.ts"
import { type ForwardingPlan, planOf } from "../../../src/call/ForwardingPlan.ts"
import { decide, participantId, type RandomCommand } from "../../call/Commands.ts"
import * as Dice from "../Dice.ts"
import * as Smaller from "../Smaller.ts"
import { define, hold, show } from "../Target.ts"
import * as CallModel from "./CallModel.ts"

/** A command, or another owner takes the call over. */
type Step = RandomCommand | "takeOver"

const kinds: ReadonlyArray<RandomCommand["kind"]> = ["join", "join", "resume", "restore", "move", "leave"]
const relays: ReadonlyArray<RandomCommand["relay"]> = ["relay-a", "relay-b"]

/** From so few values that commands meet, but for a case that fills the call. */
const drawStep = (draw: Dice.Dice, participants: number): Step => {
  if (Dice.chance(draw, 0.03)) return "takeOver"
  const participant = Dice.integer(draw, 0, participants - 1)
  const isCrowd = participants > 10
  return {
    kind: isCrowd && Dice.chance(draw, 0.8) ? "join" : Dice.pick(draw, kinds),
    participant,
    relay: Dice.pick(draw, relays),
    port: Dice.integer(draw, 1, 4),
    legTag: Dice.integer(draw, 1, 3),
    epoch: Dice.integer(draw, 1, 4),
    restores: Dice.integer(draw, 0, 2),
    ssrcs: isCrowd ? [1000 + participant] : Dice.many(Dice.integer(draw, 0, 2), () => Dice.integer(draw, 1, 9))
  }
}

const membersOf = ({ participants }: CallState): ReadonlyArray<CallModel.Member> =>
  participants.map(({ address, epoch, id, joinedAtMs, legTag, relay, restores, streams }) => ({
    participant: Number(/\d+$/.exec(id)?.[0]),
    relay,
    port: Number(address.split(":")[1]),
    legTag,
    epoch,
    restores,
    ssrcs: streams.map(({ ssrc }) => ssrc),
    joinedAtMs
  }))

const epochOf = (state: CallState, participant: number): number | undefined =>
  membersOf(state).find((member) => member.participant === participant)?.epoch

/** By participant, so that the order of keys plays no part. */
const listed = (members: ReadonlyArray<CallModel.Member>) =>
  members.map(({ epoch, joinedAtMs, legTag, participant, port, relay, restores, ssrcs }) =>
    [participant, relay, port, legTag, epoch, restores, joinedAtMs, ...ssrcs].join(" ")
  )

const checkPlan = (plan: ForwardingPlan, members: ReadonlyArray<CallModel.Member>): void => {
  const ids = members.map(({ participant }) => participantId(participant))
  const rows = members.flatMap(({ participant, ssrcs }) =>
    ssrcs.map((ssrc) => ({
      ssrc,
      from: participantId(participant),
      to: ids.filter((id) => id !== participantId(participant))
    }))
  )
  hold(
    isDeepStrictEqual(
      plan.participants.map(({ id }) => id),
      ids
    ),
    "a plan names everybody",
    () => show(plan)
  )
  hold(isDeepStrictEqual([...plan.rows], rows), "everybody's streams go to everybody else", () =>
    show([plan.rows, rows])
  )
}

/** When it all begins, and how far apart the steps are. Unix time. Milliseconds. */
const startMs = 1_800_000_000_000
const stepMs = 1000

/** Epochs are drawn around the one that the participant has, or had: most of them are meant to be met. */
const withEpochOf = (command: RandomCommand, lastEpoch: number | undefined): RandomCommand => ({
  ...command,
  epoch: Math.max(1, (lastEpoch ?? 1) + command.epoch - 2)
})

const check = (steps: ReadonlyArray<Step>): void => {
  let state = empty
  let members: ReadonlyArray<CallModel.Member> = []
  /** The highest epoch that each has had. */
  const epochs = new Map<number, number>()
  steps.forEach((step, place) => {
    const nowMs = startMs + place * stepMs
    if (step === "takeOver") {
      const taken = CallDecision.takeOver(state, nowMs)
      hold(CallVersion.isNewer(taken.version, state.version), "a new owner is newer than the old", () =>
        show(taken.version)
      )
      state = taken
      return
    }
    const { participant } = step
    const lastEpoch = epochs.get(participant)
    const command = withEpochOf(step, lastEpoch)
    const decided = decide(state, command, nowMs)
    const given = Result.isSuccess(decided) ? epochOf(decided.success.state, participant) : undefined
    const expected = CallModel.next(members, command, nowMs, given ?? 1)
    if (Result.isFailure(decided)) {
      hold(decided.failure._tag === expected, "a command is refused for the right reason", () =>
        show([decided.failure, expected])
      )
      return
    }
    const isNew = members.every((member) => member.participant !== participant)
    if (given !== undefined && isNew && lastEpoch !== undefined) {
      hold(given > lastEpoch, "whoever comes back has no epoch that he has had", () => show({ given, lastEpoch }))
    }
    if (given !== undefined) epochs.set(participant, Math.max(given, lastEpoch ?? 0))
    const { state: after } = decided.success
    const plan = planOf(after)
    hold(typeof expected !== "string", "a command that has to be refused is", () => show([step, expected]))
    hold(isDeepStrictEqual(listed(membersOf(after)), listed(expected)), "the call is as the model has it", () =>
      show([membersOf(after), expected])
    )
    const hasChanged = !isDeepStrictEqual(listed(expected), listed(members))
    const next = hasChanged ? CallVersion.next(state.version) : state.version
    hold(CallVersion.equals(after.version, next), "a change, and nothing else, makes the version grow by one", () =>
      show([state.version, after.version, hasChanged])
    )
    hold(hasChanged || after === state, "nothing is written when nothing has changed")
    hold(CallVersion.equals(plan.version, after.version), "a plan has its state's version")
    checkPlan(plan, expected)
    state = after
    members = expected
  })
}

export const target = define<ReadonlyArray<Step>>({
  name: "call",
  about: "the decisions of a call against a naive model: who is in, on which leg, what is refused, what the plan says",
  smokeCases: 200,
  draw: (draw) => {
    const participants = Dice.chance(draw, 0.05) ? 60 : 6
    return Dice.many(Dice.integer(draw, 1, participants > 10 ? 150 : 40), () => drawStep(draw, participants))
  },
  check,
  smaller: Smaller.lists,
  show: (steps) => steps.map((step) => JSON.stringify(step)).join("\n")
})
