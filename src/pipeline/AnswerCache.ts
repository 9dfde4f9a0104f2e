import { uint16At } from "../protocol/ByteFields.ts"
import * as BoundedMap from "./BoundedMap.ts"

/**
 * Answers that have been given, by transaction and address: a request that is repeated because its answer was lost gets
 * the same answer, and is not carried out twice. Bounded; the oldest are forgotten first.
 */
export interface AnswerCache {
  readonly answers: BoundedMap.BoundedMap<string, Given>
  /** Every request that was carried out since then is known here. Unix time in seconds. */
  completeSinceSeconds: number
}

interface Given {
  /** `undefined` while the request is being carried out. */
  answer: Uint8Array | undefined
  readonly atSeconds: number
}

/** A device repeats for at most 40 s (RFC 8489 section 6.2.1), and has few transactions open. */
export const answersMax = 8192

export const make = (nowSeconds: number): AnswerCache => ({
  answers: BoundedMap.make(answersMax),
  completeSinceSeconds: nowSeconds
})

/**
 * All of both, two bytes in a character: a text that is made at once, where one that is put together of others takes three times as
 * long to make and to look up.
 */
export const keyOf = (transactionId: Uint8Array, [port, w0, w1, w2, w3]: Uint32Array): string =>
  String.fromCharCode(
    uint16At(transactionId, 0),
    uint16At(transactionId, 2),
    uint16At(transactionId, 4),
    uint16At(transactionId, 6),
    uint16At(transactionId, 8),
    uint16At(transactionId, 10),
    port!,
    w0! >>> 16,
    w0! & 0xffff,
    w1! >>> 16,
    w1! & 0xffff,
    w2! >>> 16,
    w2! & 0xffff,
    w3! >>> 16,
    w3! & 0xffff
  )

/** The answer that was given, if any. */
export const find = (self: AnswerCache, key: string): Uint8Array | undefined =>
  BoundedMap.get(self.answers, key)?.answer

/** Whether the request is being carried out, or has been. */
export const isKnown = (self: AnswerCache, key: string): boolean => BoundedMap.has(self.answers, key)

/** Marks a request as being carried out. False when it is already, or has been. */
export const begin = (self: AnswerCache, key: string, nowSeconds: number): boolean => {
  if (isKnown(self, key)) return false
  remember(self, key, { answer: undefined, atSeconds: nowSeconds })
  return true
}

// The answer is cut from a larger piece of memory, which is not to be kept.
export const finish = (self: AnswerCache, key: string, answer: Uint8Array, nowSeconds: number): void =>
  remember(self, key, { answer: new Uint8Array(answer), atSeconds: nowSeconds })

/** Nothing was done: the next attempt counts as new. */
export const forget = (self: AnswerCache, key: string): void => {
  if (find(self, key) === undefined) BoundedMap.remove(self.answers, key)
}

const remember = (self: AnswerCache, key: string, given: Given): void => {
  const forgotten = BoundedMap.set(self.answers, key, given)
  if (forgotten !== undefined) self.completeSinceSeconds = Math.max(self.completeSinceSeconds, forgotten.atSeconds + 1)
}
