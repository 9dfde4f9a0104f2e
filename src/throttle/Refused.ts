import { Schema } from "effect"

/** The relay does not take this on now: try it again after a while, or try another relay. */
export class Refused extends Schema.TaggedError<Refused>()("Refused", {
  retryAfterMs: Schema.Int.check(Schema.isGreaterThan(0)),
  reason: Schema.Literals(["Overloaded", "Limited", "Draining"])
}) {
  override get message(): string {
    return `${whys[this.reason]}: try another, or this one in ${Math.ceil(this.retryAfterMs / 1000)} s`
  }
}

const whys = {
  Overloaded: "the relay is busy",
  Limited: "the relay takes no more of these for now",
  Draining: "the relay is stopping"
} as const

/**
 * The time to come back at, spread over half of it before and behind, so that those who are refused together do not come back
 * together. `random`: 0 to 1. Milliseconds.
 */
export const spreadMs = (retryAfterMs: number, random: number): number =>
  Math.max(1, Math.round(retryAfterMs * (0.5 + random)))
