import type * as ControlMessage from "../../protocol/ControlMessage.ts"
import { messageKinds, type MethodName } from "../../protocol/MessageKinds.ts"
import * as Stun from "../../protocol/Stun.ts"
import type * as PacketBatch from "../../sockets/PacketBatch.ts"
import type { SecureBytes } from "../SecureBytes.ts"

/** What may answer a request of this device. */
export type Answer =
  | ControlMessage.JoinSuccess
  | ControlMessage.ResumeSuccess
  | ControlMessage.PingSuccess
  | ControlMessage.LeaveSuccess
  | ControlMessage.Challenge
  | ControlMessage.Refused

/** A request that waits for its answer. */
export interface Transaction {
  readonly method: MethodName
  /** Then it is forgotten. Milliseconds. */
  readonly expiresAtMs: number
  /** Takes the answer in; what it has to send at once goes into the batch. */
  readonly handle: (answer: Answer, nowMs: number, out: PacketBatch.SendBatch) => void
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

/** The transaction that the answer belongs to. */
export const find = (self: Transactions, answer: Answer): Transaction | undefined => {
  const transaction = self.open.get(keyOf(answer.transactionId))
  return transaction?.method === methodOf(answer) ? transaction : undefined
}

/**
 * Whether an answer may come without a proof: the relay cannot prove anything to somebody whose key it cannot derive, or
 * whose address it has not seen. Only who has seen the request knows its transaction id, so an attacker who is not on the
 * path can forge neither. One who is can make a join or a resume fail, or lead the client to another relay, which has to
 * prove itself; he could as well drop the request. He learns nothing, and cannot take part.
 */
export const mayBeUnsigned = (answer: Answer): boolean => answer._tag === "Challenge" || answer._tag === "Refused"

const methodOf = (answer: Answer): MethodName =>
  answer._tag === "Challenge" || answer._tag === "Refused" ? answer.method : messageKinds[answer._tag].method
