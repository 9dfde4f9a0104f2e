import * as Claim from "./Claim.ts"
import * as EvenLoss from "./EvenLoss.ts"
import { tolerance } from "./RepairTime.ts"

/** "About 40 %": each device's smoothed round trip on its hop, over two relays, against one relay in the middle. */
const claim =
  "feedback comes back in 40 % less time over two relays, each at 30 % of the way, than over one in the middle"
const expected = -40

export const run = (seeds: ReadonlyArray<string>): ReadonlyArray<Claim.Claim> => {
  const estimate = Claim.meanOf(seeds.map(changeOf))
  const holds = Math.abs(estimate.measured - expected) <= tolerance
  return [Claim.make(claim, expected, estimate, holds)]
}

const changeOf = (seed: string): number => {
  const calls = EvenLoss.callsOf(seed)
  const [before, after] = [calls(EvenLoss.equidistant), calls(EvenLoss.wide)]
  const change = (end: "a" | "b") =>
    Claim.changePercent(before[end].leg.roundTrip.smoothedMs!, after[end].leg.roundTrip.smoothedMs!)
  return Claim.mean([change("a"), change("b")])
}
