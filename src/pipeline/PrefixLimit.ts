import * as PackedAddress from "../sockets/PackedAddress.ts"

/**
 * So much a second for one source prefix. Token buckets in a table of fixed size; prefixes that share a place share a
 * bucket, so a flood of forged sources cannot make it grow.
 */
export interface PrefixLimit {
  /** And as many at once, after a pause. */
  readonly perSecond: number
  readonly tokens: Float32Array
  readonly filledAtMs: Float64Array
}

const places = 4096

export const make = (perSecond: number): PrefixLimit => ({
  perSecond,
  tokens: new Float32Array(places).fill(perSecond),
  filledAtMs: new Float64Array(places)
})

/** Takes a token for the address at `index`, if there is one. */
export const admits = (self: PrefixLimit, addresses: Uint32Array, index: number, nowMs: number): boolean => {
  const { perSecond } = self
  const place = placeOf(addresses, index)
  const earned = ((nowMs - self.filledAtMs[place]!) * perSecond) / 1000
  const tokens = Math.min(perSecond, self.tokens[place]! + earned)
  self.filledAtMs[place] = nowMs
  self.tokens[place] = tokens < 1 ? tokens : tokens - 1
  return tokens >= 1
}

/** It was not what there is a limit for. */
export const giveBack = (self: PrefixLimit, address: Uint32Array): void => {
  const place = placeOf(address, 0)
  self.tokens[place] = Math.min(self.perSecond, self.tokens[place]! + 1)
}

const placeOf = (addresses: Uint32Array, index: number): number => {
  const prefix = PackedAddress.prefix(addresses, index)
  const folded = (prefix / 0x1_0000_0000) ^ prefix
  return (Math.imul(folded, 0x9e3779b1) >>> 20) & (places - 1)
}
