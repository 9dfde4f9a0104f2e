import { Context, Layer } from "effect"

/**
 * How late the timers of the event loop are, as seen by the meter's own: one more would wake the process for this alone.
 * Milliseconds; `undefined`: it cannot be told. A machine that has stood still is late once, and no more than a turn of the meter.
 */
export class LoopDelay extends Context.Service<
  LoopDelay,
  { readonly read: (askedMs: number, sleptMs: number) => number | undefined }
>()("tandem/throttle/sources/LoopDelay") {
  static readonly layer = Layer.succeed(LoopDelay, {
    read: (askedMs, sleptMs) => Math.min(askedMs, Math.max(0, sleptMs - askedMs))
  })
}
