import * as AudibleSpeakers from "../../src/call/AudibleSpeakers.ts"
import * as DominantSpeaker from "../../src/call/DominantSpeaker.ts"
import { ParticipantId } from "../../src/protocol/Ids.ts"
import * as Random from "../../src/simulation/Random.ts"
import * as Talk from "../../src/simulation/talk/Talk.ts"

/** How well the decisions of one simulated talk fit to who held the turn. */
export interface TalkRun {
  /** From the beginning of each turn until its holder was dominant; Infinity: never in this turn. Milliseconds. */
  readonly delaysMs: ReadonlyArray<number>
  /** The same, of the turns before which nobody else had talked for 300 ms. */
  readonly delaysOverSilenceMs: ReadonlyArray<number>
  readonly switches: number
  /** Somebody who only coughed and typed became dominant. */
  readonly switchesToNoise: number
  /** Somebody became dominant who talks, but neither held the turn nor had held it in the last half second. */
  readonly switchesToListeners: number
  /** Of the turns, from when their holder was dominant: the share of the frames in which he was the dominant one. */
  readonly dominantShare: number
  /** The same, of frames in which he was audible. */
  readonly audibleShare: number
  /** Of the turns from their beginning: the share of the frames in which their holder was audible. */
  readonly audibleShareOfAll: number
  readonly audibleChanges: number
  readonly minutes: number
}

/** Every relay reports the newest levels of its participants so often, and this much later it is known. Milliseconds. */
const reportEveryMs = 200
const reportTakesMs = 20
const reportFrames = reportEveryMs / Talk.frameMs
const relays = 3
/** Of the reports. */
const lossRatio = 0.01
/** What has been lately. Milliseconds. */
const silenceMs = 300
const turnEchoMs = 500

export const run = (options: Talk.Options, seed: string): TalkRun => {
  const { levels, turns, voiced } = Talk.make(options, seed)
  const dice = Random.make(seed, "reports")
  const phasesMs = Array.from({ length: relays }, () => Random.below(dice, reportEveryMs))
  const ids = levels.map((_, i) => ParticipantId.make(`participant ${i}`))
  const dominantSpeaker = DominantSpeaker.make()
  const audibleSpeakers = AudibleSpeakers.make()
  const dominants: Array<number> = []
  const audibles: Array<ReadonlyArray<ParticipantId>> = []
  let switches = 0
  let switchesToNoise = 0
  let switchesToListeners = 0
  let audibleChanges = 0
  for (let nowMs = 0; nowMs < options.durationMs; nowMs++) {
    for (let relay = 0; relay < relays; relay++) {
      const sentAtMs = nowMs - reportTakesMs
      if (sentAtMs < phasesMs[relay]! || (sentAtMs - phasesMs[relay]!) % reportEveryMs !== 0) continue
      const end = Math.floor(sentAtMs / Talk.frameMs)
      if (Random.uniform(dice) < lossRatio) continue
      for (let i = relay; i < ids.length; i += relays) {
        const report = levels[i]!.subarray(Math.max(0, end - reportFrames), end)
        DominantSpeaker.handleLevels(dominantSpeaker, ids[i]!, report, nowMs)
      }
    }
    if (nowMs % Talk.frameMs !== 0) continue
    const dominant = DominantSpeaker.poll(dominantSpeaker, nowMs)
    const who = dominant === undefined ? -1 : ids.indexOf(dominant)
    if (who !== (dominants.at(-1) ?? -1)) {
      switches++
      if (who >= options.talkers) switchesToNoise++
      else if (
        !turns.some((turn) => turn.holder === who && turn.fromMs <= nowMs && nowMs < turn.untilMs + turnEchoMs)
      ) {
        switchesToListeners++
      }
    }
    dominants.push(who)
    const audible = AudibleSpeakers.poll(audibleSpeakers, dominantSpeaker)
    if (audible !== audibles.at(-1)) audibleChanges++
    audibles.push(audible)
  }
  const delaysMs: Array<number> = []
  const delaysOverSilenceMs: Array<number> = []
  let framesOfTurns = 0
  let framesAudible = 0
  let framesDetected = 0
  let framesDominant = 0
  let framesDetectedAudible = 0
  turns.forEach(({ fromMs, holder, untilMs: endsMs }, turn) => {
    // It is the next one's turn when that has begun.
    const untilMs = Math.min(endsMs, turns[turn + 1]?.fromMs ?? Infinity)
    const from = Math.ceil(fromMs / Talk.frameMs)
    const until = Math.floor(untilMs / Talk.frameMs)
    let detected = Infinity
    for (let frame = from; frame < until; frame++) {
      if (detected === Infinity && dominants[frame] === holder) detected = frame
      const isAudible = audibles[frame]!.includes(ids[holder]!)
      framesOfTurns++
      if (isAudible) framesAudible++
      if (detected === Infinity) continue
      framesDetected++
      if (isAudible) framesDetectedAudible++
      if (dominants[frame] === holder) framesDominant++
    }
    const delayMs = Math.max(0, detected * Talk.frameMs - fromMs)
    delaysMs.push(delayMs)
    const before = voiced.some(
      (heard, i) => i !== holder && heard.subarray(Math.max(0, from - silenceMs / Talk.frameMs), from).includes(1)
    )
    if (!before) delaysOverSilenceMs.push(delayMs)
  })
  return {
    delaysMs,
    delaysOverSilenceMs,
    switches,
    switchesToNoise,
    switchesToListeners,
    dominantShare: framesDominant / framesDetected,
    audibleShare: framesDetectedAudible / framesDetected,
    audibleShareOfAll: framesAudible / framesOfTurns,
    audibleChanges,
    minutes: options.durationMs / 60_000
  }
}

/** The smallest that at least this share, 0..1, is not above; NaN of none. */
export const quantile = (values: ReadonlyArray<number>, share: number): number =>
  values.toSorted((a, b) => a - b)[Math.max(0, Math.ceil(share * values.length) - 1)] ?? NaN
