import * as PackedAddress from "../sockets/PackedAddress.ts"

/**
 * Answers that have been given, by transaction and address: a request that is repeated because its answer was lost gets
 * the same answer, and is not carried out twice. Bounded; the oldest are forgotten first.
 */
export interface AnswerCache {
  readonly answers: Map<string, Given>
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

export const make = (nowSeconds: number): AnswerCache => ({ answers: new Map(), completeSinceSeconds: nowSeconds })

export const keyOf = (transactionId: Uint8Array, address: Uint32Array): string =>
  `${transactionId.join(".")} ${PackedAddress.key(address)}`

/** The answer that was given, if any. */
export const find = (self: AnswerCache, key: string): Uint8Array | undefined => self.answers.get(key)?.answer

/** Whether the request is being carried out, or has been. */
export const isKnown = (self: AnswerCache, key: string): boolean => self.answers.has(key)

/** Marks a request as being carried out. False when it is already, or has been. */
export const begin = (self: AnswerCache, key: string, nowSeconds: number): boolean => {
  if (self.answers.has(key)) return false
  makeRoom(self)
  self.answers.set(key, { answer: undefined, atSeconds: nowSeconds })
  return true
}

export const finish = (self: AnswerCache, key: string, answer: Uint8Array, nowSeconds: number): void => {
  if (!self.answers.has(key)) makeRoom(self)
  // The answer is cut from a larger piece of memory, which is not to be kept.
  self.answers.set(key, { answer: new Uint8Array(answer), atSeconds: nowSeconds })
}

/** Nothing was done: the next attempt counts as new. */
export const forget = (self: AnswerCache, key: string): void => {
  if (find(self, key) === undefined) self.answers.delete(key)
}

const makeRoom = (self: AnswerCache): void => {
  const { answers } = self
  if (answers.size < answersMax) return
  const [oldest] = answers
  answers.delete(oldest![0])
  self.completeSinceSeconds = Math.max(self.completeSinceSeconds, oldest![1].atSeconds + 1)
}
