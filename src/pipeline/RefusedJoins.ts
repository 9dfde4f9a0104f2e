import * as PackedAddress from "../sockets/PackedAddress.ts"

/**
 * Who was refused for load and may not ask again yet, by address. The same request gets the same answer; any other one before
 * its time gets the cookie step and no more, whatever it says: that costs a fraction. Bounded, the oldest are forgotten first.
 */
export interface RefusedJoins {
  readonly byAddress: Map<string | number, Refusal>
  /** Whose refusals they are, in a ring: to look for a Map's oldest entry takes the longer the more were deleted before it. */
  readonly ring: Array<string | number>
  /** Where the next one goes, in place of the oldest. */
  next: number
}

interface Refusal {
  readonly transactionId: Uint8Array
  readonly answer: Uint8Array
  readonly untilMs: number
  /** In the ring. */
  readonly place: number
}

/** What a relay that refuses a thousand a second has told in the last seconds. */
const refusalsMax = 8192

export const make = (): RefusedJoins => ({ byAddress: new Map(), ring: [], next: 0 })

export const add = (
  self: RefusedJoins,
  address: Uint32Array,
  transactionId: Uint8Array,
  answer: Uint8Array,
  untilMs: number
): void => {
  const { byAddress, next: place, ring } = self
  const oldest = ring[place]
  // Who was refused again since then has a later place.
  if (oldest !== undefined && byAddress.get(oldest)?.place === place) byAddress.delete(oldest)
  const key = PackedAddress.key(address)
  ring[place] = key
  byAddress.set(key, { transactionId, answer, untilMs, place })
  self.next = (place + 1) % refusalsMax
}

/** The answer to a request that is repeated; "too early"; `undefined`: it may ask. */
export const find = (
  { byAddress }: RefusedJoins,
  address: Uint32Array,
  transactionId: Uint8Array,
  nowMs: number
): Uint8Array | "too early" | undefined => {
  if (byAddress.size === 0) return undefined
  const key = PackedAddress.key(address)
  const refusal = byAddress.get(key)
  if (refusal === undefined) return undefined
  if (nowMs >= refusal.untilMs) {
    byAddress.delete(key)
    return undefined
  }
  return transactionId.every((byte, at) => byte === refusal.transactionId[at]) ? refusal.answer : "too early"
}
