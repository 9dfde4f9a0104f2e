import * as ByteSlab from "../protocol/ByteSlab.ts"
import { transactionIdBytes } from "../protocol/Stun.ts"
import * as PackedAddress from "../sockets/PackedAddress.ts"

/**
 * Who was refused for load and may not ask again yet, by address. The same request gets the same answer; any other one before
 * its time gets the cookie step and no more, whatever it says: that costs a fraction. Bounded, the oldest are forgotten first.
 *
 * Numbers and bytes in arrays that are made once: objects that live for seconds, several for each refusal, cost more in
 * collection than a proof takes.
 */
export interface RefusedJoins {
  /** The place of each in the arrays, by address. */
  readonly places: Map<string | number, number>
  readonly keys: Array<string | number>
  readonly untilMs: Float64Array
  readonly transactionIds: Uint8Array
  /** Where each answer starts, and how long it is. */
  readonly starts: Float64Array
  readonly lengths: Uint16Array
  /** Answers one after another, from the beginning again when they are at the end. */
  readonly answers: Uint8Array
  /** Refusals, and bytes of answers, since the first. */
  added: number
  written: number
}

/** What a relay that refuses a thousand a second has told in the last seconds. */
const refusalsMax = 8192
/** For each of them, on average: an answer that names two relays takes less. */
const answerBytes = 256

export const make = (max: number = refusalsMax): RefusedJoins => ({
  places: new Map(),
  keys: Array.from({ length: max }, () => 0),
  untilMs: new Float64Array(max),
  transactionIds: new Uint8Array(max * transactionIdBytes),
  starts: new Float64Array(max),
  lengths: new Uint16Array(max),
  answers: new Uint8Array(max * answerBytes),
  added: 0,
  written: 0
})

export const add = (
  self: RefusedJoins,
  address: Uint32Array,
  transactionId: Uint8Array,
  answer: Uint8Array,
  untilMs: number
): void => {
  const { keys, places } = self
  const place = self.added++ % keys.length
  // Unless it was refused again since: then it is known at another place.
  if (places.get(keys[place]!) === place) places.delete(keys[place]!)
  const key = PackedAddress.key(address)
  places.set(key, place)
  keys[place] = key
  self.untilMs[place] = untilMs
  self.transactionIds.set(transactionId, place * transactionIdBytes)
  self.starts[place] = keep(self, answer)
  self.lengths[place] = answer.length
}

/** The answer to a request that is repeated; "too early"; `undefined`: it may ask. */
export const find = (
  self: RefusedJoins,
  address: Uint32Array,
  transactionId: Uint8Array,
  nowMs: number
): Uint8Array | "too early" | undefined => {
  const { places, transactionIds, untilMs } = self
  const key = PackedAddress.key(address)
  const place = places.get(key)
  if (place === undefined) return undefined
  if (nowMs >= untilMs[place]!) {
    places.delete(key)
    return undefined
  }
  for (let byte = 0; byte < transactionIdBytes; byte++) {
    if (transactionIds[place * transactionIdBytes + byte] !== transactionId[byte]) return "too early"
  }
  return keptAt(self, place)
}

/** Where it starts, counted from the first answer on. Each is in one piece. */
const keep = (self: RefusedJoins, answer: Uint8Array): number => {
  const { answers } = self
  const left = answers.length - (self.written % answers.length)
  if (answer.length > left) self.written += left
  const start = self.written
  answers.set(answer, start % answers.length)
  self.written += answer.length
  return start
}

/** `undefined`: others have been written over it. */
const keptAt = ({ answers, lengths, starts, written }: RefusedJoins, place: number): Uint8Array | undefined => {
  const start = starts[place]!
  if (start < written - answers.length) return undefined
  const at = start % answers.length
  return ByteSlab.copy(answers.subarray(at, at + lengths[place]!))
}
