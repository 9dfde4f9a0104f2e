import { type Allocation, type AllocationInput, layersMax } from "./AllocationInput.ts"
import { type AllocationProblem, wishValue } from "./AllocationProblem.ts"
import * as RateLadder from "./RateLadder.ts"

/** An allocation while it is being found: owned by one search, and changed in place. */
export interface Decision {
  /** Of each layer its rung, or `off`. */
  readonly rungs: Int8Array
  /** Of each wish the layer that is forwarded, or -1. */
  readonly choices: Int8Array
}

export const make = (problem: AllocationProblem): Decision => ({
  rungs: new Int8Array(problem.sourceCount * layersMax).fill(RateLadder.off),
  choices: new Int8Array(problem.wishSource.length).fill(-1)
})

export const copyInto = (from: Decision, to: Decision): void => {
  to.rungs.set(from.rungs)
  to.choices.set(from.choices)
}

/** The rung that a wish gets, or `off`. */
export const rungOfWish = (problem: AllocationProblem, { choices, rungs }: Decision, wish: number): number => {
  const layer = choices[wish]!
  return layer < 0 ? RateLadder.off : rungs[problem.wishSource[wish]! * layersMax + layer]!
}

export const valueOfWish = (problem: AllocationProblem, decision: Decision, wish: number): number => {
  const rung = rungOfWish(problem, decision, wish)
  return rung < 0 ? 0 : wishValue(problem, wish, rung)
}

export const utilityOfReceiver = (problem: AllocationProblem, decision: Decision, receiver: number): number => {
  let sum = 0
  for (let wish = problem.wishStart[receiver]!; wish < problem.wishStart[receiver + 1]!; wish++) {
    sum += valueOfWish(problem, decision, wish)
  }
  return sum
}

/** What all receivers have of it together. */
export const utility = (problem: AllocationProblem, decision: Decision): number => {
  let sum = 0
  for (let receiver = 0; receiver < problem.receiverCount; receiver++) {
    sum += utilityOfReceiver(problem, decision, receiver)
  }
  return sum
}

/** What a receiver is sent. Units. */
export const downlinkUsed = (problem: AllocationProblem, decision: Decision, receiver: number): number => {
  let units = 0
  for (let wish = problem.wishStart[receiver]!; wish < problem.wishStart[receiver + 1]!; wish++) {
    units += RateLadder.rungUnits[rungOfWish(problem, decision, wish)] ?? 0
  }
  return units
}

/** What a source sends in all its layers. Units. */
export const sourceUsed = (rungs: Int8Array, source: number): number => {
  let units = 0
  for (let layer = 0; layer < layersMax; layer++) units += RateLadder.rungUnits[rungs[source * layersMax + layer]!] ?? 0
  return units
}

/** What a sender sends in all layers of all his sources. Units. */
export const uplinkUsed = (problem: AllocationProblem, rungs: Int8Array, sender: number): number => {
  let units = 0
  for (const source of problem.sourcesOf[sender]!) units += sourceUsed(rungs, source)
  return units
}

export const switchOff = ({ rungs }: Decision, source: number): void => {
  rungs.fill(RateLadder.off, source * layersMax, (source + 1) * layersMax)
}

/** Switches off what is forwarded to nobody. */
export const dropUnused = (problem: AllocationProblem, { choices, rungs }: Decision): void => {
  for (let source = 0; source < problem.sourceCount; source++) {
    let used = 0
    for (let i = problem.wishersStart[source]!; i < problem.wishersStart[source + 1]!; i++) {
      const layer = choices[problem.wishers[i]!]!
      if (layer >= 0) used |= 1 << layer
    }
    for (let layer = 0; layer < layersMax; layer++) {
      if ((used & (1 << layer)) === 0) rungs[source * layersMax + layer] = RateLadder.off
    }
  }
}

/** In rates, and in the order of the input. */
export const toAllocation = (problem: AllocationProblem, input: AllocationInput, decision: Decision): Allocation => {
  const layers = input.sources.map((source, at) =>
    source.layers.map((_, layer) => (layer < layersMax ? RateLadder.bpsOf(decision.rungs[at * layersMax + layer]!) : 0))
  )
  const choices = input.receivers.map((receiver) => receiver.wishes.map(() => -1))
  for (let wish = 0; wish < problem.wishers.length; wish++) {
    choices[problem.wishReceiver[wish]!]![problem.wishAt[wish]!] = decision.choices[wish]!
  }
  return { layers, choices }
}
