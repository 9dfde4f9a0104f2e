import type { ParticipantId } from "../protocol/Ids.ts"
import * as SpeechActivity from "./SpeechActivity.ts"
import * as SpeechScore from "./SpeechScore.ts"

/**
 * Who leads the talk of a call, from reported levels alone: Volfin and Cohen, "Dominant speaker identification for multipoint
 * videoconferencing" (2013), with scales and thresholds of our own: docs/algorithms/dominant-speaker.md. Decisions compare
 * integers. Owned by the call's one actor and changed in place, for hundreds of levels come every second.
 */
export interface DominantSpeaker {
  readonly participants: Map<ParticipantId, SpeechActivity.SpeechActivity>
  /** Who became it stays it, however long he is silent, until somebody else talks or he leaves. */
  dominant: ParticipantId | undefined
  sinceMs: number
  decidedAtMs: number
}

/** The loudness of the newest frame. N1, lambda and C1 of jitsi-utils. */
const immediateScores = SpeechScore.logScores(SpeechActivity.subUnitsMax, 0.78)
const immediateThreshold = 3 * SpeechScore.unitsPerNat

/**
 * How many of the last 22 frames, 440 ms, were speech: a little longer than people pause within a turn, so that nobody
 * loses it in a pause. Lambda and C2 of jitsi-utils, where the scale is five frames.
 */
const mediumFrames = 22
const mediumScores = SpeechScore.logScores(mediumFrames, 24)
const mediumThreshold = 2 * SpeechScore.unitsPerNat

/**
 * How many of ten times 80 ms were speech. With this lambda a score is above its minimum from two on, so 160 ms of speech are
 * enough where the dominant speaker has had 240 ms or less of the last 800, and with this threshold 240 ms are anywhere else.
 * jitsi-utils asks for more speech than the dominant speaker's (C3 of 0): who answers would wait for half a second.
 */
const longUnits = 10
const longUnitFrames = 4
const longScores = SpeechScore.logScores(longUnits, 2)
const longThreshold = -3 * SpeechScore.unitsPerNat

/** Who has just become dominant may only have coughed: a pause of half the time ends it. Ours. Milliseconds. */
const establishedAfterMs = 800
const mediumFramesBefore = 10

/**
 * One frame: a flood of reports costs no more decisions than this. The paper decides every 300 ms, which are added to what it
 * takes to be noticed; here every report is a reason to decide. Milliseconds.
 */
const decisionIntervalMs = SpeechActivity.frameMs

export const make = (): DominantSpeaker => ({
  participants: new Map(),
  dominant: undefined,
  sinceMs: -Infinity,
  decidedAtMs: -Infinity
})

/**
 * A report of one participant's levels, of about the last 200 ms: a byte for each 20 ms, the oldest first, as RFC 6464 has it.
 * Bit 7 is voice activity (a device may never set it), the others -dBov (127: silent or not known). Whatever is in it, no
 * more is taken than time has passed for. The owner sees to it that the participant is one of the call.
 */
export const handleLevels = (
  self: DominantSpeaker,
  participant: ParticipantId,
  levels: Uint8Array,
  nowMs: number
): void => {
  let activity = self.participants.get(participant)
  if (activity === undefined) {
    activity = SpeechActivity.make(nowMs)
    self.participants.set(participant, activity)
  }
  SpeechActivity.handleLevels(activity, levels, nowMs)
}

/** He has left the call. */
export const forget = (self: DominantSpeaker, participant: ParticipantId): void => {
  self.participants.delete(participant)
  if (self.dominant === participant) self.dominant = undefined
}

/** To be asked after reports. Undefined: nobody who is in the call has talked yet. */
export const poll = (self: DominantSpeaker, nowMs: number): ParticipantId | undefined => {
  if (nowMs >= self.decidedAtMs && nowMs - self.decidedAtMs < decisionIntervalMs) return self.dominant
  self.decidedAtMs = nowMs
  for (const activity of self.participants.values()) SpeechActivity.handleTime(activity, nowMs)
  const next = challenger(self, nowMs)
  if (next !== undefined) {
    self.dominant = next
    self.sinceMs = nowMs
  }
  return self.dominant
}

/** Of those who beat the dominant speaker on all three scales, the one with the most speech lately. */
const challenger = (self: DominantSpeaker, nowMs: number): ParticipantId | undefined => {
  const dominant = self.dominant === undefined ? undefined : self.participants.get(self.dominant)
  const isEstablished = nowMs < self.sinceMs || nowMs - self.sinceMs >= establishedAfterMs
  const immediateToBeat = immediateScores[dominant?.subUnits ?? 0]! + immediateThreshold
  const mediumToBeat = mediumScore(dominant, isEstablished ? mediumFrames : mediumFramesBefore) + mediumThreshold
  const longToBeat = longScore(dominant) + longThreshold
  let best: ParticipantId | undefined
  let bestMedium = mediumToBeat
  for (const [participant, activity] of self.participants) {
    // The cheapest first: most participants are silent.
    if (activity === dominant || immediateScores[activity.subUnits]! <= immediateToBeat) continue
    const medium = mediumScore(activity, mediumFrames)
    if (medium <= bestMedium || longScore(activity) <= longToBeat) continue
    best = participant
    bestMedium = medium
  }
  return best
}

const mediumScore = (activity: SpeechActivity.SpeechActivity | undefined, frames: number): number =>
  mediumScores[activity === undefined ? 0 : SpeechActivity.speechFrames(activity, frames)]!

const longScore = (activity: SpeechActivity.SpeechActivity | undefined): number => {
  const frames = activity === undefined ? 0 : SpeechActivity.speechFrames(activity, longUnits * longUnitFrames)
  return longScores[Math.floor(frames / longUnitFrames)]!
}
