import * as Feedback from "../protocol/Feedback.ts"
import * as SequenceNumber from "../protocol/SequenceNumber.ts"

/**
 * Requests for key frames that are on their way: which datagram of a leg carries each, until the other side has told whether
 * that has arrived. `Asked` says what was asked for. Owned by exactly one leg and changed in place.
 */
export interface KeyFrameAsks<Asked> {
  /** The oldest first. */
  readonly underWay: Array<Ask<Asked>>
}

export interface Ask<Asked> {
  readonly hopSequence: number
  readonly asked: Asked
  /** Whether a report says that it is lost. If not, the report that spoke of it was lost itself. */
  isReported: boolean
}

/** No more than this are remembered of a leg whose other side never reports. */
export const underWayMax = 64

export const make = <Asked>(): KeyFrameAsks<Asked> => ({ underWay: [] })

/** The leg is idle: nobody will tell any more. */
export const clear = <Asked>({ underWay }: KeyFrameAsks<Asked>): void => {
  underWay.length = 0
}

/** It is being sent in this datagram. */
export const handleSent = <Asked>({ underWay }: KeyFrameAsks<Asked>, hopSequence: number, asked: Asked): void => {
  if (underWay.length === underWayMax) underWay.shift()
  underWay.push({ hopSequence, asked, isReported: false })
}

/**
 * The next request that has not arrived, or of which that will never be known, by what the other side reports; `undefined`: no
 * more of them. `shift`: of the leg's numbers, as in LegKind.
 */
export const takeLost = <Asked>(
  { underWay }: KeyFrameAsks<Asked>,
  { arrivalCount, arrivalTicks, baseHopSequence }: Feedback.Feedback,
  shift: number
): Ask<Asked> | undefined => {
  // A report of one call on a trunk tells of no arrivals, and has no numbers.
  if (arrivalCount === 0) return undefined
  for (let ask = underWay[0]; ask !== undefined; ask = underWay[0]) {
    const at = SequenceNumber.distance(baseHopSequence, ask.hopSequence, shift)
    if (at >= arrivalCount) return undefined
    underWay.shift()
    ask.isReported = at >= 0
    if (at < 0 || arrivalTicks[at] === Feedback.notReceived) return ask
  }
  return undefined
}
