import {
  entriesMax,
  places,
  type Subscription,
  type SubscriptionEntry,
  type Wanted
} from "../../protocol/SubscriptionAttribute.ts"
import type { Session } from "./Session.ts"

/**
 * What the application wants to see, and whether the relay knows. Each relay is asked anew, for it does not know what another
 * was told. Changed in place; reads no clock, sends nothing.
 */
export interface SubscriptionWish {
  /** `undefined`: the application has said nothing, and wants everything. */
  wish: Subscription | undefined
  /** In which the relay has the wish, or has refused it. */
  settledIn: Session | undefined
  /** In which it has been asked last. */
  askedIn: Session | undefined
  /** How often in that session, for this wish. */
  asked: number
  lastAskedAtMs: number
  /** A busy relay has refused it, and is asked again then. */
  refusedUntilMs: number
}

/** The relay is asked again after so long, and half as long again each time, as it repeats its directives. Milliseconds. */
const askAgainAfterMs = 200
const askAgainFactor = 1.5
export const askAgainAfterMsMax = 5000
/** A user who looks through a list changes his wish often: the last of so long is enough. Milliseconds. */
const askEveryMsMin = 50

export const make = (): SubscriptionWish => ({
  wish: undefined,
  settledIn: undefined,
  askedIn: undefined,
  asked: 0,
  lastAskedAtMs: -Infinity,
  refusedUntilMs: -Infinity
})

/** An entry that cannot be, and more than a relay takes, are mistakes of the caller: defects. */
export const handleWish = (self: SubscriptionWish, wanted: Wanted): void => {
  if (wanted !== "everything") {
    if (wanted.length > entriesMax) {
      throw new RangeError(`a subscription has at most ${entriesMax} entries, not ${wanted.length}: name fewer`)
    }
    wanted.forEach(check)
  }
  const version = (self.wish?.version ?? 0) + 1
  self.wish = { version, wanted: wanted === "everything" ? wanted : wanted.map((entry) => ({ ...entry })) }
  askAtOnce(self)
}

/** What the relay of this session is to be asked now, if anything. Counts as asked. */
export const poll = (self: SubscriptionWish, session: Session, nowMs: number): Subscription | undefined => {
  const { wish } = self
  if (wish === undefined || self.settledIn === session) return undefined
  const isAnotherRelay = self.askedIn !== undefined && self.askedIn !== session
  if (isAnotherRelay) self.asked = 0
  else if (nowMs - self.lastAskedAtMs < waitMs(self) || nowMs < self.refusedUntilMs) return undefined
  self.askedIn = session
  self.asked++
  self.lastAskedAtMs = nowMs
  return wish
}

const waitMs = ({ asked }: SubscriptionWish): number =>
  asked === 0 ? askEveryMsMin : Math.min(askAgainAfterMsMax, askAgainAfterMs * askAgainFactor ** (asked - 1))

/** The relay has answered for good to what it was asked. */
export const handleAnswer = (self: SubscriptionWish, session: Session, asked: Subscription): void => {
  if (self.wish === asked) self.settledIn = session
}

/** The relay is too busy for it, and says when to ask again. Another wish may be less, and is asked for at once. */
export const handleBusy = (self: SubscriptionWish, asked: Subscription, retryAfterMs: number, nowMs: number): void => {
  if (self.wish === asked) self.refusedUntilMs = nowMs + retryAfterMs
}

/** The relay says which version it has; one that has forgotten it is told again. */
export const handleVersion = (self: SubscriptionWish, session: Session, version: number | undefined): void => {
  if (self.wish === undefined || self.settledIn !== session || (version ?? 0) >= self.wish.version) return
  askAtOnce(self)
}

const askAtOnce = (self: SubscriptionWish): void => {
  self.settledIn = undefined
  self.askedIn = undefined
  self.asked = 0
  self.refusedUntilMs = -Infinity
}

const check = ({ heightPx, place, ssrc }: SubscriptionEntry): void => {
  if (!isWithin(ssrc, 0xffffffff)) throw new RangeError(`an SSRC is 0..4294967295, not ${ssrc}`)
  if (!isWithin(heightPx, 0xffff)) throw new RangeError(`a height is 0..65535 pixels, 0 if not known, not ${heightPx}`)
  if (!places.includes(place)) throw new RangeError(`a place is one of ${places.join(", ")}, not ${String(place)}`)
}

const isWithin = (value: number, max: number): boolean => Number.isInteger(value) && value >= 0 && value <= max
