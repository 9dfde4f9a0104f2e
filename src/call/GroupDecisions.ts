import { Result } from "effect"
import * as AudibleSpeakers from "./AudibleSpeakers.ts"
import type { CallState, Participant } from "./CallState.ts"
import * as DominantSpeaker from "./DominantSpeaker.ts"
import * as MediaDecision from "./MediaDecision.ts"
import * as Relief from "./Relief.ts"
import * as Subscription from "./Subscription.ts"
import * as Volumes from "./Volumes.ts"
import * as Uplinks from "./Uplinks.ts"
import * as VideoDecision from "./VideoDecision.ts"
import * as CallClass from "../protocol/CallClass.ts"
import type { ParticipantId, RelayId } from "../protocol/Ids.ts"

/**
 * What one call's owner decides about its media, several times a second, from what relays report: who is heard, and who
 * gets which video. Ephemeral, changed in place, reads no clock. docs/algorithms/dominant-speaker.md.
 */
export interface GroupDecisions {
  /** `undefined` as long as nobody has to be chosen: most calls are of two. */
  speakers: Speakers | undefined
  /** What devices want to see, by the relay's tag of the leg; of who is not there it is everything. */
  readonly subscriptions: Map<number, Subscription.Subscription>
  /** What devices say of the paths to their relays, by the same tags. Bits a second. */
  readonly uplinksBps: Map<number, number>
  /** What busy relays withhold. */
  readonly relief: Relief.Relief
  decision: MediaDecision.MediaDecision
  /** When the first report came; NaN before. Milliseconds. */
  listensSinceMs: number
  decidedAtMs: number
  /** The state that video was decided for last, and when. */
  videoOf: CallState | undefined
  videoAtMs: number
  /** What the paths to devices carried then. */
  videoDownlinksBps: ReadonlyMap<number, number>
  /** Something has been said since that bears on video. */
  isVideoDue: boolean
}

interface Speakers {
  readonly dominant: DominantSpeaker.DominantSpeaker
  readonly audible: AudibleSpeakers.AudibleSpeakers
  /** Who says how loud they are. */
  readonly known: Set<ParticipantId>
}

/** Of fewer nobody has to be chosen: everybody gets no more audio streams than `AudibleSpeakers` lets through. */
const groupMin = AudibleSpeakers.audibleMax + 2
/** Relays get no more plans than one in this time because of it. Milliseconds. */
const decideEveryMs = 200
/** Video is decided anew after this time, if nothing has happened before. Milliseconds. */
const videoEveryMs = 1000
/** Or when a path carries so much less or more. Share. */
const suddenChangeMin = 0.2
/** A new owner listens for so long before it says anything: meanwhile relays go on as before. Milliseconds. */
const listenMs = 1000
/** Or for so long, where there are layers to choose from and paths of which nothing is known: each is measured over a second. */
const listenLayersMs = 2000

export const make = (): GroupDecisions => ({
  speakers: undefined,
  subscriptions: new Map(),
  uplinksBps: new Map(),
  relief: Relief.make(),
  decision: MediaDecision.undecided,
  listensSinceMs: NaN,
  decidedAtMs: -Infinity,
  videoOf: undefined,
  videoAtMs: -Infinity,
  videoDownlinksBps: new Map(),
  isVideoDue: false
})

/** What cannot be read is as good as not reported: the next report comes soon. */
export const handleVolumes = (self: GroupDecisions, state: CallState, bytes: Uint8Array, nowMs: number): void => {
  if (bytes.length === 0) return
  const speakers = (self.speakers ??= {
    dominant: DominantSpeaker.make(),
    audible: AudibleSpeakers.make(),
    known: new Set()
  })
  const byTag = new Map(state.participants.map((participant) => [participant.legTag, participant]))
  for (const { legTag, levels } of Result.getOrElse(Volumes.decode(bytes), () => [])) {
    const participant = byTag.get(legTag)
    if (participant === undefined) continue
    speakers.known.add(participant.id)
    DominantSpeaker.handleLevels(speakers.dominant, participant.id, levels, nowMs)
  }
}

/** As `handleVolumes`. What is known already is repeated now and then, and may come late. */
export const handleSubscriptions = (self: GroupDecisions, state: CallState, bytes: Uint8Array): void => {
  if (bytes.length === 0) return
  const { subscriptions } = self
  const present = presentIn(state, subscriptions)
  for (const { legTag, subscription } of Result.getOrElse(Subscription.decode(bytes), () => [])) {
    if (!present.has(legTag)) continue
    const known = subscriptions.get(legTag) ?? Subscription.unspoken
    const newer = Subscription.newer(known, subscription)
    subscriptions.set(legTag, newer)
    self.isVideoDue ||= newer !== known
  }
}

/** As `handleVolumes`: what devices say of the paths to their relays. */
export const handleUplinks = (self: GroupDecisions, state: CallState, bytes: Uint8Array): void => {
  if (bytes.length === 0) return
  const { uplinksBps } = self
  const present = presentIn(state, uplinksBps)
  for (const { legTag, uplinkBps } of Result.getOrElse(Uplinks.decode(bytes), () => [])) {
    if (!present.has(legTag)) continue
    self.isVideoDue ||= uplinksBps.get(legTag) !== uplinkBps
    uplinksBps.set(legTag, uplinkBps)
  }
}

/** What a busy relay withholds, as `Relief` has it in bits. Of every report: left out, it withholds nothing any more. */
export const handleWithheld = (self: GroupDecisions, relay: RelayId, bits: number | undefined, nowMs: number): void => {
  const isNews = Relief.handleReport(self.relief, relay, bits, nowMs)
  self.isVideoDue ||= isNews
}

/** The tags of those who are there; of others nothing is kept. */
const presentIn = (state: CallState, kept: Map<number, unknown>): ReadonlySet<number> => {
  const present = new Set(state.participants.map(({ legTag }) => legTag))
  for (const tag of kept.keys()) if (!present.has(tag)) kept.delete(tag)
  return present
}

/**
 * Whether something has been decided that was not so before. Call with every report: what is new is in one, and seldom
 * changes anything. `downlinksBps`: what the paths to devices are believed to carry, by the tags of their legs.
 */
export const decide = (
  self: GroupDecisions,
  state: CallState,
  downlinksBps: ReadonlyMap<number, number>,
  nowMs: number
): boolean => {
  if (Math.abs(nowMs - self.decidedAtMs) < decideEveryMs) return false
  const { decision, subscriptions } = self
  if (Number.isNaN(self.listensSinceMs)) self.listensSinceMs = nowMs
  const listensForMs = hasLayers(state) && downlinksBps.size < state.participants.length ? listenLayersMs : listenMs
  if (decision.revision === 0 && Math.abs(nowMs - self.listensSinceMs) < listensForMs) return false
  const audible = audibleOf(self, state, nowMs)
  const video = videoOf(self, state, downlinksBps, nowMs)
  // Also that everybody gets everything is to be said once, in case that an owner before has said otherwise.
  const isSaid = decision.revision > 0 || !mayBeDecided(state, subscriptions)
  if (isSaid && isSame(audible, decision.audible) && VideoDecision.isSame(video, decision.video)) return false
  self.decidedAtMs = nowMs
  self.decision = { revision: decision.revision + 1, audible, video }
  return true
}

/** Whether an owner before may have taken anything from anybody, where nothing does now. */
const mayBeDecided = (
  { participants }: CallState,
  subscriptions: ReadonlyMap<number, Subscription.Subscription>
): boolean =>
  participants.length > 2 ||
  subscriptions.size > 0 ||
  participants.some(({ callClass, streams }) => CallClass.isGroup(callClass) && streams.some(isVideo))

const isVideo = ({ kind }: Participant["streams"][number]): boolean => kind === "video"

/** Anew when there is a reason, and else each second: what paths carry changes all the time. */
const videoOf = (
  self: GroupDecisions,
  state: CallState,
  downlinksBps: ReadonlyMap<number, number>,
  nowMs: number
): VideoDecision.VideoDecision | undefined => {
  const { decision, subscriptions, uplinksBps } = self
  const sinceMs = Math.abs(nowMs - self.videoAtMs)
  const isNews = self.isVideoDue || self.videoOf !== state || hasMoved(self.videoDownlinksBps, downlinksBps)
  // Also where nothing comes of it: whoever says something else each time makes no more work than this.
  if (sinceMs < (isNews ? decideEveryMs : videoEveryMs)) return decision.video
  self.isVideoDue = false
  self.videoDownlinksBps = downlinksBps
  self.videoOf = state
  self.videoAtMs = nowMs
  const withheld = Relief.withheld(self.relief, state, nowMs)
  return VideoDecision.of(state.participants, subscriptions, { uplinksBps, downlinksBps }, withheld, decision.video)
}

const hasLayers = ({ participants }: CallState): boolean =>
  participants.some(({ streams }) => streams.some(({ simulcast }) => simulcast !== undefined))

/** Whether a path carries much less or much more than it did. */
const hasMoved = (before: ReadonlyMap<number, number>, now: ReadonlyMap<number, number>): boolean => {
  for (const [tag, bps] of now) {
    const beforeBps = before.get(tag)
    if (beforeBps === undefined || Math.abs(bps - beforeBps) > suddenChangeMin * beforeBps) return true
  }
  return false
}

/**
 * Who does not know how loud he is (a bridge of ciphertext) cannot be chosen by it, and is heard always: silence would be
 * worse than a stream too many.
 */
const audibleOf = (
  self: GroupDecisions,
  { participants }: CallState,
  nowMs: number
): MediaDecision.MediaDecision["audible"] => {
  const { speakers } = self
  if (speakers === undefined) return undefined
  forgetDeparted(speakers, participants)
  DominantSpeaker.poll(speakers.dominant, nowMs)
  if (participants.filter(sendsAudio).length < groupMin) return undefined
  const chosen = new Set(AudibleSpeakers.poll(speakers.audible, speakers.dominant))
  return new Set(participants.filter(({ id }) => chosen.has(id) || !speakers.known.has(id)).map(({ id }) => id))
}

const sendsAudio = ({ streams }: Participant): boolean => streams.some(({ kind }) => kind === "audio")

const forgetDeparted = ({ audible, dominant, known }: Speakers, participants: ReadonlyArray<Participant>): void => {
  const present = new Set(participants.map(({ id }) => id))
  for (const id of known) {
    if (present.has(id)) continue
    known.delete(id)
    DominantSpeaker.forget(dominant, id)
    AudibleSpeakers.forget(audible, id)
  }
}

const isSame = (a: MediaDecision.MediaDecision["audible"], b: MediaDecision.MediaDecision["audible"]): boolean =>
  a === undefined || b === undefined ? a === b : a.size === b.size && [...a].every((id) => b.has(id))
