import type { Types } from "effect"
import type { ControlAttribute } from "./ControlAttribute.ts"
import type { StunAttribute } from "./Stun.ts"

/**
 * Which attributes make a message. Both directions and the message's type follow from one table, so what is written
 * is what is read.
 */
export interface Required<A> {
  readonly presence: "required"
  readonly attribute: ControlAttribute<A>
}
export interface Optional<A> {
  readonly presence: "optional"
  readonly attribute: ControlAttribute<A>
}
/** In their order, from none to `countMax`. */
export interface Repeated<A> {
  readonly presence: "repeated"
  readonly attribute: ControlAttribute<A>
  readonly countMax: number
}

export const required = <A>(attribute: ControlAttribute<A>): Required<A> => ({ presence: "required", attribute })
export const optional = <A>(attribute: ControlAttribute<A>): Optional<A> => ({ presence: "optional", attribute })
export const repeated = <A>(attribute: ControlAttribute<A>, countMax: number): Repeated<A> => ({
  presence: "repeated",
  attribute,
  countMax
})

export type Field = Required<unknown> | Optional<unknown> | Repeated<unknown>

/** Fields by name, in the order in which they are sent. */
export type MessageLayout = Readonly<Record<string, Field>>

type ValueOf<F extends Field> =
  F extends Repeated<infer A> ? ReadonlyArray<A> : F extends Required<infer A> | Optional<infer A> ? A : never

/** What a message of this layout carries. */
export type ValuesOf<Layout extends MessageLayout> = Types.Simplify<
  {
    readonly [Name in keyof Layout as Layout[Name] extends Optional<unknown> ? never : Name]: ValueOf<Layout[Name]>
  } & {
    readonly [Name in keyof Layout as Layout[Name] extends Optional<unknown> ? Name : never]?: ValueOf<Layout[Name]>
  }
>

/** One attribute on its way out. */
export interface EncodedAttribute {
  readonly type: number
  readonly value: Uint8Array
}

/** The fields of a layout, to be gone through for every message. */
export type Fields = ReadonlyArray<readonly [name: string, field: Field]>

export const fieldsOf = (layout: MessageLayout): Fields => Object.entries(layout)

/** A repeated attribute that occurs too often is a mistake of the caller, who knows the limit: a defect. */
export const encode = (
  fields: Fields,
  values: Readonly<Record<string, unknown>>,
  transactionId: Uint8Array
): ReadonlyArray<EncodedAttribute> => {
  const encoded: Array<EncodedAttribute> = []
  for (const [name, field] of fields) {
    const { attribute } = field
    const value = values[name]
    if (field.presence !== "repeated") {
      if (value !== undefined) encoded.push({ type: attribute.type, value: attribute.encode(value, transactionId) })
      continue
    }
    const given = value as ReadonlyArray<unknown>
    if (given.length > field.countMax) {
      throw new RangeError(
        `a message has at most ${field.countMax} ${name}, not ${given.length}: split or shorten them`
      )
    }
    for (const one of given) encoded.push({ type: attribute.type, value: attribute.encode(one, transactionId) })
  }
  return encoded
}

/**
 * The values of a layout from the attributes of a message that has all the required ones. `undefined` when one is
 * malformed. An attribute that is there twice and should not be counts once: the first.
 */
export const decode = (
  fields: Fields,
  bytes: Uint8Array,
  attributes: ReadonlyArray<StunAttribute>,
  transactionId: Uint8Array
): Readonly<Record<string, unknown>> | undefined => {
  const values: Record<string, unknown> = {}
  for (const [name, field] of fields) {
    const { attribute } = field
    const all: Array<unknown> | undefined = field.presence === "repeated" ? [] : undefined
    if (all !== undefined) values[name] = all
    // Loops alone, here and where it is called: this is done for everything that is received.
    for (const { length, offset, type } of attributes) {
      if (type !== attribute.type) continue
      const value = attribute.decode(bytes.subarray(offset, offset + length), transactionId)
      if (value === undefined) return undefined
      if (all === undefined) {
        values[name] = value
        break
      }
      if (field.presence === "repeated" && all.length === field.countMax) return undefined
      all.push(value)
    }
  }
  return values
}
