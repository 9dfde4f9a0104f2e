import { type Allocation, type AllocationInput, layersMax } from "./AllocationInput.ts"
import type { AllocationProblem } from "./AllocationProblem.ts"
import * as Decision from "./Decision.ts"
import * as LayerMerge from "./LayerMerge.ts"
import * as RateLadder from "./RateLadder.ts"
import * as ReceiverChoice from "./ReceiverChoice.ts"
import * as ReceiverOptions from "./ReceiverOptions.ts"
import type { Scratch } from "./Scratch.ts"

/**
 * What was decided before stays, unless something else is clearly better: every switch of a layer costs a key frame, and
 * estimates are never still.
 */

/** What a change must gain, as a share of the utility of those whom it changes. */
const gainRatioMin = 0.05

/** What was decided, and for what. Sources and receivers must have the same index now as then. */
export interface Before {
  readonly input: AllocationInput
  readonly allocation: Allocation
}

/** What is kept, and how. */
interface Past {
  /** With all of every capacity: what stays may use it. */
  readonly problem: AllocationProblem
  /** With some room left: what is chosen anew fits into it. */
  readonly roomy: AllocationProblem
  readonly scratch: Scratch
  readonly decision: Decision.Decision
  /** Of each wish: 1 when it was not there before. */
  readonly isNew: Uint8Array
}

/** The decision before, for the wishes of now. A layer whose range no longer has its rate is off. */
const carryOver = (problem: AllocationProblem, { allocation, input }: Before): Pick<Past, "decision" | "isNew"> => {
  const decision = Decision.make(problem)
  const isNew = new Uint8Array(problem.wishSource.length)
  for (let source = 0; source < problem.sourceCount; source++) {
    for (let layer = 0; layer < layersMax; layer++) {
      const at = source * layersMax + layer
      const rung = RateLadder.rungOf(allocation.layers[source]?.[layer] ?? 0)
      if (rung >= problem.rungLow[at]! && rung <= problem.rungHigh[at]!) decision.rungs[at] = rung
    }
  }
  const layerOf = new Int8Array(problem.sourceCount)
  const unknown = -2
  for (let receiver = 0; receiver < problem.receiverCount; receiver++) {
    layerOf.fill(unknown)
    for (const [at, { source }] of (input.receivers[receiver]?.wishes ?? []).entries()) {
      layerOf[source] = allocation.choices[receiver]?.[at] ?? -1
    }
    for (let wish = problem.wishStart[receiver]!; wish < problem.wishStart[receiver + 1]!; wish++) {
      const layer = layerOf[problem.wishSource[wish]!]!
      const mayStay = layer <= problem.wishLayerMax[wish]!
      // Who may not have his layer any more is not to be left without any because that is a small part of what he has.
      if (layer === unknown || !mayStay) isNew[wish] = 1
      decision.choices[wish] = layer >= 0 && mayStay ? layer : -1
    }
  }
  return { decision, isNew }
}

/** Takes all rungs of a sender from another decision. */
const adopt = ({ problem }: Past, sender: number, from: Int8Array, to: Int8Array): void => {
  for (const source of problem.sourcesOf[sender]!) {
    for (let at = source * layersMax; at < (source + 1) * layersMax; at++) to[at] = from[at]!
  }
}

/** Whether a receiver can go on with his layers: all are sent, and fit. What has become more needs room. */
const canStay = ({ decision, problem, roomy }: Past, next: Decision.Decision, receiver: number): boolean => {
  let units = 0
  let isMore = false
  for (let wish = problem.wishStart[receiver]!; wish < problem.wishStart[receiver + 1]!; wish++) {
    if (next.choices[wish]! < 0) continue
    const rung = Decision.rungOfWish(problem, next, wish)
    if (rung < 0) return false
    if (rung > Decision.rungOfWish(problem, decision, wish)) isMore = true
    units += RateLadder.rungUnits[rung]!
  }
  return units <= (isMore ? roomy : problem).downlinkUnits[receiver]!
}

const wantsAnew = ({ isNew, problem }: Past, receiver: number): boolean => {
  for (let wish = problem.wishStart[receiver]!; wish < problem.wishStart[receiver + 1]!; wish++) {
    if (isNew[wish] === 1) return true
  }
  return false
}

/** Everybody keeps his layers at these rungs, but for those who cannot, or who gain enough by others. */
const settle = (past: Past, rungs: Int8Array): Decision.Decision => {
  const { decision, problem, roomy, scratch } = past
  const next: Decision.Decision = { rungs, choices: decision.choices.slice() }
  const other: Decision.Decision = { rungs, choices: decision.choices.slice() }
  for (let receiver = 0; receiver < problem.receiverCount; receiver++) {
    const mayStay = canStay(past, next, receiver)
    const utility = Decision.utilityOfReceiver(problem, next, receiver)
    const gainMin = wantsAnew(past, receiver) ? 0 : gainRatioMin * utility
    // Most have nothing to gain, and to see that takes a tenth of choosing anew.
    const price = scratch.keptPrices[receiver]!
    if (mayStay && ReceiverOptions.worthMost(roomy, rungs, receiver, price) - utility <= gainMin) continue
    scratch.keptPrices[receiver] = ReceiverChoice.choose(roomy, rungs, receiver, other.choices, scratch) ?? price
    if (mayStay && Decision.utilityOfReceiver(problem, other, receiver) - utility <= gainMin) continue
    const first = problem.wishStart[receiver]!
    next.choices.set(other.choices.subarray(first, problem.wishStart[receiver + 1]!), first)
  }
  return next
}

/** Whether a wish that was not there before gets something of `next` and nothing of `now`. */
const servesNew = ({ isNew }: Past, wish: number, now: Decision.Decision, next: Decision.Decision): boolean =>
  isNew[wish] === 1 && now.choices[wish]! < 0 && next.choices[wish]! >= 0

/** Whether those whom a change changes gain enough by it together, or gain at all and somebody is new among them. */
const isWorthIt = (past: Past, now: Decision.Decision, next: Decision.Decision): boolean => {
  const { problem } = past
  let utilityNow = 0
  let utilityNext = 0
  let isForNew = false
  for (let receiver = 0; receiver < problem.receiverCount; receiver++) {
    let isChanged = false
    for (let wish = problem.wishStart[receiver]!; wish < problem.wishStart[receiver + 1]!; wish++) {
      if (Decision.rungOfWish(problem, now, wish) === Decision.rungOfWish(problem, next, wish)) continue
      isChanged = true
      if (servesNew(past, wish, now, next)) isForNew = true
    }
    if (!isChanged) continue
    utilityNow += Decision.utilityOfReceiver(problem, now, receiver)
    utilityNext += Decision.utilityOfReceiver(problem, next, receiver)
  }
  return utilityNext - utilityNow > (isForNew ? 0 : gainRatioMin * utilityNow)
}

/** What is kept, but for the senders whose sources do clearly better in `fresh`: they send what they send there. */
const mix = (past: Past, kept: Decision.Decision, fresh: Decision.Decision): Decision.Decision => {
  const { problem } = past
  const rungs = kept.rungs.slice()
  let isMixed = false
  for (let sender = 0; sender < problem.sourcesOf.length; sender++) {
    let now = 0
    let next = 0
    let isForNew = false
    for (const source of problem.sourcesOf[sender]!) {
      now += LayerMerge.utilityOfSource(problem, kept, source)
      next += LayerMerge.utilityOfSource(problem, fresh, source)
      for (let i = problem.wishersStart[source]!; i < problem.wishersStart[source + 1]!; i++) {
        if (servesNew(past, problem.wishers[i]!, kept, fresh)) isForNew = true
      }
    }
    if (!isForNew && next - now <= gainRatioMin * now) continue
    adopt(past, sender, fresh.rungs, rungs)
    isMixed = true
  }
  return isMixed ? settle(past, rungs) : kept
}

const better = (past: Past, kept: Decision.Decision, mixed: Decision.Decision): Decision.Decision =>
  isWorthIt(past, kept, mixed) ? mixed : kept

/** What is decided now: `fresh`, found with room, as far as it is worth it. */
export const choose = (
  problem: AllocationProblem,
  roomy: AllocationProblem,
  fresh: Decision.Decision,
  before: Before,
  scratch: Scratch
): Decision.Decision => {
  const past: Past = { problem, roomy, scratch, ...carryOver(problem, before) }
  const rungs = past.decision.rungs.slice()
  for (let sender = 0; sender < problem.sourcesOf.length; sender++) {
    const isTooMuch = Decision.uplinkUsed(problem, rungs, sender) > problem.uplinkUnits[sender]!
    if (isTooMuch) adopt(past, sender, fresh.rungs, rungs)
  }
  const kept = settle(past, rungs)
  const decision = isWorthIt(past, kept, fresh) ? fresh : better(past, kept, mix(past, kept, fresh))
  Decision.dropUnused(problem, decision)
  LayerMerge.mergeAll(roomy, decision)
  Decision.dropUnused(problem, decision)
  return decision
}
