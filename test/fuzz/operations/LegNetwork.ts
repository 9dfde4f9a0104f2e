import type * as LegKind from "../../../src/media/LegKind.ts"
import * as Dice from "../Dice.ts"
import * as LegScene from "./LegScene.ts"

/** How bad the network is, within what repair is made for. */
export interface Network {
  /** Milliseconds. */
  readonly latencyMs: number
  readonly jitterMs: number
  readonly lossRatio: number
  readonly duplicateRatio: number
  readonly reorderRatio: number
}

/**
 * Whoever drops everything wins: within these bounds a packet is not lost without hope, however ill-chosen what is dropped
 * may be. Ten requests and the playout budget of audio are enough for them.
 */
const copiesLostMax = 2
/** Of the frames in one direction, one behind the other. */
const inARowMax = 3
/** Of the requests for one packet, and of the frames that show the last number given. */
const othersLostMax = 1
const latencyMsMax = 15
const jitterMsMax = 10
/** Of what is overtaken: longer than the packets behind it are away. Milliseconds. */
const heldBackMs = 15

/** One that does no harm. */
export const clean: Network = { latencyMs: latencyMsMax, jitterMs: 0, lossRatio: 0, duplicateRatio: 0, reorderRatio: 0 }

export const draw = (dice: Dice.Dice): Network => ({
  latencyMs: Dice.integer(dice, 1, latencyMsMax),
  jitterMs: Dice.integer(dice, 0, jitterMsMax),
  lossRatio: Dice.pick(dice, [0, 0.05, 0.2, 0.5, 0.9]),
  duplicateRatio: Dice.pick(dice, [0, 0.05, 0.5]),
  reorderRatio: Dice.pick(dice, [0, 0.05, 0.3])
})

/** The network of a case: it draws what it does to each frame, and keeps within the bounds. */
export const make = (dice: Dice.Dice, hop: LegKind.LegKind) => {
  const state = { network: clean, blackout: new Set<LegScene.End>() }
  /** By packet, or by who asks and what for: how often it was lost. */
  const lost = new Map<number | string, number>()
  const inARow = { left: 0, right: 0 }
  const lose = (from: LegScene.End, names: ReadonlyArray<number | string>, lostMax: number): boolean => {
    const isTooMuch = inARow[from] >= inARowMax || names.some((name) => (lost.get(name) ?? 0) >= lostMax)
    if (dice() >= state.network.lossRatio || isTooMuch) {
      inARow[from] = 0
      return false
    }
    inARow[from]++
    for (const name of names) lost.set(name, (lost.get(name) ?? 0) + 1)
    return true
  }
  const isLost = ({ bytes, from, packet }: LegScene.Frame): boolean => {
    if (state.blackout.has(from)) return true
    if (packet >= 0) return lose(from, [packet], copiesLostMax)
    const requests = LegScene.requestsOf(bytes, hop).map((request) => `${from} asks for ${request}`)
    return lose(from, [...requests, `${from} has given ${LegScene.repairSequenceOf(bytes, hop)}`], othersLostMax)
  }
  const latency = (): number => {
    const { jitterMs, latencyMs, reorderRatio } = state.network
    return latencyMs + dice() * jitterMs + (dice() < reorderRatio ? heldBackMs : 0)
  }
  const passage: LegScene.Passage = (frame) => {
    if (isLost(frame)) return []
    return dice() < state.network.duplicateRatio ? [latency(), latency()] : [latency()]
  }
  return { state, passage }
}
