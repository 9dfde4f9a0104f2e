import { Result, Schema } from "effect"
import type { ParticipantId } from "../protocol/Ids.ts"
import { type StreamDescription, Ssrc } from "../protocol/StreamDescription.ts"
import type * as CallCommand from "./CallCommand.ts"
import { CallState, findParticipant, Participant, participantsMax } from "./CallState.ts"
import * as CallVersion from "./CallVersion.ts"
import { type ForwardingPlan, planOf } from "./ForwardingPlan.ts"

/** There is no place left. */
export class CallFull extends Schema.TaggedError<CallFull>()("CallFull", {}) {
  override get message(): string {
    return `the call is full: it has ${participantsMax} participants`
  }
}

/** Somebody in the call sends this SSRC already: choose another and join again. */
export class SsrcTaken extends Schema.TaggedError<SsrcTaken>()("SsrcTaken", { ssrc: Ssrc }) {
  override get message(): string {
    return `the SSRC ${this.ssrc} is taken in this call: choose another`
  }
}

/** Nobody of this id is in the call: join with a token. */
export class UnknownParticipant extends Schema.TaggedError<UnknownParticipant>()("UnknownParticipant", {}) {
  override get message(): string {
    return "the participant is not in the call: join with a token"
  }
}

/** The device has come onto a newer leg since: this ticket or this leg is of the past. */
export class StaleEpoch extends Schema.TaggedError<StaleEpoch>()("StaleEpoch", { currentEpoch: Schema.Int }) {
  override get message(): string {
    return `the ticket or leg is out of date: the participant's epoch is ${this.currentEpoch}`
  }
}

/** Why a command is not carried out. */
export const Refusal = Schema.Union([CallFull, SsrcTaken, UnknownParticipant, StaleEpoch])
export type Refusal = typeof Refusal.Type

/** What follows from a command. When nothing has changed, `state` is the very state that was asked about. */
export interface Decision {
  readonly state: CallState
  readonly plan: ForwardingPlan
}

/** A device is on a leg now. */
export interface Admission extends Decision {
  /** The device's, on this leg. */
  readonly epoch: number
}

/**
 * Nothing is known here of those who have left. Whoever comes back starts at an epoch that none of his earlier tickets can
 * have: a resume that was captured then must not take his place now. In milliseconds 31 bits last for 24 days, a ticket
 * for one. Not 0.
 */
const firstEpoch = (nowMs: number): number => Math.max(1, nowMs % 2 ** 31)

/** Repeated with the same leg tag it changes nothing: the answer to the first was lost. */
export const join = (
  state: CallState,
  command: CallCommand.Join,
  nowMs: number
): Result.Result<Admission, CallFull | SsrcTaken> => {
  const current = findParticipant(state, command.id)
  if (current === undefined && state.participants.length >= participantsMax) return Result.fail(new CallFull({}))
  const taken = takenSsrc(state, command.id, command.streams)
  if (taken !== undefined) return Result.fail(new SsrcTaken({ ssrc: taken }))
  if (current === undefined) {
    const joined = new Participant({ ...command, epoch: firstEpoch(nowMs), joinedAtMs: nowMs })
    return Result.succeed({ ...changed(state, [...state.participants, joined]), epoch: joined.epoch })
  }
  return Result.succeed(
    isOnLeg(current, command)
      ? admitted(state, new Participant({ ...current, ...command }))
      : admitted(state, new Participant({ ...command, epoch: current.epoch + 1, joinedAtMs: nowMs }))
  )
}

/** Compares the epoch and raises it, so that of two resumes with one ticket only the first succeeds. */
export const resume = (
  state: CallState,
  command: CallCommand.Resume
): Result.Result<Admission, UnknownParticipant | StaleEpoch> => {
  const current = findParticipant(state, command.id)
  if (current === undefined) return Result.fail(new UnknownParticipant({}))
  const isRepeated = isOnLeg(current, command) && current.epoch === command.epoch + 1
  if (!isRepeated && current.epoch !== command.epoch) {
    return Result.fail(new StaleEpoch({ currentEpoch: current.epoch }))
  }
  return Result.succeed(admitted(state, new Participant({ ...current, ...command, epoch: command.epoch + 1 })))
}

/** Refused on a leg that the device is no longer on: its address is none of that leg's business. */
export const move = (
  state: CallState,
  command: CallCommand.Move
): Result.Result<Decision, UnknownParticipant | StaleEpoch> => {
  const current = findParticipant(state, command.id)
  if (current === undefined) return Result.fail(new UnknownParticipant({}))
  if (current.legTag !== command.legTag) return Result.fail(new StaleEpoch({ currentEpoch: current.epoch }))
  return Result.succeed(replaced(state, new Participant({ ...current, address: command.address })))
}

/** Never refused: who is not there, or is there on a newer leg, has left this one. */
export const leave = (state: CallState, command: CallCommand.Leave): Result.Result<Decision> => {
  const others = state.participants.filter(({ id, legTag }) => id !== command.id || legTag !== command.legTag)
  return Result.succeed(others.length === state.participants.length ? unchanged(state) : changed(state, others))
}

/** Nothing changes. */
export const unchanged = (state: CallState): Decision => ({ state, plan: planOf(state) })

/** The same call under a new owner. */
export const takeOver = (state: CallState, nowMs: number): CallState =>
  new CallState({ version: CallVersion.takenOver(state.version, nowMs), participants: state.participants })

const isSame = Schema.toEquivalence(Participant)

/** The relay chooses a new tag for every leg, so relay and tag together name one. */
const isOnLeg = (participant: Participant, leg: Pick<Participant, "relay" | "legTag">): boolean =>
  participant.relay === leg.relay && participant.legTag === leg.legTag

const changed = (state: CallState, participants: ReadonlyArray<Participant>): Decision =>
  unchanged(new CallState({ version: CallVersion.next(state.version), participants }))

/** Keeps the participant's place in the order. */
const replaced = (state: CallState, replacement: Participant): Decision => {
  const place = state.participants.findIndex(({ id }) => id === replacement.id)
  const current = state.participants[place]
  return current !== undefined && isSame(current, replacement)
    ? unchanged(state)
    : changed(state, state.participants.with(place, replacement))
}

const admitted = (state: CallState, participant: Participant): Admission => ({
  ...replaced(state, participant),
  epoch: participant.epoch
})

/** The first of these SSRCs that another participant sends, or that is declared twice. */
const takenSsrc = (
  state: CallState,
  id: ParticipantId,
  streams: ReadonlyArray<StreamDescription>
): number | undefined => {
  const taken = new Set<number>()
  for (const participant of state.participants) {
    if (participant.id === id) continue
    for (const { ssrc } of participant.streams) taken.add(ssrc)
  }
  for (const { ssrc } of streams) {
    if (taken.has(ssrc)) return ssrc
    taken.add(ssrc)
  }
  return undefined
}
