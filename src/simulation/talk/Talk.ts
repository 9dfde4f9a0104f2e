import * as Random from "../Random.ts"
import * as Conversation from "./Conversation.ts"
import * as Noises from "./Noises.ts"

/**
 * A conversation as relays hear of it: a level for each 20 ms of each participant, and the truth beside it. The first
 * participants talk; those behind them only make noise. The same seed makes the same talk on every machine.
 */
export interface Talk {
  readonly turns: ReadonlyArray<Conversation.Turn>
  /** Of each participant: a byte for each frame, -dBov as in RFC 6464, without the voice bit. */
  readonly levels: ReadonlyArray<Uint8Array>
  /** Of each participant: for each frame 1 if he says something in it, be it "mm-hm". */
  readonly voiced: ReadonlyArray<Uint8Array>
}

export interface Options {
  /** Two or more. */
  readonly talkers: number
  /** They say nothing; they cough and type. */
  readonly noisy: number
  /** They say nothing and do nothing. */
  readonly quiet: number
  readonly durationMs: number
}

export const frameMs = 20
/** Speech and rooms differ from one to another, evenly. dBov. */
const speechMinDbov = -40
const speechMaxDbov = -15
const roomMinDbov = -80
const roomMaxDbov = -50
/** Standard deviations of single frames, and of the loudness of syllables. dB. */
const roomDeviationDb = 1.5
const frameDeviationDb = 1.5
const syllableDeviationDb = 3
/** Four to seven syllables a second. Each swells by so much from its edges to its middle. Ours, after speech looked at. */
const syllableMinMs = 140
const syllableMaxMs = 260
const syllableSwellDb = 12
/** "mm-hm" is quieter than what its speaker says in his turns. dB. */
const backchannelDb = -4

export const make = (options: Options, seed: string): Talk => {
  const { durationMs, noisy, quiet, talkers } = options
  const frames = Math.floor(durationMs / frameMs)
  const { spurts, turns } = Conversation.make(talkers, durationMs, seed)
  const participants = Array.from({ length: talkers + noisy + quiet }, (_, i) => {
    const name = `participant ${i}`
    const levelsDbov = room(frames, seed, name)
    const voiced = new Uint8Array(frames)
    const own = spurts.filter(({ speaker }) => speaker === i)
    speak(own, levelsDbov, voiced, seed, name)
    if (i >= talkers && i < talkers + noisy) {
      for (const noise of Noises.coughs(durationMs, seed, name)) sound(noise, levelsDbov)
      for (const noise of Noises.typing(durationMs, seed, name)) sound(noise, levelsDbov)
    }
    return { levels: new Uint8Array(frames).map((_, frame) => toLevel(levelsDbov[frame]!)), voiced }
  })
  return { turns, levels: participants.map(({ levels }) => levels), voiced: participants.map(({ voiced }) => voiced) }
}

/** RFC 6464: 0 is the loudest, and 127 silence or less than that. */
const toLevel = (levelDbov: number): number => Math.round(Math.min(126, Math.max(0, -levelDbov)))

const room = (frames: number, seed: string, name: string): Float64Array => {
  const dice = Random.make(seed, `${name} room`)
  const floorDbov = Conversation.between(dice, roomMinDbov, roomMaxDbov)
  return new Float64Array(frames).map(() => floorDbov + roomDeviationDb * Random.normal(dice))
}

/**
 * Sounds are mixed by taking the louder one: their powers would add up to at most 3 dB more, and need logarithms, whose last
 * bits differ between machines.
 */
const mix = (levelsDbov: Float64Array, frame: number, levelDbov: number): void => {
  if (frame < levelsDbov.length && levelDbov > levelsDbov[frame]!) levelsDbov[frame] = levelDbov
}

const speak = (
  spurts: ReadonlyArray<Conversation.Spurt>,
  levelsDbov: Float64Array,
  voiced: Uint8Array,
  seed: string,
  name: string
): void => {
  const dice = Random.make(seed, `${name} voice`)
  const ownDbov = Conversation.between(dice, speechMinDbov, speechMaxDbov)
  for (const { fromMs, isBackchannel, untilMs } of spurts) {
    let syllableFromMs = fromMs
    let syllableMs = 0
    let peakDbov = 0
    for (let frame = Math.floor(fromMs / frameMs); frame * frameMs < untilMs; frame++) {
      const atMs = Math.max(fromMs, frame * frameMs)
      if (atMs >= syllableFromMs + syllableMs) {
        syllableFromMs += syllableMs
        syllableMs = Conversation.between(dice, syllableMinMs, syllableMaxMs)
        peakDbov = ownDbov + syllableSwellDb / 2 + syllableDeviationDb * Random.normal(dice)
        if (isBackchannel) peakDbov += backchannelDb
      }
      const fromMiddle = Math.abs((2 * (atMs - syllableFromMs)) / syllableMs - 1)
      mix(levelsDbov, frame, peakDbov - syllableSwellDb * fromMiddle + frameDeviationDb * Random.normal(dice))
      if (frame < voiced.length) voiced[frame] = 1
    }
  }
}

const sound = ({ decayDb, fromMs, levelDbov, untilMs }: Noises.Noise, levelsDbov: Float64Array): void => {
  for (let frame = Math.floor(fromMs / frameMs); frame * frameMs < untilMs; frame++) {
    const share = Math.max(0, (frame * frameMs - fromMs) / (untilMs - fromMs))
    mix(levelsDbov, frame, levelDbov - decayDb * share)
  }
}
