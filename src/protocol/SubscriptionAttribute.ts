import * as Fields from "./ByteFields.ts"
import { ofFields } from "./ControlAttribute.ts"

/** Where a device shows a stream, the most important first. Their order is their number on the wire. */
export const places = ["on-stage", "grid", "off-screen"] as const
export type Place = (typeof places)[number]

/** One stream that a device wants to see. */
export interface SubscriptionEntry {
  /** Of the source. One that nobody sends does no harm: its sender may come later. */
  readonly ssrc: number
  readonly place: Place
  /** At which it is shown, 0..65535. 0: not known. */
  readonly heightPx: number
}

/**
 * Everything is what a device wants that has never said anything. No entries are something else: then it wants to see
 * nothing. The first entry comes first when not all can be had.
 */
export type Wanted = "everything" | ReadonlyArray<SubscriptionEntry>

/** What a device wants to see. */
export interface Subscription {
  /** Grows with every change of the wish, from 1, in 32 bits. The newest counts. */
  readonly version: number
  readonly wanted: Wanted
}

/** More are refused: a call has 49 others, and some of them share a screen. */
export const entriesMax = 64

const listed = 0
const everything = 1

const encodeEntry = ({ heightPx, place, ssrc }: SubscriptionEntry): Uint8Array =>
  Fields.join(Fields.u32(ssrc), Fields.u8(places.indexOf(place)), Fields.u8(0), Fields.u16(heightPx))

/** Also more entries than are granted, so that who asks for them is told. */
export const encode = ({ version, wanted }: Subscription): Uint8Array => {
  const scope = wanted === "everything" ? everything : listed
  const entries = wanted === "everything" ? [] : wanted
  return Fields.join(
    Fields.u32(version),
    Fields.u8(scope),
    Fields.u8(0),
    Fields.u16(entries.length),
    ...entries.map(encodeEntry)
  )
}

const takeEntry = (reader: Fields.FieldReader): SubscriptionEntry | undefined => {
  const ssrc = Fields.takeU32(reader)
  const place = places[Fields.takeU8(reader)]
  Fields.takeU8(reader)
  const heightPx = Fields.takeU16(reader)
  return place === undefined ? undefined : { ssrc, place, heightPx }
}

/** As many entries as there are, each as it was said: whether they are too many, or twice there, is not known here. */
export const take = (reader: Fields.FieldReader): Subscription | undefined => {
  const version = Fields.takeU32(reader)
  const scope = Fields.takeU8(reader)
  Fields.takeU8(reader)
  const count = Fields.takeU16(reader)
  if (scope === everything) return count === 0 ? { version, wanted: "everything" } : undefined
  if (scope !== listed) return undefined
  const wanted: Array<SubscriptionEntry> = []
  while (wanted.length < count) {
    const entry = takeEntry(reader)
    if (entry === undefined || reader.failed) return undefined
    wanted.push(entry)
  }
  return { version, wanted }
}

/** SUBSCRIPTION: what a device wants to see. */
export const subscription = ofFields<Subscription>(0x5a18, encode, take)
/** SUBSCRIPTION-VERSION: the newest that a relay has been told in this session. */
export const subscriptionVersion = ofFields(0x5a19, Fields.u32, Fields.takeU32)
