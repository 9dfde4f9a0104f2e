import * as MessageIntegrity from "../../../src/access/MessageIntegrity.ts"
import { messageKinds, methods } from "../../../src/protocol/MessageKinds.ts"
import type { Field } from "../../../src/protocol/MessageLayout.ts"
import * as Stun from "../../../src/protocol/Stun.ts"
import * as Dice from "../Dice.ts"
import { boundaries, concat, mutate } from "./Mutation.ts"

/**
 * A control message in its parts, so that mutations reach what lies behind the header, the FINGERPRINT and the proof: a
 * message of which only the bytes are changed goes no further than these.
 */
export interface StunDraft {
  readonly type: number
  readonly transactionId: Uint8Array
  readonly attributes: ReadonlyArray<Attribute>
}

export interface Attribute {
  readonly type: number
  readonly value: Uint8Array
  /** What the attribute says that its value has. Bytes. */
  readonly declaredLength: number
}

const { attributeHeaderBytes, headerBytes } = Stun
const ends = new Set([Stun.fingerprintType, Stun.integritySha256Type])

/** The parts of bytes that are a message; of others what can be made of them. Proof and FINGERPRINT are left out. */
export const parse = (bytes: Uint8Array): StunDraft => {
  const padded = concat(bytes, new Uint8Array(Math.max(0, headerBytes - bytes.length)))
  const view = new DataView(padded.buffer)
  const attributes: Array<Attribute> = []
  for (let at = headerBytes; at + attributeHeaderBytes <= padded.length;) {
    const type = view.getUint16(at)
    const declaredLength = view.getUint16(at + 2)
    const start = at + attributeHeaderBytes
    if (!ends.has(type)) attributes.push({ type, declaredLength, value: padded.slice(start, start + declaredLength) })
    at = start + ((declaredLength + 3) & ~3)
  }
  return { type: view.getUint16(0), transactionId: padded.slice(8, headerBytes), attributes }
}

/** Header and attributes, lengths as declared. */
const write = ({ attributes, transactionId, type }: StunDraft): Uint8Array => {
  const body = attributes.map(({ declaredLength, type, value }) => {
    const bytes = new Uint8Array(attributeHeaderBytes + ((value.length + 3) & ~3))
    const view = new DataView(bytes.buffer)
    view.setUint16(0, type)
    view.setUint16(2, declaredLength)
    bytes.set(value, attributeHeaderBytes)
    return bytes
  })
  const header = Stun.encodeHeader({ class: "request", method: 0, transactionId })
  const bytes = concat(header, ...body)
  const view = new DataView(bytes.buffer)
  view.setUint16(0, type)
  view.setUint16(2, bytes.length - headerBytes)
  return bytes
}

/** How a message is made whole again after it was changed. */
export type Ending = "nothing" | "fingerprint" | "signed"

export const finish = (unfinished: Uint8Array, ending: Ending, key: Uint8Array): Uint8Array => {
  if (ending === "signed") return MessageIntegrity.sign(unfinished, key)
  return ending === "fingerprint" ? Stun.appendFingerprint(unfinished) : unfinished
}

const fields = Object.values(messageKinds).flatMap(({ layout }) => Object.values<Field>(layout))
const knownTypes = [...new Set(fields.map(({ attribute }) => attribute.type)), Stun.integritySha1Type, ...ends]
const knownMethods = Object.values(methods)
const classes = ["request", "indication", "success", "error"] as const

const typeOf = (draw: Dice.Dice): number => {
  const header = {
    class: Dice.pick(draw, classes),
    method: Dice.pick(draw, knownMethods),
    transactionId: new Uint8Array(12)
  }
  return new DataView(Stun.encodeHeader(header).buffer).getUint16(0)
}

const attributeTypeOf = (draw: Dice.Dice): number =>
  Dice.chance(draw, 0.8) ? Dice.pick(draw, knownTypes) : Dice.integer(draw, 0, 0xffff)

/** One change of the parts. `others` are whole messages. */
const change = (draw: Dice.Dice, draft: StunDraft, others: ReadonlyArray<Uint8Array>): StunDraft => {
  const { attributes } = draft
  const place = Dice.integer(draw, 0, Math.max(0, attributes.length - 1))
  const attribute = attributes[place] ?? { type: attributeTypeOf(draw), value: new Uint8Array(0), declaredLength: 0 }
  const withAttributes = (changed: ReadonlyArray<Attribute>): StunDraft => ({ ...draft, attributes: changed })
  const replaced = (by: Partial<Attribute>): StunDraft =>
    withAttributes(
      attributes.length === 0 ? [{ ...attribute, ...by }] : attributes.with(place, { ...attribute, ...by })
    )
  switch (Dice.integer(draw, 0, 8)) {
    case 0:
      return { ...draft, type: typeOf(draw) }
    case 1:
      return withAttributes([...attributes, attribute])
    case 2:
      return withAttributes(attributes.toSpliced(place, 1))
    case 3:
      return withAttributes(Dice.shuffled(draw, attributes))
    case 4:
      return replaced({ type: attributeTypeOf(draw) })
    case 5: {
      const near = Math.max(0, attribute.declaredLength + Dice.integer(draw, -5, 5))
      return replaced({ declaredLength: Dice.chance(draw, 0.7) ? near : Dice.pick(draw, boundaries) & 0xffff })
    }
    case 6: {
      const other = parse(Dice.pick(draw, others)).attributes
      return other.length === 0 ? draft : withAttributes(attributes.toSpliced(place, 0, Dice.pick(draw, other)))
    }
    case 7: {
      const value = Dice.bytes(draw, Dice.integer(draw, 0, 40))
      return withAttributes([...attributes, { type: attributeTypeOf(draw), value, declaredLength: value.length }])
    }
    default: {
      const value = mutate(draw, attribute.value, [attribute.value, ...others])
      return replaced({ value, declaredLength: value.length })
    }
  }
}

/** The message of a draft, signed. */
export const refinish = (draft: StunDraft, key: Uint8Array): Uint8Array => finish(write(draft), "signed", key)

/** A message with some of its parts changed, and made whole again: most often as one of its kind is. */
export const mutateMessage = (
  draw: Dice.Dice,
  bytes: Uint8Array,
  others: ReadonlyArray<Uint8Array>,
  key: Uint8Array
): Uint8Array => {
  let draft = parse(bytes)
  do draft = change(draw, draft, others)
  while (Dice.chance(draw, 0.6))
  const ending = Dice.pickWeighted(draw, { signed: 8, fingerprint: 3, nothing: 1 })
  const whole = finish(write(draft), ending, key)
  return Dice.chance(draw, 0.1) ? mutate(draw, whole, others) : whole
}
