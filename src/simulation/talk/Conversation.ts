import * as Random from "../Random.ts"

/**
 * Who talks when: people take turns, pause within them, overlap, and say "mm-hm" while others talk. All times are
 * milliseconds since the beginning. Whom the turn belongs to is the truth that a decision is judged by.
 */
export interface Conversation {
  /** In the order in which they begin. The next one may begin before one ends. */
  readonly turns: ReadonlyArray<Turn>
  /** What is heard: the parts of the turns between pauses, and the short words of those who listen. */
  readonly spurts: ReadonlyArray<Spurt>
}

export interface Turn {
  readonly holder: number
  /** Of the first voiced sample. */
  readonly fromMs: number
  /** Of the last one. */
  readonly untilMs: number
}

export interface Spurt extends Span {
  readonly speaker: number
  /** "mm-hm": somebody listens, and says so. */
  readonly isBackchannel: boolean
}

export interface Span {
  readonly fromMs: number
  readonly untilMs: number
}

/** Turns last at least a second, 5 s on average: between the short ones of chats and the long ones of meetings. Ours. */
const turnMinMs = 1000
const turnMeanMs = 5000
/**
 * From the end of a turn to the next: normal. Four in ten overlap, as Heldner and Edlund found (Pauses, gaps and overlaps in
 * conversations, Journal of Phonetics 38, 2010), most by little.
 */
const gapMeanMs = 100
const gapDeviationMs = 400
const gapMinMs = -600
/** Now and then nobody knows what to say. Ours. */
const lullShare = 0.1
const lullMeanMs = 1500
/** Speech between two pauses: ITU-T P.59 has talk spurts of a second. */
const spurtMinMs = 300
const spurtMeanMs = 1000
const pauseMinMs = 50
const pauseMaxMs = 400
/** How often somebody says "mm-hm" in a turn. Ours. */
const backchannelEveryMs = 6000
const backchannelMinMs = 200
const backchannelMaxMs = 500
/** Who talked before the last one is often who goes on: conversations are carried by two for a while. Ours. */
const returnShare = 0.5

/** `talkers` people, two or more, talk until `durationMs`. */
export const make = (talkers: number, durationMs: number, seed: string): Conversation => {
  const dice = Random.make(seed, "conversation")
  const turns: Array<Turn> = []
  const spurts: Array<Spurt> = []
  let last = Random.below(dice, talkers)
  let beforeLast = last
  let fromMs = 1000
  while (true) {
    const lengthMs = atLeast(dice, turnMinMs, turnMeanMs)
    if (fromMs + lengthMs > durationMs) return { turns, spurts }
    const holder = nextHolder(dice, talkers, last, beforeLast)
    const turn = { holder, fromMs, untilMs: fromMs + lengthMs }
    turns.push(turn)
    pushSpurts(dice, turn, spurts)
    pushBackchannels(dice, turn, talkers, spurts)
    beforeLast = last
    last = holder
    fromMs = turn.untilMs + nextGapMs(dice)
  }
}

const nextHolder = (dice: Random.Random, talkers: number, last: number, beforeLast: number): number => {
  if (beforeLast !== last && Random.uniform(dice) < returnShare) return beforeLast
  return (last + 1 + Random.below(dice, talkers - 1)) % talkers
}

const nextGapMs = (dice: Random.Random): number => {
  if (Random.uniform(dice) < lullShare) return lullMeanMs * Random.exponential(dice)
  return Math.max(gapMinMs, gapMeanMs + gapDeviationMs * Random.normal(dice))
}

const pushSpurts = (dice: Random.Random, { fromMs, holder, untilMs }: Turn, spurts: Array<Spurt>): void => {
  let atMs = fromMs
  while (true) {
    const endMs = atMs + atLeast(dice, spurtMinMs, spurtMeanMs)
    const nextMs = endMs + between(dice, pauseMinMs, pauseMaxMs)
    // A turn ends with speech: what would be left behind the pause is too little for a spurt.
    const isLast = nextMs + spurtMinMs > untilMs
    spurts.push({ speaker: holder, fromMs: atMs, untilMs: isLast ? untilMs : endMs, isBackchannel: false })
    if (isLast) return
    atMs = nextMs
  }
}

const pushBackchannels = (dice: Random.Random, turn: Turn, talkers: number, spurts: Array<Spurt>): void => {
  let atMs = turn.fromMs
  while (true) {
    atMs += backchannelEveryMs * Random.exponential(dice)
    const untilMs = atMs + between(dice, backchannelMinMs, backchannelMaxMs)
    if (untilMs > turn.untilMs) return
    const speaker = (turn.holder + 1 + Random.below(dice, talkers - 1)) % talkers
    spurts.push({ speaker, fromMs: atMs, untilMs, isBackchannel: true })
    atMs = untilMs
  }
}

/** Exponential above a minimum. */
const atLeast = (dice: Random.Random, min: number, mean: number): number =>
  min + (mean - min) * Random.exponential(dice)

export const between = (dice: Random.Random, min: number, max: number): number =>
  min + (max - min) * Random.uniform(dice)
