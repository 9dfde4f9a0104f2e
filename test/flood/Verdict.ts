import { type Figures, type Second, type Sides, stolenMsMax } from "./Figures.ts"
import * as Interval from "./Interval.ts"

/** One thing that a relay with its throttle must show, or that a relay without one must. */
export interface Verdict {
  readonly name: string
  /** How it is measured, and the limit. */
  readonly rule: string
  readonly measured: string
  readonly holds: boolean
}

/** Of the 99th percentile. Milliseconds. */
const growthMsMax = 5
/** The throttle has settled so long after the step. */
const settledAfterSeconds = 8
const windowSeconds = 4
const swingMax = 0.2
const recoverySecondsMax = 10
/** 256 MB of it are for packets, and fill in any case. */
const residentBytesMax = 512 * 1024 * 1024
/** A call cannot be led any more with that delay, or with so much of its audio lost. */
const ruinedMs = 400
const ruinedLostRatio = 0.1

/** A round in which the observer itself was later than that, at the 99th percentile, says nothing. Milliseconds. */
const lateMsMax = 5
/** Nor does one in which the host has spoilt more than every second second of a phase. */
const countedRatioMin = 0.5

export const isVoid = ({ countedRatio, latenessP99Ms }: Figures): boolean =>
  !(latenessP99Ms <= lateMsMax && countedRatio >= countedRatioMin)

const max = (values: ReadonlyArray<number>): number => Math.max(0, ...values)

const formatMs = (value: number): string => `${value.toFixed(1)} ms`

const dropped = (rounds: ReadonlyArray<Figures>): Verdict => {
  const sum = rounds.reduce((sum, { ongoingDropped }) => sum + ongoingDropped, 0)
  return { name: "ongoing calls", rule: "none is dropped", measured: `${sum} dropped`, holds: sum === 0 }
}

const delay = (rounds: ReadonlyArray<Figures>): Verdict => {
  const growth = rounds.map(({ floodP99Ms, normalP99Ms }) => floodP99Ms - normalP99Ms)
  const { ci95, mean } = Interval.meanOf(growth)
  const ofAll = Interval.meanOf(
    rounds.map(({ floodP99OfAllMs, normalP99OfAllMs }) => floodP99OfAllMs - normalP99OfAllMs)
  )
  return {
    name: "relay delay",
    rule: `p99 of one-to-one audio of calls that went on before, in seconds of which the host took at most ${stolenMsMax} ms, grows by at most ${growthMsMax} ms: upper end of the 95 % interval over rounds`,
    measured: `${formatMs(mean)} (${formatMs(ci95[0])} to ${formatMs(ci95[1])}), ${rounds.length} rounds; of all seconds ${formatMs(ofAll.mean)}`,
    holds: ci95[1] <= growthMsMax
  }
}

/** Of all rounds, the same second together: one round has a few groups in a second. */
export const sharesBySecond = (
  rounds: ReadonlyArray<Figures>
): ReadonlyArray<Sides & Pick<Second, "phase" | "second">> =>
  rounds[0]!.seconds.map(({ phase, second }, at) => {
    const share = (side: keyof Sides) => {
      const sum = (what: "admitted" | "offered") =>
        rounds.reduce((sum, { seconds }) => sum + seconds[at]![what][side], 0)
      return sum("admitted") / sum("offered")
    }
    return { phase, second, oneToOne: share("oneToOne"), group: share("group") }
  })

const order = (rounds: ReadonlyArray<Figures>): Verdict => {
  const wrong = sharesBySecond(rounds).filter(({ group, oneToOne }) => group > oneToOne)
  const which = wrong.map(({ phase, second }) => `${phase} ${second}`).join(", ")
  return {
    name: "order of classes",
    rule: "in every second, of all rounds together, the share of one-to-one calls that are admitted is at least that of groups",
    measured: wrong.length === 0 ? "in every second" : `not in: ${which}`,
    holds: wrong.length === 0
  }
}

/** The largest difference of a window's admitted calls from the mean of all windows, as a share of it. */
export const swingOf = (rounds: ReadonlyArray<ReadonlyArray<Second>>): number => {
  const admitted = rounds[0]!
    .map(({ phase, second }, at) => ({
      isSettled: phase === "flood" && second >= settledAfterSeconds,
      calls: rounds.reduce((sum, seconds) => sum + seconds[at]!.admitted.oneToOne + seconds[at]!.admitted.group, 0)
    }))
    .filter(({ isSettled }) => isSettled)
    .map(({ calls }) => calls)
  const windows = admitted
    .slice(windowSeconds - 1)
    .map((_, at) => admitted.slice(at, at + windowSeconds).reduce((sum, calls) => sum + calls, 0))
  const mean = windows.reduce((sum, calls) => sum + calls, 0) / windows.length
  return Math.max(...windows.map((calls) => Math.abs(calls / mean - 1)))
}

/** Of all rounds together: calls end by chance, and what makes room by chance differs from round to round; what swings does not. */
const steadiness = (rounds: ReadonlyArray<Figures>): Verdict => {
  const swing = swingOf(rounds.map(({ seconds }) => seconds))
  return {
    name: "steadiness",
    rule: `from ${settledAfterSeconds} s after the step on, calls admitted in ${windowSeconds} s of all rounds together differ from their mean by at most ${100 * swingMax} %`,
    measured: `${Math.round(100 * swing)} %`,
    holds: swing <= swingMax
  }
}

const recovery = (rounds: ReadonlyArray<Figures>): Verdict => ({
  name: "recovery",
  rule: `nothing is refused any more, and delays are as before, ${recoverySecondsMax} s after the flood at the latest`,
  measured: rounds
    .map(({ recoverySeconds }) => (recoverySeconds === null ? "never" : `${recoverySeconds} s`))
    .join(", "),
  holds: rounds.every(({ recoverySeconds }) => (recoverySeconds ?? Infinity) <= recoverySecondsMax)
})

const memory = (rounds: ReadonlyArray<Figures>): Verdict => {
  const most = max(rounds.map(({ residentBytesMax }) => residentBytesMax))
  return {
    name: "memory",
    rule: `at most ${residentBytesMax / 1024 ** 2} MB are resident`,
    measured: `${Math.round(most / 1024 ** 2)} MB`,
    holds: most <= residentBytesMax
  }
}

/** Whether the same flood would have done harm. What the observer was late itself is not the relay's fault. */
const ruin = (rounds: ReadonlyArray<Figures>): Verdict => {
  const worstMs = ({ floodP99OfAllMs, latenessP99Ms }: Figures) => floodP99OfAllMs - latenessP99Ms
  return {
    name: "without the throttle",
    rule: `the same flood ruins ongoing calls: p99 above ${ruinedMs} ms, beyond what the observer was late, or more than ${100 * ruinedLostRatio} % of audio lost`,
    measured: rounds
      .map((round) => `p99 ${formatMs(worstMs(round))}, ${Math.round(100 * round.lostRatio)} % lost`)
      .join("; "),
    holds: rounds.every((round) => worstMs(round) > ruinedMs || round.lostRatio > ruinedLostRatio)
  }
}

/** Of rounds with the throttle and of rounds without it, as far as there are any; void rounds are left out before. */
export const make = (adaptive: ReadonlyArray<Figures>, off: ReadonlyArray<Figures>): ReadonlyArray<Verdict> => [
  ...(adaptive.length === 0
    ? []
    : [dropped, delay, order, steadiness, recovery, memory].map((judge) => judge(adaptive))),
  ...(off.length === 0 ? [] : [ruin(off)])
]
