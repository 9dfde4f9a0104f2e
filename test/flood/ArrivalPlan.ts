import type { CallClass } from "../../src/protocol/CallClass.ts"
import * as Dice from "../fuzz/Dice.ts"
import * as CallMix from "./CallMix.ts"
import * as Timeline from "./Timeline.ts"

/** A call that somebody wants to make, whatever became of those before it. */
export interface PlannedCall {
  readonly call: number
  readonly callClass: CallClass
  /** From the start of the round. Milliseconds. */
  readonly atMs: number
  /** From when all of its people are there. Milliseconds. */
  readonly lastsMs: number
}

/** How often calls come, and how long they last. */
export interface Pace {
  readonly callsPerSecond: number
  /** How many times as often in the flood. */
  readonly timesInFlood: number
  readonly lastsMsMean: number
}

/** A call that is shorter is none. Milliseconds. */
const lastsMsMin = 1000

/** So many calls a second that what goes on at a time is this many datagrams a second. */
export const paceFor = (packetsPerSecond: number, timesInFlood: number, lastsMsMean: number): Pace => ({
  callsPerSecond: (packetsPerSecond / CallMix.packetsPerSecond) * (1000 / lastsMsMean),
  timesInFlood,
  lastsMsMean
})

/**
 * Calls come evenly, each class in its share of every block. They last as calls do, most of them shortly, a few long (the
 * exponential distribution, Erlang's); if all were alike, a moment with many arrivals would come back as one with many
 * departures.
 */
export const make = (draw: Dice.Dice, timeline: Timeline.Timeline, pace: Pace): ReadonlyArray<PlannedCall> => {
  const arrivalsMs = arrivals(timeline, pace)
  const blocks = Math.ceil(arrivalsMs.length / CallMix.blockCalls)
  const kinds = Dice.many(blocks, () => blockOf(draw, pace)).flat()
  return arrivalsMs.map((atMs, call) => {
    const { callClass, lastsMs } = kinds[call]!
    return { call, callClass, atMs, lastsMs }
  })
}

/** So many calls of two without video, from before the normal phase to the end: those whose packets are timed. */
export const ongoing = (timeline: Timeline.Timeline, count: number): ReadonlyArray<PlannedCall> =>
  Dice.many(count, (place) => {
    const atMs = (place * timeline.fillMs) / count
    return { call: ongoingFrom + place, callClass: "one-to-one-audio", atMs, lastsMs: Timeline.endMs(timeline) - atMs }
  })

/** Above the numbers of all others. */
const ongoingFrom = 1_000_000

const arrivals = (timeline: Timeline.Timeline, pace: Pace): ReadonlyArray<number> => {
  const { fillMs } = timeline
  const { callsPerSecond, lastsMsMean, timesInFlood } = pace
  const evenly = (fromMs: number, untilMs: number, perSecond: number) => {
    const count = Math.round(((untilMs - fromMs) * perSecond) / 1000)
    return Dice.many(count, (place) => fromMs + (place * (untilMs - fromMs)) / count)
  }
  const [floodMs, afterMs] = [Timeline.startMsOf(timeline, "flood"), Timeline.startMsOf(timeline, "after")]
  // All that go on at a time, and those among them that are over when the last of them comes.
  const filling = callsPerSecond / (1 - Math.exp(-fillMs / lastsMsMean))
  return [
    ...evenly(0, fillMs, filling),
    ...evenly(fillMs, floodMs, callsPerSecond),
    ...evenly(floodMs, afterMs, callsPerSecond * timesInFlood),
    ...evenly(afterMs, Timeline.endMs(timeline), callsPerSecond)
  ]
}

const blockOf = (draw: Dice.Dice, { lastsMsMean }: Pace): ReadonlyArray<Pick<PlannedCall, "callClass" | "lastsMs">> => {
  const callClasses = CallMix.classes.flatMap((callClass) => Dice.many(CallMix.kinds[callClass].calls, () => callClass))
  // One from each twentieth of the distribution: no block is much longer than another.
  const lengths = Dice.many(CallMix.blockCalls, (place) => {
    const quantile = (place + draw()) / CallMix.blockCalls
    return lastsMsMin - (lastsMsMean - lastsMsMin) * Math.log(1 - quantile)
  })
  const lastsMs = Dice.shuffled(draw, lengths)
  return Dice.shuffled(draw, callClasses).map((callClass, place) => ({ callClass, lastsMs: lastsMs[place]! }))
}
