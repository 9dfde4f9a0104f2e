import * as Rendezvous from "./Rendezvous.ts"

/** What a relay has to do. */
export interface Load {
  readonly participants: number
  /** How much is used of what it can do: 0 to 1, and more; `undefined` or NaN: it does not know. */
  readonly fullness?: number | undefined
}

/** Loads that are closer than this are the same: what is known of others is seconds old. Participants, and share of the higher. */
const differenceMin = 8
const differenceRatioMin = 0.2
/** Of two relays of which one is so full, that counts and not how many they serve; and then by so much. Share. */
const fullFrom = 0.65
const fullnessDifferenceMin = 0.15
/** A relay that is fuller has begun to refuse. Share. */
const roomBelow = 0.76

/** Whether the relay should be sent anybody new; of one that does not know it is believed. */
export const hasRoom = ({ fullness }: Pick<Load, "fullness">): boolean => !(known(fullness) >= roomBelow)

const known = (fullness: number | undefined): number => fullness ?? NaN

/** Whether the first has clearly less to do than the second. */
const isClearlyBelow = (a: Load, b: Load): boolean => {
  const [of1, of2] = [known(a.fullness), known(b.fullness)]
  return Math.max(of1, of2) >= fullFrom
    ? of2 - of1 >= fullnessDifferenceMin
    : b.participants - a.participants >= Math.max(differenceMin, differenceRatioMin * b.participants)
}

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
  const lower = others.filter((other) => hasRoom(other) && isClearlyBelow(other, self))
  const lowest = lower.filter((other) => !lower.some((another) => isClearlyBelow(another, other)))
  return Rendezvous.order(call, lowest, idOf)[0]
}
