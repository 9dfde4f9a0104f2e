import * as Dice from "./Dice.ts"
import type { Failure, Target } from "./Target.ts"

/** A case is named by these three. */
export interface CaseName {
  readonly target: Target
  readonly seed: number
  readonly number: number
}

export const runCase = async ({ number, seed, target }: CaseName): Promise<Failure | undefined> =>
  target.run(Dice.ofCase(seed, target.name, number))

/** Runs the first cases of a target, up to the first that fails. */
export const runFirst = async (
  target: Target,
  seed: number,
  cases: number
): Promise<{ readonly number: number; readonly failure: Failure } | undefined> => {
  for (let number = 0; number < cases; number++) {
    const failure = await runCase({ target, seed, number })
    if (failure !== undefined) return { number, failure }
  }
  return undefined
}

/** How far a target has come. */
export interface Progress {
  readonly target: Target
  /** The next case. */
  number: number
  /** Spent in it. Milliseconds. */
  spentMs: number
  slowest: { readonly number: number; readonly ms: number }
  failure: Failure | undefined
}

/** A turn of one target is about this long. Milliseconds. */
const turnMs = 100

/**
 * Lets the targets take turns until it is over. A target that has failed is left out from then on. `started` hears of every
 * case before it runs.
 */
export const run = async (
  targets: ReadonlyArray<Target>,
  options: {
    readonly seed: number
    readonly isOver: () => boolean
    readonly nowMs: () => number
    readonly started: (target: number, number: number) => void
    readonly failed: (name: CaseName, failure: Failure) => Promise<void>
  }
): Promise<ReadonlyArray<Progress>> => {
  const { failed, isOver, nowMs, seed, started } = options
  const all = targets.map((target): Progress => ({
    target,
    number: 0,
    spentMs: 0,
    slowest: { number: 0, ms: 0 },
    failure: undefined
  }))
  const takeTurn = async (progress: Progress, place: number): Promise<void> => {
    const { target } = progress
    for (let spentMs = 0; spentMs < turnMs && progress.failure === undefined;) {
      const { number } = progress
      started(place, number)
      const startedAtMs = nowMs()
      const running = target.run(Dice.ofCase(seed, target.name, number))
      progress.failure = running instanceof Promise ? await running : running
      const ms = nowMs() - startedAtMs
      spentMs += ms
      progress.spentMs += ms
      progress.number++
      if (ms > progress.slowest.ms) progress.slowest = { number, ms }
      if (progress.failure !== undefined) await failed({ target, seed, number }, progress.failure)
    }
  }
  while (!isOver() && all.some(({ failure }) => failure === undefined)) {
    for (const [place, progress] of all.entries()) {
      if (progress.failure === undefined && !isOver()) await takeTurn(progress, place)
    }
  }
  return all
}
