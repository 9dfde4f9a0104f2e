import * as PackedAddress from "../sockets/PackedAddress.ts"

/**
 * Who was refused for load and may not ask again yet, by address. The same request gets the same answer; any other one before
 * its time gets the cookie step and no more, whatever it says: that costs a fraction. Bounded, the oldest are forgotten first.
 */
export interface RefusedJoins {
  readonly byAddress: Map<string | number, Refusal>
}

interface Refusal {
  readonly transactionId: Uint8Array
  readonly answer: Uint8Array
  readonly untilMs: number
}

/** What a relay that refuses a thousand a second has told in the last seconds. */
const refusalsMax = 8192

export const make = (): RefusedJoins => ({ byAddress: new Map() })

export const add = (
  { byAddress }: RefusedJoins,
  address: Uint32Array,
  transactionId: Uint8Array,
  answer: Uint8Array,
  untilMs: number
): void => {
  const key = PackedAddress.key(address)
  byAddress.delete(key)
  if (byAddress.size === refusalsMax) {
    const [oldest] = byAddress.keys()
    byAddress.delete(oldest!)
  }
  byAddress.set(key, { transactionId, answer, untilMs })
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
