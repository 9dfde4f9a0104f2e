import * as BadAccess from "./BadAccess.ts"
import * as Claim from "./Claim.ts"

/**
 * "Cross-relay routing does not improve metrics on all routes": where the two relays are joined through a third region,
 * what is said is heard later than over one relay. The article has no figure: it holds when the whole interval is above 0.
 */

const buffer = "a delay that adapts"

/** `durationMs`: of each call. */
export const run = (seeds: ReadonlyArray<string>, durationMs = BadAccess.callMs): ReadonlyArray<Claim.Claim> =>
  (Object.keys(BadAccess.lossModels) as ReadonlyArray<BadAccess.LossModelName>).map((lossModel) => {
    const estimate = Claim.meanOf(
      seeds.map((seed) => {
        const [before, after] = [BadAccess.one, BadAccess.detour].map((topology) =>
          BadAccess.outcomeOf(seed, topology, lossModel, buffer, durationMs)
        )
        return Claim.changePercent(before!.mouthToEarMs, after!.mouthToEarMs)
      })
    )
    const claim = `over two relays that are joined through a third region, all is heard later than over one; ${lossModel}`
    return Claim.make(claim, 0, estimate, estimate.ci95[0] > 0)
  })
