/**
 * The relay does not take this on now: try it again after a while, or try another relay. No Error: a relay under load makes a
 * thousand a second, and a stack would cost more than all the rest of them.
 */
export class Refused {
  readonly _tag = "Refused"
  readonly retryAfterMs: number
  readonly reason: keyof typeof whys

  /** `retryAfterMs`: more than 0. */
  constructor({ reason, retryAfterMs }: { readonly retryAfterMs: number; readonly reason: keyof typeof whys }) {
    this.retryAfterMs = Math.max(1, Math.ceil(retryAfterMs) || 1)
    this.reason = reason
  }

  get message(): string {
    return `${whys[this.reason]}: try another, or this one in ${Math.ceil(this.retryAfterMs / 1000)} s`
  }
}

const whys = {
  Overloaded: "the relay is busy",
  Limited: "the relay takes no more of these for now",
  Draining: "the relay is stopping"
} as const

/** When nobody new is let in, and at first. Milliseconds. */
const retryAfterMsMax = 20_000
const retryAfterMsMin = 2000

/** After which time to come back to a relay that gives up this share of all that it can give up. Milliseconds. */
export const retryAfterMsAt = (share: number): number => retryAfterMsMin + (retryAfterMsMax - retryAfterMsMin) * share

/**
 * The time to come back at, spread over half of it before and behind, so that those who are refused together do not come back
 * together. `random`: 0 to 1. Milliseconds.
 */
export const spreadMs = (retryAfterMs: number, random: number): number =>
  Math.max(1, Math.round(retryAfterMs * (0.5 + random)))
