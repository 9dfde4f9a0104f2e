import * as Fields from "./ByteFields.ts"
import { type ControlAttribute, ofFields } from "./ControlAttribute.ts"

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

const headBytes = 8
const entryBytes = 8
const listed = 0
const everything = 1

/** How long it is as bytes. */
export const bytesOf = ({ wanted }: Subscription): number =>
  headBytes + entryBytes * (wanted === "everything" ? 0 : wanted.length)

/** Writes also more entries than are granted, so that who asks for them is told. */
export const write = (view: DataView, at: number, { version, wanted }: Subscription): void => {
  const entries = wanted === "everything" ? [] : wanted
  view.setUint32(at, version)
  view.setUint8(at + 4, wanted === "everything" ? everything : listed)
  view.setUint16(at + 6, entries.length)
  for (let i = 0; i < entries.length; i++) {
    const { heightPx, place, ssrc } = entries[i]!
    const entryAt = at + headBytes + i * entryBytes
    view.setUint32(entryAt, ssrc)
    view.setUint8(entryAt + 4, places.indexOf(place))
    view.setUint16(entryAt + 6, heightPx)
  }
}

/**
 * As many entries as there are, each as it was said: whether they are too many, or twice there, is not known here. Read before
 * anybody knows who has sent it, so it costs little.
 */
export const read = (view: DataView, at: number): Subscription | undefined => {
  if (view.byteLength - at < headBytes) return undefined
  const version = view.getUint32(at)
  const scope = view.getUint8(at + 4)
  const count = view.getUint16(at + 6)
  if (scope === everything) return count === 0 ? { version, wanted: "everything" } : undefined
  if (scope !== listed || view.byteLength - at < headBytes + count * entryBytes) return undefined
  const wanted: Array<SubscriptionEntry> = []
  for (let entryAt = at + headBytes; wanted.length < count; entryAt += entryBytes) {
    const place = places[view.getUint8(entryAt + 4)]
    if (place === undefined) return undefined
    wanted.push({ ssrc: view.getUint32(entryAt), place, heightPx: view.getUint16(entryAt + 6) })
  }
  return { version, wanted }
}

/** SUBSCRIPTION: what a device wants to see. */
export const subscription: ControlAttribute<Subscription> = {
  type: 0x5a18,
  encode: (value) => {
    const view = new DataView(new ArrayBuffer(bytesOf(value)))
    write(view, 0, value)
    return new Uint8Array(view.buffer)
  },
  decode: (bytes) => {
    const value = read(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), 0)
    return value !== undefined && bytesOf(value) === bytes.length ? value : undefined
  }
}
/** SUBSCRIPTION-VERSION: the newest that a relay has been told in this session. */
export const subscriptionVersion = ofFields(0x5a19, Fields.u32, Fields.takeU32)
