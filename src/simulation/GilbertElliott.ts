import * as Random from "./Random.ts"

/**
 * A link that is good or bad for a while (Gilbert, 1960; Elliott, 1963), in continuous time: the states last so many
 * milliseconds, not so many packets. A chain that steps with each packet has shorter bursts where more is sent, resends
 * among them, and flatters whoever asks again soonest. States and losses have dice of their own, so that the states are
 * the same however often the link is used. Changed in place; asked in the order of time.
 */
export interface GilbertElliott {
  readonly options: Options
  readonly sojourns: Random.Random
  readonly losses: Random.Random
  isBad: boolean
  untilMs: number
}

export interface Options {
  readonly goodMeanMs: number
  readonly badMeanMs: number
  /** How long the bad state lasts: exponential, or always its mean. The good one is exponential. */
  readonly bad: "exponential" | "fixed"
  /** Share of packets lost in either state, 0..1. */
  readonly goodLossRatio: number
  readonly badLossRatio: number
}

/** `name`: of the link, the same in all topologies that are compared. */
export const make = (options: Options, seed: string, name: string): GilbertElliott => {
  const sojourns = Random.make(seed, `${name} sojourns`)
  const untilMs = options.goodMeanMs * Random.exponential(sojourns)
  return { options, sojourns, losses: Random.make(seed, `${name} losses`), isBad: false, untilMs }
}

/** Whether a packet that passes now is lost. */
export const isLost = (self: GilbertElliott, timeMs: number): boolean => {
  const { badLossRatio, goodLossRatio } = self.options
  while (timeMs >= self.untilMs) change(self)
  return Random.uniform(self.losses) < (self.isBad ? badLossRatio : goodLossRatio)
}

const change = (self: GilbertElliott): void => {
  const { bad, badMeanMs, goodMeanMs } = self.options
  self.isBad = !self.isBad
  const isFixed = self.isBad && bad === "fixed"
  self.untilMs += isFixed ? badMeanMs : (self.isBad ? badMeanMs : goodMeanMs) * Random.exponential(self.sojourns)
}
