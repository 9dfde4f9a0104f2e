import * as Rendezvous from "./Rendezvous.ts"

/** What a relay has to do. */
export interface Load {
  readonly participants: number
}

/** Loads that are closer than this are the same: what is known of others is seconds old. Participants, and share of the higher. */
const differenceMin = 8
const differenceRatioMin = 0.2

/** Whether the first has clearly less to do than the second. */
const isClearlyBelow = (a: Load, b: Load): boolean =>
  b.participants - a.participants >= Math.max(differenceMin, differenceRatioMin * b.participants)

/**
 * The relay that should take a new call in place of this one; none while no other has clearly less to do. Of several that
 * have the least, whose turn it is follows from the call: so its participants come to the same, whoever they have asked.
 */
export const better = <A extends Load>(
  call: string,
  self: Load,
  others: ReadonlyArray<A>,
  idOf: (other: A) => string
): A | undefined => {
  const lower = others.filter((other) => isClearlyBelow(other, self))
  const lowest = lower.filter((other) => !lower.some((another) => isClearlyBelow(another, other)))
  return Rendezvous.order(call, lowest, idOf)[0]
}
