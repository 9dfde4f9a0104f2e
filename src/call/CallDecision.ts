import { Result, Schema } from "effect"
import type { ParticipantId, RelayId } from "../protocol/Ids.ts"
import { type StreamDescription, Ssrc } from "../protocol/StreamDescription.ts"
import * as StreamSources from "../protocol/StreamSources.ts"
import type * as CallCommand from "./CallCommand.ts"
import { CallState, findParticipant, Participant, participantsMax, RelayPlace } from "./CallState.ts"
import * as CallVersion from "./CallVersion.ts"
import * as LegAge from "./LegAge.ts"

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

/** The streams contradict each other: declare others and join again. */
export class StreamsRefused extends Schema.TaggedError<StreamsRefused>()("StreamsRefused", { reason: Schema.String }) {
  override get message(): string {
    return this.reason
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
export const Refusal = Schema.Union([CallFull, SsrcTaken, StreamsRefused, UnknownParticipant, StaleEpoch])
export type Refusal = typeof Refusal.Type

/** What follows from a command. When nothing has changed, `state` is the very state that was asked about. */
export interface Decision {
  readonly state: CallState
}

/** A device is on a leg now. */
export interface Admission extends Decision, LegAge.LegAge {}

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
): Result.Result<Admission, CallFull | SsrcTaken | StreamsRefused> => {
  const current = findParticipant(state, command.id)
  if (current === undefined && state.participants.length >= participantsMax) return Result.fail(new CallFull({}))
  const taken = takenSsrc(state, command.id, command.streams)
  if (taken !== undefined) return Result.fail(new SsrcTaken({ ssrc: taken }))
  const problem = StreamSources.problemOf(command.streams)
  if (problem !== undefined) return Result.fail(new StreamsRefused({ reason: problem }))
  const described = { ...command, relay: command.relay.id }
  if (current === undefined) {
    const joined = new Participant({ ...described, epoch: firstEpoch(nowMs), restores: 0, joinedAtMs: nowMs })
    return Result.succeed({ ...changed(state, [...state.participants, joined], command.relay), ...ageOf(joined) })
  }
  const isRepeated = isOnLeg(current, command)
  const age = isRepeated ? ageOf(current) : { epoch: current.epoch + 1, restores: 0 }
  const joinedAtMs = isRepeated ? current.joinedAtMs : nowMs
  return Result.succeed(admitted(state, new Participant({ ...described, ...age, joinedAtMs }), command.relay))
}

/**
 * Compares the epoch and raises it, so that of two resumes with one ticket only the first succeeds. A ticket with a higher
 * epoch than is known here was given by a relay that went on without the call's actor.
 */
export const resume = (
  state: CallState,
  command: CallCommand.Resume
): Result.Result<Admission, UnknownParticipant | StaleEpoch> => {
  const current = findParticipant(state, command.id)
  if (current === undefined) return Result.fail(new UnknownParticipant({}))
  const isRepeated = isOnLeg(current, command) && current.epoch === command.epoch + 1
  if (!isRepeated && command.epoch < current.epoch) {
    return Result.fail(new StaleEpoch({ currentEpoch: current.epoch }))
  }
  const age = { epoch: command.epoch + 1, restores: isRepeated ? current.restores : 0 }
  const resumed = new Participant({ ...current, ...command, relay: command.relay.id, ...age })
  return Result.succeed(admitted(state, resumed, command.relay))
}

/**
 * Compares the age of the leg and raises it, so that of two relays that would go on with it only the first does. A relay
 * that has started again has another place, which tells a repeated command from a second restart.
 */
export const restore = (
  state: CallState,
  command: CallCommand.Restore
): Result.Result<Admission, UnknownParticipant | StaleEpoch> => {
  const { epoch, id, relay, restores } = command
  const current = findParticipant(state, id)
  if (current === undefined) return Result.fail(new UnknownParticipant({}))
  const isPlaceKnown = state.relays.some((known) => isSamePlace(known, relay))
  const age = { epoch, restores: restores + 1 }
  const isRepeated = isOnLeg(current, command) && isPlaceKnown && isSameAge(current, age)
  const isOfThePast = current.legTag !== command.legTag || LegAge.isNewer(current, command)
  if (!isRepeated && isOfThePast) return Result.fail(new StaleEpoch({ currentEpoch: current.epoch }))
  return Result.succeed(admitted(state, new Participant({ ...current, relay: relay.id, ...age }), relay))
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
  const others = state.participants.filter(
    ({ id, legTag, restores }) => id !== command.id || legTag !== command.legTag || restores > command.restores
  )
  return Result.succeed(others.length === state.participants.length ? unchanged(state) : changed(state, others))
}

/** Takes out whoever is still on one of these legs. */
export const expire = (state: CallState, { legTags }: CallCommand.Expire): Result.Result<Decision> => {
  const others = state.participants.filter(({ legTag }) => !legTags.includes(legTag))
  return Result.succeed(others.length === state.participants.length ? unchanged(state) : changed(state, others))
}

/** The hub is the first of the relays, so the suspect becomes the last. */
export const suspect = (state: CallState, command: CallCommand.Suspect): Result.Result<Decision> => {
  const [hub, ...others] = state.relays
  if (hub?.id !== command.relay || others.length === 0) return Result.succeed(unchanged(state))
  const { participants, version } = state
  return Result.succeed(
    unchanged(new CallState({ version: CallVersion.next(version), relays: [...others, hub], participants }))
  )
}

/** Nothing changes. */
export const unchanged = (state: CallState): Decision => ({ state })

/** The same call under a new owner. */
export const takeOver = (state: CallState, nowMs: number): CallState =>
  new CallState({ ...state, version: CallVersion.takenOver(state.version, nowMs) })

const isSame = Schema.toEquivalence(Participant)
const isSamePlace = Schema.toEquivalence(RelayPlace)

/** The relay chooses a new tag for every leg, so relay and tag together name one. */
const isOnLeg = (participant: Participant, leg: Pick<CallCommand.Join, "relay" | "legTag">): boolean =>
  participant.relay === leg.relay.id && participant.legTag === leg.legTag

const ageOf = ({ epoch, restores }: LegAge.LegAge): LegAge.LegAge => ({ epoch, restores })

const isSameAge = (one: LegAge.LegAge, other: LegAge.LegAge): boolean =>
  one.epoch === other.epoch && one.restores === other.restores

/** `place` is of a relay that a participant has come to. */
const changed = (state: CallState, participants: ReadonlyArray<Participant>, place?: RelayPlace): Decision =>
  unchanged(
    new CallState({
      version: CallVersion.next(state.version),
      relays: placesOf(place === undefined ? state.relays : withPlace(state.relays, place), participants),
      participants
    })
  )

/** A relay that has started again has another tag for the call, and its place in the order. */
const withPlace = (relays: ReadonlyArray<RelayPlace>, place: RelayPlace): ReadonlyArray<RelayPlace> => {
  const at = relays.findIndex(({ id }) => id === place.id)
  return at < 0 ? [...relays, place] : relays.with(at, place)
}

const placesOf = (relays: ReadonlyArray<RelayPlace>, participants: ReadonlyArray<Participant>) => {
  const inUse = new Set<RelayId>(participants.map(({ relay }) => relay))
  return relays.filter(({ id }) => inUse.has(id))
}

/** Keeps the participant's place in the order. */
const replaced = (state: CallState, replacement: Participant, place?: RelayPlace): Decision => {
  const at = state.participants.findIndex(({ id }) => id === replacement.id)
  const current = state.participants[at]
  const isPlaceKnown = place === undefined || state.relays.some((known) => isSamePlace(known, place))
  return current !== undefined && isSame(current, replacement) && isPlaceKnown
    ? unchanged(state)
    : changed(state, state.participants.with(at, replacement), place)
}

const admitted = (state: CallState, participant: Participant, place: RelayPlace): Admission => ({
  ...replaced(state, participant, place),
  ...ageOf(participant)
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
