import * as Stun from "../../src/protocol/Stun.ts"

/**
 * Holds every answer against its question, for addresses that have proved nothing: they are answered with control messages
 * alone, never with more bytes than they sent, but for Binding. Questions are numbered by the first word of their
 * transaction id.
 */
export interface Ledger {
  /** Of the newest questions, at `number & (length - 1)`. */
  readonly numbers: Uint32Array
  readonly lengths: Int32Array
  datagramsIn: number
  bytesIn: number
  answers: number
  /** Without Binding. */
  bytesOut: number
  bindingAnswers: number
  /** What must not be, in words. */
  readonly violations: Array<string>
}

/** More than are ever under way. A power of two. */
const questionsKept = 1 << 16
const violationsMax = 20
const bindingSuccessType = 0x0101
const transactionIdOffset = 8

export const make = (): Ledger => ({
  numbers: new Uint32Array(questionsKept),
  lengths: new Int32Array(questionsKept),
  datagramsIn: 0,
  bytesIn: 0,
  answers: 0,
  bytesOut: 0,
  bindingAnswers: 0,
  violations: []
})

const wordAt = (bytes: Uint8Array, at: number): number =>
  ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0

const isMessage = (bytes: Uint8Array, offset: number, length: number): boolean =>
  length >= Stun.headerBytes && Stun.isControl(bytes[offset]!)

export const ask = (self: Ledger, number: number, bytes: Uint8Array): void => {
  const { length } = bytes
  self.datagramsIn++
  self.bytesIn += length
  if (!isMessage(bytes, 0, length) || wordAt(bytes, transactionIdOffset) !== number) return
  const place = number & (questionsKept - 1)
  self.numbers[place] = number
  self.lengths[place] = length
}

export const answer = (self: Ledger, bytes: Uint8Array, offset: number, length: number): void => {
  self.answers++
  const hex = () => Buffer.from(bytes.subarray(offset, offset + length)).toString("hex")
  if (!isMessage(bytes, offset, length)) return violate(self, `no message: ${hex()}`)
  const number = wordAt(bytes, offset + transactionIdOffset)
  const place = number & (questionsKept - 1)
  if (self.numbers[place] !== number) return violate(self, `nobody has asked for this: ${hex()}`)
  if (((bytes[offset]! << 8) | bytes[offset + 1]!) === bindingSuccessType) {
    self.bindingAnswers++
    return
  }
  self.bytesOut += length
  const asked = self.lengths[place]!
  if (length > asked) violate(self, `${length} bytes for ${asked}: ${hex()}`)
}

const violate = (self: Ledger, text: string): void => {
  if (self.violations.length < violationsMax) self.violations.push(text)
}
