import type { TokenClaims } from "../protocol/TokenClaims.ts"
import * as PackedAddress from "../sockets/PackedAddress.ts"
import * as BoundedMap from "./BoundedMap.ts"

/**
 * What one participant, and one network, may ask of the calls' actors. Every join and resume that is carried out is a
 * message to an actor, a write to its store, and perhaps news for everybody in the call: one token is good for a few of
 * them at once and then for one a second. And while actors are slow, joins from one network do not take all the places that
 * there are. Owned by the control pipeline; both tables are bounded.
 */
export interface JoinLimit {
  /** By participant; whoever has asked least recently gives way. */
  readonly buckets: BoundedMap.BoundedMap<string, Bucket>
  /** Joins under way, by source prefix; none are not listed. */
  readonly underWay: Map<number, number>
}

interface Bucket {
  tokens: number
  filledAtMs: number
}

/** A device that resumes over and over, because its network comes and goes, stays below. */
const joinsAtOnce = 10
const joinsPerSecond = 1
/** More participants than one process serves. */
const bucketsMax = 16_384
/** Half of what is carried out at once: see ControlPipeline. */
export const underWayMax = 32

export const make = (): JoinLimit => ({ buckets: BoundedMap.make(bucketsMax), underWay: new Map() })

/** How long the participant has to wait before it may join or resume; 0: now, and that is counted. Milliseconds. */
export const waitMs = (self: JoinLimit, { call, participant }: TokenClaims, nowMs: number): number => {
  const { buckets } = self
  // The length keeps apart what ids that hold anything would run together.
  const key = `${call.length} ${call}${participant}`
  const bucket = BoundedMap.get(buckets, key) ?? { tokens: joinsAtOnce, filledAtMs: nowMs }
  BoundedMap.set(buckets, key, bucket)
  const earned = ((nowMs - bucket.filledAtMs) * joinsPerSecond) / 1000
  bucket.tokens = Math.min(joinsAtOnce, bucket.tokens + earned)
  bucket.filledAtMs = nowMs
  if (bucket.tokens < 1) return Math.ceil(((1 - bucket.tokens) * 1000) / joinsPerSecond)
  bucket.tokens--
  return 0
}

/** Takes a place for a join from there; false when that network has as many as it may. */
export const enter = ({ underWay }: JoinLimit, address: Uint32Array): boolean => {
  const prefix = PackedAddress.prefix(address)
  const count = underWay.get(prefix) ?? 0
  if (count === underWayMax) return false
  underWay.set(prefix, count + 1)
  return true
}

/** Gives it back. */
export const leave = ({ underWay }: JoinLimit, address: Uint32Array): void => {
  const prefix = PackedAddress.prefix(address)
  const count = underWay.get(prefix) ?? 0
  if (count > 1) underWay.set(prefix, count - 1)
  else underWay.delete(prefix)
}
