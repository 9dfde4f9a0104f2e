import { Effect, Layer, Random } from "effect"
import { RateLimiter } from "effect/persistence"
import * as GiveUpOrder from "./GiveUpOrder.ts"
import type { Priority } from "./Priority.ts"
import { Refused, spreadMs } from "./Refused.ts"
import * as Throttle from "./Throttle.ts"

export interface Options {
  /** Joins and the like that are let in each second, at most. */
  readonly perSecond: number
  /** Whether all have that together, or each tenant has as much. */
  readonly each: "relay" | "tenant"
  /** Names the limit where several share a store: relays of one region that give it the same name share it. */
  readonly name?: string
}

/** What is given up last may have all of it, what is given up first only this. Share. */
const lowestShare = 0.4
/** Longer than a window. Milliseconds. */
const retryAfterMs = 2000

/**
 * So many a second, counted in the store of the rate limiter: in this process, or in Redis for several relays together. The
 * classes have one budget: the lower a class, the more of it is kept for the classes above. While the store does not answer
 * everybody is let in: a limit that cannot be looked up is no reason to refuse a call.
 */
export const layer = ({ each, name = "tandem", perSecond }: Options) =>
  Layer.effect(
    Throttle.Throttle,
    Effect.gen(function* () {
      if (!(perSecond >= 1 && perSecond < Infinity)) {
        yield* Effect.logWarning(`a limit of ${perSecond} a second cannot be: use 1 or more; nothing is limited`)
        return Throttle.make(() => Effect.void)
      }
      const limiter = yield* RateLimiter.RateLimiter
      const random = yield* Random.Random
      let isStoreAway = false
      /** Once for each time that it goes away: there may be a thousand requests a second. */
      const noteStore = (isAway: boolean) =>
        Effect.suspend(() => {
          const isNews = isAway && !isStoreAway
          isStoreAway = isAway
          return isNews
            ? Effect.logWarning("the store of the rate limit does not answer: everybody is let in")
            : Effect.void
        })
      return Throttle.make(({ priority, tenant }) =>
        limiter
          .consume({
            algorithm: "fixed-window",
            onExceeded: "fail",
            window: "1 second",
            limit: Math.max(1, Math.floor(perSecond * shareOf(priority))),
            key: each === "relay" ? name : `${name} ${tenant}`
          })
          .pipe(
            Effect.andThen(noteStore(false)),
            Effect.catchTag("RateLimiterError", ({ reason }) =>
              reason._tag === "RateLimitExceeded"
                ? Effect.fail(
                    new Refused({ reason: "Limited", retryAfterMs: spreadMs(retryAfterMs, random.nextDoubleUnsafe()) })
                  )
                : noteStore(true)
            )
          )
      )
    })
  )

/** Of the budget, what a class may use. */
const shareOf = (priority: Priority): number => {
  const step = GiveUpOrder.stepOf(priority)
  return step === undefined ? 1 : lowestShare + (1 - lowestShare) * (step / (GiveUpOrder.levelMax - 1))
}
