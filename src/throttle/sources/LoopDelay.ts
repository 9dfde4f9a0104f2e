import { Context, Effect, Layer } from "effect"
import { monitorEventLoopDelay } from "node:perf_hooks"

/** How late the timers of the event loop were on average since it was asked last. Milliseconds; `undefined`: none was due. */
export class LoopDelay extends Context.Service<LoopDelay, { readonly read: () => number | undefined }>()(
  "tandem/throttle/sources/LoopDelay"
) {
  static readonly layer = Layer.effect(
    LoopDelay,
    Effect.gen(function* () {
      const histogram = yield* Effect.acquireRelease(
        Effect.sync(() => {
          const histogram = monitorEventLoopDelay({ resolution: resolutionMs })
          histogram.enable()
          return histogram
        }),
        (histogram) => Effect.sync(() => histogram.disable())
      )
      return {
        read: () => {
          if (histogram.count === 0) return undefined
          const intervalMs = histogram.mean / 1_000_000
          histogram.reset()
          return Math.max(0, intervalMs - resolutionMs)
        }
      }
    })
  )
}

/** A timer is set so often, each time a wakeup of the process; the histogram is of what lies between two. Milliseconds. */
const resolutionMs = 50
