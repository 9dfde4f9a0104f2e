import * as AudioSource from "../AudioSource.ts"
import * as LossProcess from "../LossProcess.ts"
import * as Topology from "../Topology.ts"

/**
 * The scenario of repair and feedback times: calls of two, 150 ms from a to b, 2 % of all packets lost on each access link,
 * each by itself. Nothing but resends repairs: their times are what is measured. Each seed is one call over each topology, with
 * the same losses.
 */

const callMs = 15_000
const videoBps = 500_000

export const passive: Topology.Topology = { kind: "passive", delaysMs: [75, 75] }
export const equidistant: Topology.Topology = { kind: "active", delaysMs: [75, 75] }
/** Access legs of 30 % of the way. */
export const wide: Topology.Topology = { kind: "tandem", delaysMs: [45, 60, 45] }

/** All calls of one seed, each made once. */
export type Calls = (topology: Topology.Topology) => Topology.Call

export const callsOf = (seed: string): Calls => {
  const made = new Map<Topology.Topology, Topology.Call>()
  return (topology) => {
    const call = made.get(topology) ?? callOf(seed, topology)
    made.set(topology, call)
    return call
  }
}

const callOf = (seed: string, topology: Topology.Topology): Topology.Call => {
  const access = { loss: LossProcess.named.random2 }
  const call = Topology.make({ seed, topology, access, audio: AudioSource.continuous, videoBps, protects: false })
  Topology.runUntil(call, callMs)
  return call
}
