import * as PackedAddress from "../sockets/PackedAddress.ts"
import * as BoundedMap from "./BoundedMap.ts"

/**
 * Who was refused for load and may not ask again yet, by address. The same request gets the same answer; any other one before
 * its time gets the cookie step and no more, whatever it says: that costs a fraction. Bounded, the oldest are forgotten first.
 */
export type RefusedJoins = BoundedMap.BoundedMap<string | number, Refusal>

interface Refusal {
  readonly transactionId: Uint8Array
  readonly answer: Uint8Array
  readonly untilMs: number
}

/** What a relay that refuses a thousand a second has told in the last seconds. */
const refusalsMax = 8192

export const make = (): RefusedJoins => BoundedMap.make(refusalsMax)

export const add = (
  self: RefusedJoins,
  address: Uint32Array,
  transactionId: Uint8Array,
  answer: Uint8Array,
  untilMs: number
): void => {
  BoundedMap.set(self, PackedAddress.key(address), { transactionId, answer, untilMs })
}

/** The answer to a request that is repeated; "too early"; `undefined`: it may ask. */
export const find = (
  self: RefusedJoins,
  address: Uint32Array,
  transactionId: Uint8Array,
  nowMs: number
): Uint8Array | "too early" | undefined => {
  if (BoundedMap.sizeOf(self) === 0) return undefined
  const key = PackedAddress.key(address)
  const refusal = BoundedMap.get(self, key)
  if (refusal === undefined) return undefined
  if (nowMs >= refusal.untilMs) {
    BoundedMap.remove(self, key)
    return undefined
  }
  return transactionId.every((byte, at) => byte === refusal.transactionId[at]) ? refusal.answer : "too early"
}
