import { Result } from "effect"
import * as ByteFields from "../protocol/ByteFields.ts"
import { idBytesMax, type ParticipantId, type RelayId } from "../protocol/Ids.ts"
import { type SimulcastLayer, StreamDescription, StreamKind } from "../protocol/StreamDescription.ts"
import { RelayPlace } from "./CallState.ts"
import type { ForwardingPlan, PlannedParticipant, PlanRow } from "./ForwardingPlan.ts"
import { PlanVersion } from "./PlanVersion.ts"
import * as RateLadder from "./allocation/RateLadder.ts"

/**
 * A plan in bytes, as it travels between nodes: version, relays, the formats of streams (each once), participants with
 * their streams, each stream with who gets it: everybody else, nobody, those who get the stream before it, or the
 * participants of a bit set; each layer with its rate, a rung of RateLadder. A plan for 50 people with two streams each is about 2 KB, with audio and three layers of video
 * 2.6 to 3.6 KB. Nodes of one fleet alone read it.
 */
const formatVersion = 4
const addressBytesMax = 64
const codecBytesMax = 16
/** Who gets a stream: the upper two bits of the number that names its format. A set of bits follows. */
const Recipients = { EverybodyElse: 0, Nobody: 1, AsBefore: 2, Some: 3 } as const
const recipientsShift = 14
const formatMask = (1 << recipientsShift) - 1
/** Of a stream that is no layer of a source. */
const noLayer = 0xff
/** Beside the number of a participant's streams: wants more; the rates of his layers follow, four bits each. */
const wantsMoreBit = 0x80
const ratesBit = 0x40
const countMask = 0x3f
/** A layer's rate is the number of its rung and this; less is off. */
const rungFrom = 1

/** The bytes are not a plan of this format. */
export interface MalformedPlan {
  readonly _tag: "MalformedPlan"
}
const malformed: Result.Result<never, MalformedPlan> = Result.fail({ _tag: "MalformedPlan" })

/** What streams of several participants have in common. */
const formatOf = ({ clockRate, codec, kind, simulcast }: StreamDescription): Uint8Array =>
  ByteFields.join(
    ByteFields.u8(StreamKind.literals.indexOf(kind)),
    ByteFields.u32(clockRate),
    ByteFields.prefixed(codec, codecBytesMax),
    ...(simulcast === undefined
      ? [ByteFields.u8(noLayer)]
      : [
          ByteFields.u8(simulcast.layer),
          ByteFields.u8(simulcast.source),
          ByteFields.u16(simulcast.heightPixels),
          ByteFields.u16(simulcast.maxKbps),
          ByteFields.u16(simulcast.minKbps ?? 0)
        ])
  )

const takeFormat = (reader: ByteFields.FieldReader): Omit<StreamDescription, "ssrc"> => {
  const kind = StreamKind.literals[ByteFields.takeU8(reader)] ?? "audio"
  const format = {
    kind,
    clockRate: ByteFields.takeU32(reader),
    codec: ByteFields.takePrefixed(reader, codecBytesMax)
  }
  const layer = ByteFields.takeU8(reader)
  if (layer === noLayer) return format
  const simulcast: SimulcastLayer = {
    source: ByteFields.takeU8(reader),
    layer,
    heightPixels: ByteFields.takeU16(reader),
    maxKbps: ByteFields.takeU16(reader)
  }
  const minKbps = ByteFields.takeU16(reader)
  return { ...format, simulcast: minKbps === 0 ? simulcast : { ...simulcast, minKbps } }
}

/** Everything that is repeated is written once, and named by its place. */
const makeTable = (entryOf: (stream: StreamDescription) => Uint8Array) => {
  const places = new Map<string, number>()
  const entries: Array<Uint8Array> = []
  const placeOf = (stream: StreamDescription): number => {
    const { clockRate, codec, kind, simulcast } = stream
    const key = JSON.stringify([kind, clockRate, codec, simulcast])
    const known = places.get(key)
    if (known !== undefined) return known
    places.set(key, entries.length)
    return entries.push(entryOf(stream)) - 1
  }
  return { entries, placeOf }
}

export const encode = ({ participants, relays, rows, version }: ForwardingPlan): Uint8Array => {
  const { entries, placeOf } = makeTable(formatOf)
  const rowOf = new Map(rows.map((row) => [row.ssrc, row]))
  const relayPlaces = new Map(relays.map(({ id }, place) => [id, place]))
  const indexOf = new Map(participants.map(({ id }, index) => [id, index]))

  /** A bit for each participant. */
  const bitsOf = (row: PlanRow | undefined): Uint8Array => {
    const bits = new Uint8Array(Math.ceil(participants.length / 8))
    for (const id of row?.to ?? []) {
      const index = indexOf.get(id)
      if (index !== undefined) bits[index >> 3]! |= 1 << (index & 7)
    }
    return bits
  }

  const describeStreams = (streams: ReadonlyArray<StreamDescription>): ReadonlyArray<Uint8Array> => {
    let before: Uint8Array | undefined
    return streams.flatMap((stream) => {
      const row = rowOf.get(stream.ssrc)
      const bits = bitsOf(row)
      const recipients = recipientsOf(row, participants.length, bits, before)
      before = bits
      return [
        ByteFields.u32(stream.ssrc),
        ByteFields.u16((recipients << recipientsShift) | placeOf(stream)),
        ...(recipients === Recipients.Some ? [bits] : [])
      ]
    })
  }

  /** Of his layers in their order; of none as long as one is not decided. */
  const ratesOf = (streams: ReadonlyArray<StreamDescription>): ReadonlyArray<number> => {
    const rates = streams.filter(isLayer).map(({ ssrc }) => rowOf.get(ssrc)?.rateBps)
    return rates.every((rateBps) => rateBps !== undefined) ? rates : []
  }

  const describeParticipant = ({ epoch, id, relay, restores, streams, wantsMore }: PlannedParticipant): Uint8Array => {
    const rates = ratesOf(streams)
    const counted = streams.length | (wantsMore === true ? wantsMoreBit : 0) | (rates.length > 0 ? ratesBit : 0)
    return ByteFields.join(
      ByteFields.prefixed(id, idBytesMax),
      ByteFields.u8(relayPlaces.get(relay) ?? 0xff),
      ByteFields.u32(epoch),
      // Wide enough never to wrap: one that did would be taken for the oldest.
      ByteFields.u32(restores),
      ByteFields.u8(counted),
      ...describeStreams(streams),
      halfBytes(rates.map(rateCode))
    )
  }

  // Before the formats are written, which it gathers.
  const described = participants.map(describeParticipant)
  return ByteFields.join(
    ByteFields.u8(formatVersion),
    ByteFields.u64(version.ownerEpoch),
    ByteFields.u64(version.number),
    ByteFields.u32(version.revision),
    ByteFields.u8(relays.length),
    ...relays.flatMap(({ address, id, tag }) => [
      ByteFields.prefixed(id, idBytesMax),
      ByteFields.prefixed(address, addressBytesMax),
      ByteFields.u32(tag)
    ]),
    ByteFields.u16(entries.length),
    ...entries,
    ByteFields.u8(participants.length),
    ...described
  )
}

const isLayer = ({ simulcast }: StreamDescription): boolean => simulcast !== undefined

/** The highest rung that is not above the rate: what is decided is a rung. */
const rateCode = (rateBps: number): number => rungFrom + RateLadder.highestTo(rateBps)

/** Two numbers of four bits in each byte, the first in the upper half. */
const halfBytes = (numbers: ReadonlyArray<number>): Uint8Array => {
  const bytes = new Uint8Array(Math.ceil(numbers.length / 2))
  for (const [index, number] of numbers.entries()) bytes[index >> 1]! |= number << (index % 2 === 0 ? 4 : 0)
  return bytes
}

const takeHalfBytes = (reader: ByteFields.FieldReader, count: number): ReadonlyArray<number> =>
  take(reader, Math.ceil(count / 2), () => ByteFields.takeU8(reader))
    .flatMap((byte) => [byte >> 4, byte & 0x0f])
    .slice(0, count)

const recipientsOf = (
  row: PlanRow | undefined,
  participants: number,
  bits: Uint8Array,
  before: Uint8Array | undefined
): number => {
  const to = row?.to ?? []
  if (to.length === 0) return Recipients.Nobody
  if (to.length === participants - 1 && !to.includes(row!.from)) return Recipients.EverybodyElse
  return before?.every((byte, at) => byte === bits[at]) === true ? Recipients.AsBefore : Recipients.Some
}

export const decode = (bytes: Uint8Array): Result.Result<ForwardingPlan, MalformedPlan> => {
  const reader = ByteFields.makeReader(bytes)
  if (ByteFields.takeU8(reader) !== formatVersion) return malformed
  const ownerEpoch = ByteFields.takeU64(reader)
  const number = ByteFields.takeU64(reader)
  const revision = ByteFields.takeU32(reader)
  const relays = take(reader, ByteFields.takeU8(reader), () => ({
    id: ByteFields.takePrefixed(reader, idBytesMax) as RelayId,
    address: ByteFields.takePrefixed(reader, addressBytesMax),
    tag: ByteFields.takeU32(reader)
  }))
  const formats = take(reader, ByteFields.takeU16(reader), () => takeFormat(reader))
  const count = ByteFields.takeU8(reader)
  const rows: Array<{ readonly ssrc: number; readonly from: number; readonly bits: Uint8Array | undefined }> = []
  const ratesBps = new Map<number, number>()
  const participants = take(reader, count, (index): PlannedParticipant => {
    const id = ByteFields.takePrefixed(reader, idBytesMax) as ParticipantId
    const relay = relays[ByteFields.takeU8(reader)]?.id
    const epoch = ByteFields.takeU32(reader)
    const restores = ByteFields.takeU32(reader)
    const counted = ByteFields.takeU8(reader)
    const streams = take(reader, counted & countMask, () => {
      const ssrc = ByteFields.takeU32(reader)
      const named = ByteFields.takeU16(reader)
      const format = formats[named & formatMask]
      const recipients = named >> recipientsShift
      const before = rows.at(-1)?.bits
      const bits =
        recipients === Recipients.EverybodyElse
          ? undefined
          : recipients === Recipients.AsBefore
            ? before
            : recipients === Recipients.Some
              ? Uint8Array.from(take(reader, Math.ceil(count / 8), () => ByteFields.takeU8(reader)))
              : nobody
      rows.push({ ssrc, from: index, bits })
      if (format === undefined) reader.failed = true
      return new StreamDescription({ ssrc, ...(format ?? unknownFormat) }, { disableChecks: true })
    })
    if (relay === undefined) reader.failed = true
    const layers = (counted & ratesBit) === 0 ? [] : streams.filter(isLayer)
    for (const [at, code] of takeHalfBytes(reader, layers.length).entries()) {
      ratesBps.set(layers[at]!.ssrc, RateLadder.bpsOf(code - rungFrom))
    }
    const participant = { id, relay: relay ?? ("" as RelayId), epoch, restores, streams }
    return (counted & wantsMoreBit) === 0 ? participant : { ...participant, wantsMore: true }
  })
  if (!ByteFields.isComplete(reader)) return malformed
  const ids = participants.map(({ id }) => id)
  const others = participants.map(({ id: from }) => ids.filter((id) => id !== from))
  return Result.succeed({
    version: new PlanVersion({ ownerEpoch, number, revision }, { disableChecks: true }),
    relays: relays.map((relay) => new RelayPlace(relay, { disableChecks: true })),
    participants,
    rows: rows.map(({ bits, from, ssrc }): PlanRow => {
      const to = bits === undefined ? others[from]! : namedBy(bits, ids)
      const rateBps = ratesBps.get(ssrc)
      return rateBps === undefined ? { ssrc, from: ids[from]!, to } : { ssrc, from: ids[from]!, to, rateBps }
    })
  })
}

const namedBy = (bits: Uint8Array, ids: ReadonlyArray<ParticipantId>): ReadonlyArray<ParticipantId> =>
  ids.filter((_, index) => ((bits[index >> 3] ?? 0) & (1 << (index & 7))) !== 0)

const nobody = new Uint8Array()
const unknownFormat = { kind: "audio", clockRate: 1, codec: "?" } as const

/** As many as are said to be there, as long as there is anything to read. */
const take = <A>(reader: ByteFields.FieldReader, count: number, next: (index: number) => A): ReadonlyArray<A> => {
  const taken: Array<A> = []
  while (taken.length < count && !reader.failed) taken.push(next(taken.length))
  return taken
}
