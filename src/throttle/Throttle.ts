import { Context, Effect, Exit, Layer, Metric, Schema } from "effect"
import type { Priority } from "./Priority.ts"

/** The relay does not take this on now: try it again after a while, or try another relay. */
export class Refused extends Schema.TaggedError<Refused>()("Refused", {
  retryAfterMs: Schema.Int.check(Schema.isGreaterThan(0)),
  reason: Schema.Literals(["Overloaded", "Draining"])
}) {
  override get message(): string {
    const why = this.reason === "Draining" ? "the relay is stopping" : "the relay is busy"
    return `${why}: try another, or this one in ${Math.ceil(this.retryAfterMs / 1000)} s`
  }
}

/** What was let in, by priority. */
export const admissions = Metric.counter("tandem_admissions_total", {
  description: "What the throttle has let in",
  incremental: true
})

/** What was refused, by priority. */
export const refusals = Metric.counter("tandem_refusals_total", {
  description: "What the throttle has refused",
  incremental: true
})

/**
 * Decides what a relay takes on. Asked once for every join, resume and the like, never for a packet. At one load, what
 * is refused at a priority is refused at every lower one; the media of ongoing calls is always let in.
 */
export class Throttle extends Context.Service<
  Throttle,
  {
    readonly admit: (priority: Priority) => Effect.Effect<void, Refused>
  }
>()("tandem/throttle/Throttle") {}

/** A throttle that decides so, and counts every decision. */
export const make = (decide: (priority: Priority) => Effect.Effect<void, Refused>): Throttle["Service"] => ({
  admit: (priority) =>
    Effect.onExit(decide(priority), (exit) =>
      Metric.update(Metric.withAttributes(Exit.isSuccess(exit) ? admissions : refusals, { priority }), 1)
    )
})

/** Lets everything in. */
export const layerOpen = Layer.succeed(
  Throttle,
  make(() => Effect.void)
)
