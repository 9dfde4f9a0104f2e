import * as AudioSource from "./AudioSource.ts"
import * as LossProcess from "./LossProcess.ts"
import * as Samples from "./Samples.ts"
import * as Topology from "./Topology.ts"

/**
 * The figures of Meta's article on international calls that this design rests on, measured anew: calls of two, 150 ms from a
 * to b, 2 % of all packets lost on each access link, each by itself. Each seed is one call over each topology, in the same
 * weather.
 */
export interface Claim {
  readonly claim: string
  readonly source: string
  /** Percent, as `measured`: the mean over the seeds. */
  readonly expected: number
  readonly measured: number
  readonly ci95: readonly [number, number]
  /** What was measured lies within `tolerance` of what was expected. */
  readonly holds: boolean
}

const source = "Improving International Calls (Meta, At Scale)"
const callMs = 15_000
const videoBps = 500_000
/** 5 ms of 300, a tick of the timers: what a relay may take until it asks. Percentage points. */
export const tolerance = 2
/** Of the normal distribution, both sides together 5 %. */
const z95 = 1.96

const passive: Topology.Topology = { kind: "passive", delaysMs: [75, 75] }
const equidistant: Topology.Topology = { kind: "active", delaysMs: [75, 75] }
/** The near relay at 20 % of the way, seen from each end. */
const nearA: Topology.Topology = { kind: "active", delaysMs: [30, 120] }
const nearB: Topology.Topology = { kind: "active", delaysMs: [120, 30] }
const tandem: Topology.Topology = { kind: "tandem", delaysMs: [30, 90, 30] }
/** Access legs of 30 % of the way. */
const wide: Topology.Topology = { kind: "tandem", delaysMs: [45, 60, 45] }

/** All calls of one seed, each made once. */
type Calls = (topology: Topology.Topology) => Topology.Call

const callsOf = (seed: string): Calls => {
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

interface Question {
  readonly claim: string
  readonly expected: number
  /** Of one seed. Percent. */
  readonly measure: (calls: Calls) => number
}

/** Where gaps of the passive relay's call are noticed: at the end that the link leads to, or away from. */
type Place = readonly [topology: Topology.Topology, link: Topology.LinkName, end: "a" | "b"]

/** Median time from noticing a gap to the resend's arrival, at whoever notices; against that over the passive relay. */
const repair = (claim: string, expected: number, places: ReadonlyArray<Place>): Question => ({
  claim,
  expected,
  measure: (calls) =>
    mean(
      places.map(([topology, link, end]) => {
        const before = calls(passive).repairsMs.get(`${end}-down`)!
        return changePercent(Samples.quantile(before, 0.5), Samples.quantile(calls(topology).repairsMs.get(link)!, 0.5))
      })
    )
})

const feedback: Question = {
  claim: "feedback comes back in 40 % less time over two relays, each at 30 % of the way, than over one in the middle",
  expected: -40,
  measure: (calls) =>
    mean(
      (["a", "b"] as const).map((end) => {
        const [before, after] = [equidistant, wide].map((topology) => calls(topology)[end].leg.roundTrip.smoothedMs!)
        return changePercent(before!, after!)
      })
    )
}

const questions: ReadonlyArray<Question> = [
  repair("upstream losses are repaired in half the time by an active relay in the middle", -50, [
    [equidistant, "a-up", "b"],
    [equidistant, "b-up", "a"]
  ]),
  repair("downstream losses are repaired in half the time by an active relay in the middle", -50, [
    [equidistant, "a-down", "a"],
    [equidistant, "b-down", "b"]
  ]),
  repair("upstream losses are repaired in 80 % less time by a relay at 20 % of the way", -80, [
    [nearA, "a-up", "b"],
    [nearB, "b-up", "a"]
  ]),
  repair("downstream losses are repaired in 80 % less time by a relay at 20 % of the way", -80, [
    [nearA, "a-down", "a"],
    [nearB, "b-down", "b"]
  ]),
  repair("upstream losses are repaired in 80 % less time by two relays, each at 20 % of the way", -80, [
    [tandem, "a-up", "b"],
    [tandem, "b-up", "a"]
  ]),
  repair("downstream losses are repaired in 80 % less time by two relays, each at 20 % of the way", -80, [
    [tandem, "a-down", "a"],
    [tandem, "b-down", "b"]
  ]),
  feedback
]

/** At least two seeds: one tells nothing of how much they differ. */
export const run = (seeds: ReadonlyArray<string>): ReadonlyArray<Claim> => {
  const measured = seeds.map((seed) => {
    const calls = callsOf(seed)
    return questions.map(({ measure }) => measure(calls))
  })
  return questions.map(({ claim, expected }, i) => {
    const values = measured.map((row) => row[i]!)
    const middle = mean(values)
    const variance = values.reduce((sum, value) => sum + (value - middle) ** 2, 0) / (values.length - 1)
    const margin = z95 * Math.sqrt(variance / values.length)
    const ci95 = [rounded(middle - margin), rounded(middle + margin)] as const
    return { claim, source, expected, measured: rounded(middle), ci95, holds: Math.abs(middle - expected) <= tolerance }
  })
}

const changePercent = (before: number, after: number): number => (100 * after) / before - 100

const mean = (values: ReadonlyArray<number>): number => values.reduce((sum, value) => sum + value, 0) / values.length

const rounded = (value: number): number => Math.round(value * 100) / 100
