/** What became of the datagrams that the relay has pulled, by reason. Only the pipeline counts. */
export interface PacketCounters {
  mediaIn: number
  mediaInBytes: number
  mediaOut: number
  repairedIn: number
  /** Packets that repair packets have given back. They are in `mediaIn` too. */
  recoveredIn: number
  /** Given back as well, but there already, or of nobody. */
  recoveredUseless: number
  /** Repair packets. */
  repairsIn: number
  repairsOut: number
  resent: number
  resendsRefused: number
  /** Video that waited for its turn on a leg, and was given up. */
  withheld: number
  /** Packets of frames that no other is built on, left out on one leg. */
  layerDropped: number
  feedbackIn: number
  paddingIn: number
  controlIn: number
  /** Datagrams of devices that other relays have handed over to this one, and this one to others. */
  handoversIn: number
  handoversOut: number
  readonly dropped: Record<DropReason, number>
}

/** Why a datagram went no further. */
export const dropReasons = [
  /** First byte is of no protocol spoken here. */
  "notOurs",
  "tooShort",
  /** Frame types that this relay does not handle. */
  "unsupportedType",
  /** Some of these are handed over to another relay, or kept until their session has been restored. */
  "unknownLegTag",
  /** A right tag from another address: it moves only by an authenticated message. */
  "wrongAddress",
  "wrongEpoch",
  "duplicate",
  "tooOld",
  "malformedRtp",
  "malformedFeedback",
  "malformedRepair",
  /** An SSRC that its sender has not declared. */
  "undeclaredStream",
  /** Video that came faster than the relay could have handled it: so that audio still gets through. */
  "overload",
  "controlQueueFull"
] as const
export type DropReason = (typeof dropReasons)[number]

export const make = (): PacketCounters => ({
  mediaIn: 0,
  mediaInBytes: 0,
  mediaOut: 0,
  repairedIn: 0,
  recoveredIn: 0,
  recoveredUseless: 0,
  repairsIn: 0,
  repairsOut: 0,
  resent: 0,
  resendsRefused: 0,
  withheld: 0,
  layerDropped: 0,
  feedbackIn: 0,
  paddingIn: 0,
  controlIn: 0,
  handoversIn: 0,
  handoversOut: 0,
  dropped: Object.fromEntries(dropReasons.map((reason) => [reason, 0])) as Record<DropReason, number>
})
