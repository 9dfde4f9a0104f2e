import * as Samples from "../Samples.ts"
import type * as Topology from "../Topology.ts"
import * as Claim from "./Claim.ts"
import * as EvenLoss from "./EvenLoss.ts"

/**
 * "Half", "80 % less": the median time from noticing a gap to the resend's arrival, at whoever notices, against that over
 * a passive relay.
 */

/** 5 ms of 300, a tick of the timers: what a relay may take until it asks. Percentage points. */
export const tolerance = 2

/** The near relay at 20 % of the way, seen from each end. */
const nearA: Topology.Topology = { kind: "active", delaysMs: [30, 120] }
const nearB: Topology.Topology = { kind: "active", delaysMs: [120, 30] }
const tandem: Topology.Topology = { kind: "tandem", delaysMs: [30, 90, 30] }

/** Where gaps of the passive relay's call are noticed: at the end that the link leads to, or away from. */
type Place = readonly [topology: Topology.Topology, link: Topology.LinkName, end: "a" | "b"]

interface Question {
  readonly claim: string
  readonly expected: number
  /** Both directions of the call. */
  readonly places: readonly [Place, Place]
}

const { equidistant } = EvenLoss

const questions: ReadonlyArray<Question> = [
  {
    claim: "upstream losses are repaired in half the time by an active relay in the middle",
    expected: -50,
    places: [
      [equidistant, "a-up", "b"],
      [equidistant, "b-up", "a"]
    ]
  },
  {
    claim: "downstream losses are repaired in half the time by an active relay in the middle",
    expected: -50,
    places: [
      [equidistant, "a-down", "a"],
      [equidistant, "b-down", "b"]
    ]
  },
  {
    claim: "upstream losses are repaired in 80 % less time by a relay at 20 % of the way",
    expected: -80,
    places: [
      [nearA, "a-up", "b"],
      [nearB, "b-up", "a"]
    ]
  },
  {
    claim: "downstream losses are repaired in 80 % less time by a relay at 20 % of the way",
    expected: -80,
    places: [
      [nearA, "a-down", "a"],
      [nearB, "b-down", "b"]
    ]
  },
  {
    claim: "upstream losses are repaired in 80 % less time by two relays, each at 20 % of the way",
    expected: -80,
    places: [
      [tandem, "a-up", "b"],
      [tandem, "b-up", "a"]
    ]
  },
  {
    claim: "downstream losses are repaired in 80 % less time by two relays, each at 20 % of the way",
    expected: -80,
    places: [
      [tandem, "a-down", "a"],
      [tandem, "b-down", "b"]
    ]
  }
]

export const run = (seeds: ReadonlyArray<string>): ReadonlyArray<Claim.Claim> => {
  const measured = seeds.map((seed) => {
    const calls = EvenLoss.callsOf(seed)
    return questions.map(({ places }) => Claim.mean(places.map((place) => changeAt(calls, place))))
  })
  return questions.map(({ claim, expected }, i) => {
    const estimate = Claim.meanOf(measured.map((row) => row[i]!))
    const holds = Math.abs(estimate.measured - expected) <= tolerance
    return Claim.make(claim, expected, estimate, holds)
  })
}

const changeAt = (calls: EvenLoss.Calls, [topology, link, end]: Place): number => {
  const before = calls(EvenLoss.passive).repairsMs.get(`${end}-down`)!
  const after = calls(topology).repairsMs.get(link)!
  return Claim.changePercent(Samples.quantile(before, 0.5), Samples.quantile(after, 0.5))
}
