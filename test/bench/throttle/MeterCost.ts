import { Effect, Layer } from "effect"
import * as LoadMeter from "../../../src/throttle/LoadMeter.ts"

/** What has to be compiled is compiled by then. Seconds. */
const settleSeconds = 3

/** CPU of this process, which does nothing else meanwhile, while it measures its load. Share of a core. */
export const measure = (seconds: number): Effect.Effect<number> =>
  Effect.gen(function* () {
    yield* Layer.build(LoadMeter.layer({ capacityPerSecond: 10_000 }))
    yield* Effect.sleep(1000 * settleSeconds)
    const before = process.cpuUsage()
    const sinceMs = performance.now()
    yield* Effect.sleep(1000 * seconds)
    const { system, user } = process.cpuUsage(before)
    return (user + system) / 1000 / (performance.now() - sinceMs)
  }).pipe(Effect.scoped)
