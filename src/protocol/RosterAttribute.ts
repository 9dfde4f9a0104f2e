import { Schema } from "effect"
import * as Fields from "./ByteFields.ts"
import { ofFields } from "./ControlAttribute.ts"
import { idBytesMax, type ParticipantId } from "./Ids.ts"
import { layersMax, type SimulcastLayer, StreamDescription, StreamKind } from "./StreamDescription.ts"

/** Streams that one participant may declare. */
export const streamsMax = 16

/** Of a codec's name, as StreamDescription has it. */
const codecBytesMax = 16
const streamFixedBytes = 12
/** Height and rate, of a stream that is a layer. */
const layerBytes = 6
/** The longest entry: an id of full length, and all streams with the longest names. */
export const rosterEntryBytesMax = 2 + idBytesMax + streamsMax * (streamFixedBytes + layerBytes + codecBytesMax)

const isCodec = Schema.is(StreamDescription.fields.codec)

/** Where a stream that is no layer has none. */
const noLayer = 0
/** Of a layer's lowest rate. */
const notSaid = 0

const encodeStream = ({ ssrc, kind, codec, clockRate, simulcast }: StreamDescription): Uint8Array =>
  Fields.join(
    Fields.u32(ssrc),
    Fields.u8(StreamKind.literals.indexOf(kind)),
    Fields.u8(codec.length),
    Fields.u8(simulcast === undefined ? noLayer : simulcast.layer + 1),
    Fields.u8(simulcast?.source ?? 0),
    Fields.u32(clockRate),
    ...(simulcast === undefined
      ? []
      : [Fields.u16(simulcast.heightPixels), Fields.u16(simulcast.maxKbps), Fields.u16(simulcast.minKbps ?? notSaid)]),
    Fields.utf8(codec, codecBytesMax)
  )

const takeStream = (reader: Fields.FieldReader): StreamDescription | undefined => {
  const ssrc = Fields.takeU32(reader)
  const kind = StreamKind.literals[Fields.takeU8(reader)]
  const codecBytes = Fields.takeU8(reader)
  const layer = Fields.takeU8(reader)
  const source = Fields.takeU8(reader)
  const clockRate = Fields.takeU32(reader)
  const simulcast = layer === noLayer ? undefined : takeLayer(reader, source, layer - 1)
  const codec = Fields.takeText(reader, codecBytes)
  if (kind === undefined || clockRate === 0 || layer > layersMax || !isCodec(codec)) return undefined
  const description = { ssrc, kind, clockRate, codec }
  return new StreamDescription(simulcast === undefined ? description : { ...description, simulcast }, {
    disableChecks: true
  })
}

const takeLayer = (reader: Fields.FieldReader, source: number, layer: number): SimulcastLayer => {
  const heightPixels = Fields.takeU16(reader)
  const maxKbps = Fields.takeU16(reader)
  const minKbps = Fields.takeU16(reader)
  const said = { source, layer, heightPixels, maxKbps }
  return minKbps === notSaid ? said : { ...said, minKbps }
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
  ({ version, page, pages }) => Fields.join(Fields.u32(version), Fields.u8(page), Fields.u8(pages), Fields.u16(0)),
  (reader) => {
    const value = { version: Fields.takeU32(reader), page: Fields.takeU8(reader), pages: Fields.takeU8(reader) }
    Fields.takeU16(reader)
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
    Fields.join(Fields.prefixed(participant, idBytesMax), Fields.u8(streams.length), ...streams.map(encodeStream)),
  (reader) => {
    // The brand says no more than takePrefixed checks.
    const participant = Fields.takePrefixed(reader, idBytesMax) as ParticipantId
    const count = Fields.takeU8(reader)
    const streams: Array<StreamDescription> = []
    while (streams.length < Math.min(count, streamsMax)) {
      const next = takeStream(reader)
      if (next === undefined) return undefined
      streams.push(next)
    }
    return { participant, streams }
  }
)
