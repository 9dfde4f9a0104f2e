import { Schema } from "effect"
import { type FieldReader, join, prefixed, takePrefixed, takeText, takeU16, takeU32, takeU8 } from "./ByteFields.ts"
import { u16, u32, u8, utf8 } from "./ByteFields.ts"
import { ofFields } from "./ControlAttribute.ts"
import { idBytesMax, type ParticipantId } from "./Ids.ts"
import { StreamDescription, StreamKind } from "./StreamDescription.ts"

/** Streams that one participant may declare. */
export const streamsMax = 16

/** Of a codec's name, as StreamDescription has it. */
const codecBytesMax = 16
const streamFixedBytes = 12
/** The longest entry: an id of full length, and all streams with the longest names. */
export const rosterEntryBytesMax = 2 + idBytesMax + streamsMax * (streamFixedBytes + codecBytesMax)

const isCodec = Schema.is(StreamDescription.fields.codec)

const encodeStream = ({ ssrc, kind, codec, clockRate }: StreamDescription): Uint8Array =>
  join(
    u32(ssrc),
    u8(StreamKind.literals.indexOf(kind)),
    u8(codec.length),
    u16(0),
    u32(clockRate),
    utf8(codec, codecBytesMax)
  )

const takeStream = (reader: FieldReader): StreamDescription | undefined => {
  const ssrc = takeU32(reader)
  const kind = StreamKind.literals[takeU8(reader)]
  const codecBytes = takeU8(reader)
  takeU16(reader)
  const clockRate = takeU32(reader)
  const codec = takeText(reader, codecBytes)
  if (kind === undefined || clockRate === 0 || !isCodec(codec)) return undefined
  return new StreamDescription({ ssrc, kind, clockRate, codec }, { disableChecks: true })
}

/** One stream that its sender announces. */
export const stream = ofFields(0x5a04, encodeStream, takeStream)

/** Which part of the roster a message has. The roster of a version is complete when all its pages have come. */
export interface RosterPage {
  /** Grows with every change of the roster. 32 bits. */
  readonly version: number
  /** 0 is the first. */
  readonly page: number
  readonly pages: number
}
export const rosterPage = ofFields<RosterPage>(
  0x5a09,
  ({ version, page, pages }) => join(u32(version), u8(page), u8(pages), u16(0)),
  (reader) => {
    const value = { version: takeU32(reader), page: takeU8(reader), pages: takeU8(reader) }
    takeU16(reader)
    return value.page < value.pages ? value : undefined
  }
)

/** One participant of the call, and what it sends. */
export interface RosterEntry {
  readonly participant: ParticipantId
  readonly streams: ReadonlyArray<StreamDescription>
}
export const rosterEntry = ofFields<RosterEntry>(
  0x5a0a,
  ({ participant, streams }) =>
    join(prefixed(participant, idBytesMax), u8(streams.length), ...streams.map(encodeStream)),
  (reader) => {
    // The brand says no more than takePrefixed checks.
    const participant = takePrefixed(reader, idBytesMax) as ParticipantId
    const count = takeU8(reader)
    const streams: Array<StreamDescription> = []
    while (streams.length < Math.min(count, streamsMax)) {
      const next = takeStream(reader)
      if (next === undefined) return undefined
      streams.push(next)
    }
    return { participant, streams }
  }
)
