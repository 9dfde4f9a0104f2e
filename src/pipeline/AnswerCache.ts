import * as PackedAddress from "../sockets/PackedAddress.ts"

/**
 * Answers that have been given, by transaction and address: a request that is repeated because its answer was lost gets
 * the same answer, and is not carried out twice. Bounded; the oldest are forgotten first.
 */
export interface AnswerCache {
  /** The answer; `undefined` while the request is being carried out. */
  readonly answers: Map<string, Uint8Array | undefined>
}

/** A device repeats for at most 40 s (RFC 8489 section 6.2.1), and has few transactions open. */
const answersMax = 8192

export const make = (): AnswerCache => ({ answers: new Map() })

export const keyOf = (transactionId: Uint8Array, address: Uint32Array): string =>
  `${transactionId.join(".")} ${PackedAddress.key(address)}`

/** The answer that was given, if any. */
export const find = (self: AnswerCache, key: string): Uint8Array | undefined => self.answers.get(key)

/** Marks a request as being carried out. False when it is already, or has been. */
export const begin = (self: AnswerCache, key: string): boolean => {
  if (self.answers.has(key)) return false
  makeRoom(self)
  self.answers.set(key, undefined)
  return true
}

export const finish = (self: AnswerCache, key: string, answer: Uint8Array): void => {
  if (!self.answers.has(key)) makeRoom(self)
  self.answers.set(key, answer)
}

/** Nothing was done: the next attempt counts as new. */
export const forget = (self: AnswerCache, key: string): void => {
  if (self.answers.get(key) === undefined) self.answers.delete(key)
}

const makeRoom = ({ answers }: AnswerCache): void => {
  if (answers.size < answersMax) return
  const [oldest] = answers.keys()
  answers.delete(oldest!)
}
