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

/** "new" makes the caller carry the request out and then `finish` or `forget` it. */
export const begin = (self: AnswerCache, key: string): "new" | "underWay" | Uint8Array => {
  if (self.answers.has(key)) return self.answers.get(key) ?? "underWay"
  if (self.answers.size >= answersMax) {
    for (const oldest of self.answers.keys()) {
      self.answers.delete(oldest)
      break
    }
  }
  self.answers.set(key, undefined)
  return "new"
}

export const finish = (self: AnswerCache, key: string, answer: Uint8Array): void => {
  self.answers.set(key, answer)
}

/** Nothing was done: the next attempt counts as new. */
export const forget = (self: AnswerCache, key: string): void => {
  self.answers.delete(key)
}
