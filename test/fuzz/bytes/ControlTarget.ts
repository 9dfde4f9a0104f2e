import { Result } from "effect"
import { isDeepStrictEqual } from "node:util"
import * as MessageIntegrity from "../../../src/access/MessageIntegrity.ts"
import * as Attribute from "../../../src/protocol/ControlAttribute.ts"
import * as ControlMessage from "../../../src/protocol/ControlMessage.ts"
import { datagramBytesMax, methods } from "../../../src/protocol/MessageKinds.ts"
import * as Stun from "../../../src/protocol/Stun.ts"
import { hexOf } from "../../protocol/ControlVectors.ts"
import * as Dice from "../Dice.ts"
import * as Smaller from "../Smaller.ts"
import { define, hold, show } from "../Target.ts"
import * as Corpus from "./Corpus.ts"
import { concat, mutate } from "./Mutation.ts"
import * as StunDraft from "./StunDraft.ts"

const corpus = [...Corpus.bytesOfAll(Corpus.controlMessages), ...Corpus.bytesOfAll(Corpus.hexFile("control.hex"))]
const key = Corpus.participantKey

type Decode = typeof ControlMessage.decode

/** The datagram as it lies in a receive slot: other packets before and behind it. */
const inMemory = (bytes: Uint8Array): Uint8Array => {
  const around = new Uint8Array(64).fill(0xa5)
  return concat(around, bytes, around).subarray(around.length, around.length + bytes.length)
}

const checkStun = (bytes: Uint8Array): void => {
  const decoded = Stun.decode(bytes)
  if (Result.isFailure(decoded)) return
  let end: number = Stun.headerBytes
  for (const { length, offset } of decoded.success.attributes) {
    hold(offset >= end + Stun.attributeHeaderBytes, "attributes follow each other", () => show(decoded.success))
    hold(offset + length <= bytes.length, "attributes lie within the message", () => show(decoded.success))
    end = offset + length
  }
  const { integritySha1, integritySha256 } = decoded.success
  for (const integrity of [integritySha1, integritySha256]) {
    if (integrity !== undefined) MessageIntegrity.verify(bytes, integrity, key)
  }
}

const write = (message: ControlMessage.ControlMessage, isSigned: boolean): Uint8Array =>
  StunDraft.finish(ControlMessage.encode(message), isSigned ? "signed" : "fingerprint", key)

/** What is read is written and read again: it must be the same. */
const checkAgain = (decode: Decode, { integrity, message }: ControlMessage.Decoded): void => {
  const isSigned = integrity !== undefined && message._tag !== "BindingRequest" && message._tag !== "BindingSuccess"
  const bytes = write(message, isSigned)
  const again = decode(bytes)
  hold(Result.isSuccess(again), "what was written is read", () => show(message))
  hold(isDeepStrictEqual(again.success.message, message), "what is read again is the same", () =>
    show([message, again.success.message])
  )
  hold(isDeepStrictEqual(write(again.success.message, isSigned), bytes), "what is the same is written alike")
}

const withFlippedBit = (bytes: Uint8Array, bit: number): Uint8Array =>
  bytes.map((byte, at) => (at === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte))

/** Whoever changes a message has to make a new FINGERPRINT, and whoever has not the key makes no proof. */
const checkEnd = (decode: Decode, bytes: Uint8Array, { integrity, message }: ControlMessage.Decoded): void => {
  // Binding may go without: what is no FINGERPRINT any more is not missed there.
  const framed = Result.getOrThrow(Stun.decode(bytes))
  if (!framed.hasFingerprint || framed.method === methods.Binding) return
  const bits = [0, 1, 2].map((third) => ((bytes.length * 8 - 1) * third) >> 1)
  for (const bit of bits) {
    hold(Result.isFailure(decode(withFlippedBit(bytes, bit))), "a FINGERPRINT shows every change", () => `bit ${bit}`)
  }
  if (integrity === undefined) return
  const { valueLength, valueOffset } = integrity
  const proved = bytes.slice(0, valueOffset + valueLength)
  const isProved = (changed: Uint8Array): boolean => {
    const refingerprinted = Stun.appendFingerprint(changed)
    const decoded = decode(refingerprinted)
    const found = Result.isSuccess(decoded) ? decoded.success.integrity : undefined
    return found !== undefined && MessageIntegrity.verify(refingerprinted, found, key)
  }
  if (!isProved(proved)) return
  for (const bit of bits) {
    const changed = withFlippedBit(proved, bit % (proved.length * 8))
    hold(!isProved(changed), "a changed message is not proved", () => `bit ${bit}`)
  }
  const extras = [
    { type: Attribute.token.type, value: Corpus.tokenClaims },
    { type: Attribute.legTag.type, value: new Uint8Array(4) },
    { type: Attribute.cookie.type, value: new Uint8Array(12) }
  ]
  for (const { type, value } of extras) {
    const longer = decode(Stun.appendFingerprint(Stun.appendAttribute(proved, type, value)))
    const isIgnored = Result.isSuccess(longer) && isDeepStrictEqual(longer.success.message, message)
    hold(isIgnored, "what follows the proof does not count", () => show([message, longer]))
  }
}

const checkWith = (decode: Decode, datagram: Uint8Array): void => {
  const bytes = inMemory(datagram)
  checkStun(bytes)
  const decoded = decode(bytes)
  hold(isDeepStrictEqual(bytes.slice(), datagram.slice()), "the datagram is only read")
  if (Result.isFailure(decoded)) return
  const { integrity, message } = decoded.success
  checkEnd(decode, datagram, decoded.success)
  const before = structuredClone(message)
  bytes.fill(0x5a)
  hold(isDeepStrictEqual(structuredClone(message), before), "the message has a memory of its own", () => show(message))
  // What is longer has been written by nobody, but is read.
  if (datagram.length + ControlMessage.trailerBytes <= datagramBytesMax) checkAgain(decode, { integrity, message })
}

/** FINGERPRINT and proof would keep every smaller variant out. */
const whole = (bytes: Uint8Array): Uint8Array => {
  const draft = StunDraft.parse(bytes)
  return draft.attributes.length === 0 ? bytes : StunDraft.refinish(draft, key)
}

/** Control messages through any decoder that promises to be ours. */
export const make = (name: string, decode: Decode) =>
  define({
    name,
    about:
      "control messages: nothing throws, nothing is read beside the datagram, what is read is written and read alike",
    smokeCases: 2500,
    draw: (draw) => {
      const sample = Dice.pick(draw, corpus)
      return Dice.chance(draw, 0.8) ? StunDraft.mutateMessage(draw, sample, corpus, key) : mutate(draw, sample, corpus)
    },
    check: (bytes) => checkWith(decode, bytes),
    *smaller(bytes) {
      for (const candidate of Smaller.byteStrings(bytes)) {
        yield candidate
        // With a proof that was not there it would be a larger case.
        const finished = whole(candidate)
        if (finished.length < bytes.length) yield finished
      }
    },
    show: hexOf
  })

export const target = make("control", ControlMessage.decode)
