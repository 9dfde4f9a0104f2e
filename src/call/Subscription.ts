import { Result } from "effect"
import * as Attribute from "../protocol/SubscriptionAttribute.ts"
import { participantsMax } from "./CallState.ts"

/**
 * What a participant wants to see, as a call's actor weighs it: at most `entriesMax` entries, each SSRC once, the most
 * wanted first. SSRCs that nobody sends stay in it: somebody may come with them.
 */
export type Subscription = Attribute.Subscription
export const entriesMax = Attribute.entriesMax

/** Before a device has said anything. Older than whatever it says. */
export const unspoken: Subscription = { version: 0, wanted: "everything" }

/** How much a stream is worth by where it is shown, if all else is equal. */
export const weights: Readonly<Record<Attribute.Place, number>> = { "on-stage": 4, grid: 1, "off-screen": 0.25 }

export interface TooManyEntries {
  readonly _tag: "TooManyEntries"
  readonly message: string
}

/** What a device has said. Of an SSRC that is there twice the first entry counts. */
export const make = ({ version, wanted }: Attribute.Subscription): Result.Result<Subscription, TooManyEntries> => {
  if (wanted === "everything") return Result.succeed({ version, wanted })
  if (wanted.length > entriesMax) {
    const message = `a subscription has at most ${entriesMax} entries, not ${wanted.length}: leave the last ones out`
    return Result.fail({ _tag: "TooManyEntries", message })
  }
  const bySsrc = new Map<number, Attribute.SubscriptionEntry>()
  for (const entry of wanted) if (!bySsrc.has(entry.ssrc)) bySsrc.set(entry.ssrc, entry)
  return Result.succeed({ version, wanted: [...bySsrc.values()] })
}

/** The one of two that counts. What is said again changes nothing, even if it is not the same. */
export const newer = (known: Subscription, said: Subscription): Subscription =>
  said.version > known.version ? said : known

/** Whether a stream is wanted now that was not before. */
export const wantsMore = (before: Subscription, { wanted }: Subscription): boolean =>
  before.wanted !== "everything" &&
  (wanted === "everything" || wanted.some(({ ssrc }) => find(before, ssrc) === undefined))

/** How a stream is wanted. */
export interface Wish {
  readonly place: Attribute.Place
  /** 0: not known. */
  readonly heightPx: number
  /** 0 is what is wanted most. */
  readonly rank: number
}

/** Who wants everything prefers nothing. */
const likeAllOthers: Wish = { place: "grid", heightPx: 0, rank: 0 }

/** `undefined`: the stream is not wanted. */
export const find = ({ wanted }: Subscription, ssrc: number): Wish | undefined => {
  if (wanted === "everything") return likeAllOthers
  const rank = wanted.findIndex((entry) => entry.ssrc === ssrc)
  if (rank < 0) return undefined
  const { heightPx, place } = wanted[rank]!
  return { place, heightPx, rank }
}

/** Whose it is: the relay's tag of the leg. */
export interface LegSubscription {
  readonly legTag: number
  readonly subscription: Subscription
}

/** Of one report: a call has no more legs at one relay, but for those that are about to go. */
export const legsMax = 2 * participantsMax
const formatVersion = 1
const legTagBytes = 4

export interface MalformedSubscriptions {
  readonly _tag: "MalformedSubscriptions"
}
const malformed: Result.Result<never, MalformedSubscriptions> = Result.fail({ _tag: "MalformedSubscriptions" })

/**
 * In bytes, as they travel between nodes: the version of this format in one byte, then one after another, each a leg tag of
 * 4 bytes and the value of SUBSCRIPTION, 8 bytes and 8 for each entry. No more than `legsMax`: the rest is left out.
 */
export const encode = (subscriptions: ReadonlyArray<LegSubscription>): Uint8Array => {
  const legs = subscriptions.slice(0, legsMax)
  const bytes = legs.reduce((sum, { subscription }) => sum + legTagBytes + Attribute.bytesOf(subscription), 1)
  const view = new DataView(new ArrayBuffer(bytes))
  view.setUint8(0, formatVersion)
  let at = 1
  for (const { legTag, subscription } of legs) {
    view.setUint32(at, legTag)
    Attribute.write(view, at + legTagBytes, subscription)
    at += legTagBytes + Attribute.bytesOf(subscription)
  }
  return new Uint8Array(view.buffer)
}

export const decode = (bytes: Uint8Array): Result.Result<ReadonlyArray<LegSubscription>, MalformedSubscriptions> => {
  if (bytes[0] !== formatVersion) return malformed
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const subscriptions: Array<LegSubscription> = []
  for (let at = 1; at < bytes.length;) {
    const said = Attribute.read(view, at + legTagBytes)
    if (said === undefined || subscriptions.length === legsMax) return malformed
    const subscription = make(said)
    if (Result.isFailure(subscription)) return malformed
    subscriptions.push({ legTag: view.getUint32(at), subscription: subscription.success })
    at += legTagBytes + Attribute.bytesOf(said)
  }
  return Result.succeed(subscriptions)
}
