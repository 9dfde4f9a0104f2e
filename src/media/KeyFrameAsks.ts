import * as Feedback from "../protocol/Feedback.ts"
import * as SequenceNumber from "../protocol/SequenceNumber.ts"
import * as KeyFrameRequest from "./KeyFrameRequest.ts"
import type * as LegKind from "./LegKind.ts"

/**
 * Key frame requests that are on their way: which datagram of a leg carries each, until the other side has told whether that has
 * arrived. Owned by exactly one leg and changed in place.
 */
export interface KeyFrameAsks {
  readonly kind: LegKind.LegKind
  /** The oldest first. */
  readonly underWay: Array<Ask>
}

export interface Ask {
  readonly request: KeyFrameRequest.KeyFrameRequest
  /** Leg tag of the frame: on a trunk it says of which call the stream is. */
  readonly tag: number
  readonly hopSequence: number
  /** When it was sent: the same request may have been asked again since. Milliseconds. */
  readonly askedAtMs: number
}

/** Nobody tells of what is so far behind any more, and half of all numbers further it would seem to be ahead. */
const behindMax = 1 << 14

export const make = (kind: LegKind.LegKind): KeyFrameAsks => ({ kind, underWay: [] })

/** Who never reports does not have us remember all of them. */
export const handleSent = ({ kind, underWay }: KeyFrameAsks, ask: Ask): void => {
  const isTooOld = ({ hopSequence }: Ask) =>
    SequenceNumber.distance(hopSequence, ask.hopSequence, kind.shift) > behindMax
  while (underWay.length === kind.asksMax || (underWay.length > 0 && isTooOld(underWay[0]!))) underWay.shift()
  underWay.push(ask)
}

/** The leg is idle: nobody will tell any more. */
export const release = ({ underWay }: KeyFrameAsks): void => {
  underWay.length = 0
}

/** Takes in what the other side has received. Requests that have been lost are to be asked again, and appended to `lost`. */
export const handleReport = (
  { kind, underWay }: KeyFrameAsks,
  { arrivalCount, arrivalTicks, baseHopSequence }: Feedback.Feedback,
  lost: Array<Ask>
): void => {
  // A report of one call on a trunk tells of no arrivals, and has no numbers.
  if (arrivalCount === 0) return
  while (underWay.length > 0) {
    const ask = underWay[0]!
    const at = SequenceNumber.distance(baseHopSequence, ask.hopSequence, kind.shift)
    if (at >= arrivalCount) return
    underWay.shift()
    if (at >= 0 && arrivalTicks[at] !== Feedback.notReceived) continue
    // Of one before the base nobody tells any more: most likely the report that did was lost.
    KeyFrameRequest.handleLost(ask.request, ask.askedAtMs, at >= 0)
    lost.push(ask)
  }
}
