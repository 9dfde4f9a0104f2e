import { Schema } from "effect"

const Count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))

/**
 * How far a call has come. Every change makes the number grow by one; every new owner raises the owner epoch before it
 * changes anything, so what an owner of the past still says is seen to be old, however far it counts.
 */
export class CallVersion extends Schema.Class<CallVersion>("tandem/call/CallVersion")({
  ownerEpoch: Count,
  number: Count
}) {}

/** Before the first change: nothing is stored. */
export const none = new CallVersion({ ownerEpoch: 0, number: 0 })

/** A total order: the owner epoch decides, then the number. */
export const isNewer = (version: CallVersion, than: CallVersion): boolean =>
  version.ownerEpoch === than.ownerEpoch ? version.number > than.number : version.ownerEpoch > than.ownerEpoch

export const equals = (version: CallVersion, other: CallVersion): boolean =>
  version.ownerEpoch === other.ownerEpoch && version.number === other.number

/** The version of the next change by the same owner. */
export const next = ({ ownerEpoch, number }: CallVersion): CallVersion =>
  new CallVersion({ ownerEpoch, number: number + 1 })

/**
 * The version with which a new owner begins. Time is in the epoch because a call that has ended leaves nothing in the
 * store: if it is called into life again, it must not count from one under the eyes of relays that remember it. Unix ms.
 */
export const takenOver = ({ ownerEpoch, number }: CallVersion, nowMs: number): CallVersion =>
  new CallVersion({ ownerEpoch: Math.max(ownerEpoch + 1, nowMs), number: number + 1 })
