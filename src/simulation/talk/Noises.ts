import * as Random from "../Random.ts"
import { between, type Span } from "./Conversation.ts"

/** A sound that is not speech. */
export interface Noise extends Span {
  /** Level at its beginning, in dBov. */
  readonly levelDbov: number
  /** By so much it has become quieter at its end. */
  readonly decayDb: number
}

/** One in so many milliseconds, on average. */
const coughEveryMs = 12_000
/** Typing comes in spells. Means. */
const typingMeanMs = 5000
const typingPauseMeanMs = 8000

/** Loud, and 200 to 500 ms long. */
export const coughs = (durationMs: number, seed: string, name: string): ReadonlyArray<Noise> => {
  const dice = Random.make(seed, `${name} coughs`)
  const noises: Array<Noise> = []
  let atMs = 0
  while (true) {
    atMs += coughEveryMs * Random.exponential(dice)
    const untilMs = atMs + between(dice, 200, 500)
    if (untilMs > durationMs) return noises
    noises.push({ fromMs: atMs, untilMs, levelDbov: between(dice, -20, -10), decayDb: 10 })
    atMs = untilMs
  }
}

/** Clicks of 20 to 60 ms, five a second. */
export const typing = (durationMs: number, seed: string, name: string): ReadonlyArray<Noise> => {
  const dice = Random.make(seed, `${name} typing`)
  const noises: Array<Noise> = []
  let atMs = 0
  while (true) {
    atMs += typingPauseMeanMs * Random.exponential(dice)
    const spellEndsMs = atMs + typingMeanMs * Random.exponential(dice)
    while (atMs < spellEndsMs) {
      const untilMs = atMs + between(dice, 20, 60)
      if (untilMs > durationMs) return noises
      noises.push({ fromMs: atMs, untilMs, levelDbov: between(dice, -45, -30), decayDb: 0 })
      atMs += between(dice, 100, 300)
    }
    if (atMs > durationMs) return noises
  }
}
