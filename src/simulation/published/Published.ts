import type { Claim } from "./Claim.ts"
import * as FeedbackTime from "./FeedbackTime.ts"
import * as FreezesAndStalls from "./FreezesAndStalls.ts"
import * as RepairTime from "./RepairTime.ts"
import * as ThirdRegion from "./ThirdRegion.ts"

/** Published figures, measured anew: each family has its scenario, its tolerance and its source in its file. */
export interface Family {
  readonly name: string
  readonly title: string
  /** One call for each topology and seed; at least two seeds. */
  readonly run: (seeds: ReadonlyArray<string>) => ReadonlyArray<Claim>
}

export const families: ReadonlyArray<Family> = [
  { name: "published-repair", title: "how soon losses are repaired over one relay and over two", run: RepairTime.run },
  { name: "published-feedback", title: "how soon feedback comes back over two relays", run: FeedbackTime.run },
  {
    name: "published-freezes",
    title: "freezes and stalls over two relays against one, under every loss model",
    run: (seeds) => FreezesAndStalls.run(seeds)
  },
  {
    name: "published-detour",
    title: "two relays joined through a third region",
    run: (seeds) => ThirdRegion.run(seeds)
  }
]

/** All families of this name, of which `published` is short for all. */
export const byName = (name: string): ReadonlyArray<Family> =>
  name === "published" ? families : families.filter((family) => family.name === name)
