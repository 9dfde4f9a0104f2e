import * as AudibleSpeakers from "../../src/call/AudibleSpeakers.ts"
import * as DominantSpeaker from "../../src/call/DominantSpeaker.ts"
import { ParticipantId } from "../../src/protocol/Ids.ts"
import * as Random from "../../src/simulation/Random.ts"
import * as Talk from "../../src/simulation/talk/Talk.ts"

/** How well the decisions of one simulated talk fit to who held the turn. */
export interface TalkRun extends Judgement {
  /** Somebody who only coughed and typed became dominant. */
  readonly switchesToNoise: number
  /** Somebody became dominant who talks, but neither held the turn nor had held it in the last half second. */
  readonly switchesToListeners: number
  readonly audibleChanges: number
  readonly minutes: number
}

interface Judgement {
  /** From the beginning of each turn until its holder was dominant; Infinity: never in this turn. Milliseconds. */
  readonly delaysMs: ReadonlyArray<number>
  /** The same, of the turns before which nobody else had talked for 300 ms. */
  readonly delaysOverSilenceMs: ReadonlyArray<number>
  /** Of the turns, from when their holder was dominant: the share of the frames in which he was. */
  readonly dominantShare: number
  /** The same, of frames in which he was audible. */
  readonly audibleShare: number
  /** Of the turns from their beginning: the share of the frames in which their holder was audible. */
  readonly audibleShareOfAll: number
}

interface Frame {
  /** The participant's number, -1: nobody. */
  readonly dominant: number
  readonly audible: ReadonlyArray<ParticipantId>
}

/** Each of three relays reports what its participants' levels were, and a frame later it is known. In frames of 20 ms. */
const reportFrames = 10
const reportTakesFrames = 1
const relays = 3
/** Of the reports. */
const lossRatio = 0.01
const silenceFrames = 300 / Talk.frameMs
const turnEchoMs = 500

const idOf = (participant: number): ParticipantId => ParticipantId.make(`participant ${participant}`)

export const run = (options: Talk.Options, seed: string): TalkRun => {
  const talk = Talk.make(options, seed)
  const frames = follow(talk, seed)
  let switchesToNoise = 0
  let switchesToListeners = 0
  let audibleChanges = 0
  for (let frame = 1; frame < frames.length; frame++) {
    const { audible, dominant } = frames[frame]!
    const before = frames[frame - 1]!
    if (audible !== before.audible) audibleChanges++
    if (dominant === before.dominant) continue
    if (dominant >= options.talkers) switchesToNoise++
    else if (!isHolder(talk, dominant, frame * Talk.frameMs)) switchesToListeners++
  }
  const minutes = options.durationMs / 60_000
  return { ...judge(talk, frames), switchesToNoise, switchesToListeners, audibleChanges, minutes }
}

/** What is decided in each frame. Decisions are asked for after reports, as an actor does. */
const follow = ({ levels }: Talk.Talk, seed: string): ReadonlyArray<Frame> => {
  const dice = Random.make(seed, "reports")
  const phases = Array.from({ length: relays }, () => Random.below(dice, reportFrames))
  const ids = levels.map((_, participant) => idOf(participant))
  const speaker = DominantSpeaker.make()
  const audibleSpeakers = AudibleSpeakers.make()
  const frames: Array<Frame> = []
  let latest: Frame = { dominant: -1, audible: [] }
  for (let frame = 0; frame < levels[0]!.length; frame++) {
    const end = frame - reportTakesFrames
    const nowMs = frame * Talk.frameMs
    let isReported = false
    phases.forEach((phase, relay) => {
      if (end < reportFrames || end % reportFrames !== phase || Random.uniform(dice) < lossRatio) return
      for (let i = relay; i < ids.length; i += relays) {
        DominantSpeaker.handleLevels(speaker, ids[i]!, levels[i]!.subarray(end - reportFrames, end), nowMs)
      }
      isReported = true
    })
    if (isReported) {
      const dominant = DominantSpeaker.poll(speaker, nowMs)
      const audible = AudibleSpeakers.poll(audibleSpeakers, speaker)
      latest = { dominant: dominant === undefined ? -1 : ids.indexOf(dominant), audible }
    }
    frames.push(latest)
  }
  return frames
}

const isHolder = ({ turns }: Talk.Talk, participant: number, atMs: number): boolean =>
  turns.some(({ fromMs, holder, untilMs }) => holder === participant && fromMs <= atMs && atMs < untilMs + turnEchoMs)

const judge = ({ turns, voiced }: Talk.Talk, frames: ReadonlyArray<Frame>): Judgement => {
  const delaysMs: Array<number> = []
  const delaysOverSilenceMs: Array<number> = []
  let inTurns = 0
  let audible = 0
  let detected = 0
  let detectedDominant = 0
  let detectedAudible = 0
  turns.forEach(({ fromMs, holder, untilMs }, turn) => {
    const from = Math.ceil(fromMs / Talk.frameMs)
    // It is the next one's turn when that has begun.
    const until = Math.floor(Math.min(untilMs, turns[turn + 1]?.fromMs ?? Infinity) / Talk.frameMs)
    let delayMs = Infinity
    for (let frame = from; frame < until; frame++) {
      const isDominant = frames[frame]!.dominant === holder
      const isAudible = frames[frame]!.audible.includes(idOf(holder))
      if (isDominant) delayMs = Math.min(delayMs, frame * Talk.frameMs - fromMs)
      inTurns++
      if (isAudible) audible++
      if (delayMs === Infinity) continue
      detected++
      if (isDominant) detectedDominant++
      if (isAudible) detectedAudible++
    }
    delaysMs.push(delayMs)
    const isHeard = (own: Uint8Array, who: number): boolean =>
      who !== holder && own.subarray(from - silenceFrames, from).includes(1)
    if (!voiced.some(isHeard)) delaysOverSilenceMs.push(delayMs)
  })
  return {
    delaysMs,
    delaysOverSilenceMs,
    dominantShare: detectedDominant / detected,
    audibleShare: detectedAudible / detected,
    audibleShareOfAll: audible / inTurns
  }
}

/** The smallest that at least this share, 0..1, is not above; NaN of none. */
export const quantile = (values: ReadonlyArray<number>, share: number): number =>
  values.toSorted((a, b) => a - b)[Math.max(0, Math.ceil(share * values.length) - 1)] ?? NaN
