import * as BadAccess from "./BadAccess.ts"
import * as Claim from "./Claim.ts"

/**
 * "15 % reduction in video freezes and a 4 % reduction in audio stalls": two relays against one, under every loss model
 * and with either buffer. A claim holds when the change is at least as large, and its interval has no 0 in it.
 */

const measures = [
  { key: "freezes", what: "video freezes", expected: -15 },
  { key: "stalls", what: "audio stalls", expected: -4 }
] as const

/** `durationMs`: of each call. */
export const run = (seeds: ReadonlyArray<string>, durationMs = BadAccess.callMs): ReadonlyArray<Claim.Claim> => {
  const claims: Array<Claim.Claim> = []
  for (const buffer of Object.keys(BadAccess.buffers) as ReadonlyArray<BadAccess.Buffer>) {
    for (const lossModel of Object.keys(BadAccess.lossModels) as ReadonlyArray<BadAccess.LossModelName>) {
      const before = seeds.map((seed) => BadAccess.outcomeOf(seed, BadAccess.one, lossModel, buffer, durationMs))
      const after = seeds.map((seed) => BadAccess.outcomeOf(seed, BadAccess.two, lossModel, buffer, durationMs))
      for (const { expected, key, what } of measures) {
        const estimate = Claim.changeOfSums(before.map((outcome, i) => [outcome[key], after[i]![key]]))
        const perMinute = (outcomes: ReadonlyArray<BadAccess.Outcome>): number =>
          // Of both directions of the call.
          Claim.rounded((Claim.mean(outcomes.map((outcome) => outcome[key])) * 60_000) / durationMs)
        const claim = `${-expected} % fewer ${what} over two relays than over one; ${lossModel}, ${buffer}`
        const holds = estimate.measured <= expected && estimate.ci95[1] < 0
        const made = Claim.make(claim, expected, estimate, holds)
        claims.push({ ...made, perMinute: [perMinute(before), perMinute(after)] })
      }
    }
  }
  return claims
}
