import type * as ControlMessage from "../../protocol/ControlMessage.ts"
import { messageKinds, type MethodName } from "../../protocol/MessageKinds.ts"
import * as Stun from "../../protocol/Stun.ts"
import type * as PacketBatch from "../../sockets/PacketBatch.ts"
import * as PackedAddress from "../../sockets/PackedAddress.ts"
import type { SecureBytes } from "../SecureBytes.ts"

/** What may answer a request of this device. */
export type Answer =
  | ControlMessage.JoinSuccess
  | ControlMessage.ResumeSuccess
  | ControlMessage.PingSuccess
  | ControlMessage.SubscribeSuccess
  | ControlMessage.LeaveSuccess
  | ControlMessage.Challenge
  | ControlMessage.Refused

/** A request that waits for an answer with a proof. */
export interface Transaction {
  readonly method: MethodName
  /** Who has been asked, and nobody else may answer. Packed address. */
  readonly relay: Uint32Array
  /** Then it is forgotten. Milliseconds. */
  readonly expiresAtMs: number
  /** Takes an answer in; what it has to send at once goes into the batch. The last is the first that is proved. */
  readonly handle: (answer: Answer, isProved: boolean, nowMs: number, out: PacketBatch.SendBatch) => void
}

/** The open requests by their transaction ids, RFC 8489 section 6. */
export interface Transactions {
  readonly open: Map<string, Transaction>
  /** Of the last request. Grows over all sessions of this device, so none is ever used twice under its key. */
  counter: number
}

export const make = (): Transactions => ({ open: new Map(), counter: 0 })

export const nextCounter = (self: Transactions): number => ++self.counter

export const newId = (secureBytes: SecureBytes): Uint8Array => new Uint8Array(secureBytes(Stun.transactionIdBytes))

const keyOf = (transactionId: Uint8Array): string => transactionId.join(".")

export const add = (self: Transactions, transactionId: Uint8Array, transaction: Transaction): void => {
  self.open.set(keyOf(transactionId), transaction)
}

export const remove = (self: Transactions, transactionId: Uint8Array): void => {
  self.open.delete(keyOf(transactionId))
}

export const forgetExpired = (self: Transactions, nowMs: number): void => {
  for (const [key, { expiresAtMs }] of self.open) if (expiresAtMs <= nowMs) self.open.delete(key)
}

/** The transaction that the answer belongs to, if it comes from who was asked. */
export const find = (self: Transactions, answer: Answer, source: Uint32Array): Transaction | undefined => {
  const transaction = self.open.get(keyOf(answer.transactionId))
  if (transaction?.method !== methodOf(answer)) return undefined
  return PackedAddress.equals(transaction.relay, 0, source, 0) ? transaction : undefined
}

/**
 * Whether an answer may come without a proof: the relay cannot prove anything to somebody whose key it cannot derive, or
 * whose address it has not seen. Only who has seen the request knows its transaction id, but he can forge both. So neither
 * ends the transaction: a challenge makes the client ask once more, and a refusal counts only when nothing that is proved
 * has come in its time. Who can forge and drop as well can make a join or a resume fail, or lead the client to another
 * relay, which has to prove itself. He learns nothing, and cannot take part.
 */
export const mayBeUnsigned = (answer: Answer): boolean => answer._tag === "Challenge" || answer._tag === "Refused"

const methodOf = (answer: Answer): MethodName =>
  answer._tag === "Challenge" || answer._tag === "Refused" ? answer.method : messageKinds[answer._tag].method
