import * as PackedAddress from "../sockets/PackedAddress.ts"

/**
 * Binding is answered to anybody, with more bytes than it has: at most so many a second to one source prefix, as coturn
 * does against being used as a reflector. Token buckets in a table of fixed size; prefixes that share a place share a
 * bucket, so a flood of forged sources cannot make it grow.
 */
export interface BindingLimit {
  readonly tokens: Float32Array
  readonly filledAtMs: Float64Array
}

const places = 4096
/** docs/protocol.md, "Binding". Answers a second, and at once after a pause. */
export const answersPerSecond = 10

export const make = (): BindingLimit => ({
  tokens: new Float32Array(places).fill(answersPerSecond),
  filledAtMs: new Float64Array(places)
})

export const admits = (self: BindingLimit, address: Uint32Array, nowMs: number): boolean => {
  const place = placeOf(address)
  const earned = ((nowMs - self.filledAtMs[place]!) * answersPerSecond) / 1000
  const tokens = Math.min(answersPerSecond, self.tokens[place]! + earned)
  self.filledAtMs[place] = nowMs
  self.tokens[place] = tokens < 1 ? tokens : tokens - 1
  return tokens >= 1
}

const placeOf = (address: Uint32Array): number => {
  const prefix = PackedAddress.prefix(address)
  const folded = (prefix / 0x1_0000_0000) ^ prefix
  return (Math.imul(folded, 0x9e3779b1) >>> 20) & (places - 1)
}
