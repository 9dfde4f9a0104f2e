import { Result } from "effect"
import * as ByteFields from "../protocol/ByteFields.ts"
import { idBytesMax, type ParticipantId, type RelayId } from "../protocol/Ids.ts"
import { StreamDescription, StreamKind } from "../protocol/StreamDescription.ts"
import { RelayPlace } from "./CallState.ts"
import type { ForwardingPlan, PlannedParticipant, PlanRow } from "./ForwardingPlan.ts"
import { PlanVersion } from "./PlanVersion.ts"

/**
 * A plan in bytes, as it travels between nodes: version, relays, the formats of streams (each once), participants with
 * their streams, each stream with who gets it: everybody else, nobody, or the participants of a bit set. A plan for 50 people
 * with two streams each is about 2 KB. Nodes of one fleet alone read it.
 */
const formatVersion = 3
const addressBytesMax = 64
const codecBytesMax = 16
const everybodyElse = 0
const someOfThem = 1
const nobody = 2

/** The bytes are not a plan of this format. */
export interface MalformedPlan {
  readonly _tag: "MalformedPlan"
}
const malformed: Result.Result<never, MalformedPlan> = Result.fail({ _tag: "MalformedPlan" })

const formatOf = ({ clockRate, codec, kind }: StreamDescription): Uint8Array =>
  ByteFields.join(
    ByteFields.u8(StreamKind.literals.indexOf(kind)),
    ByteFields.u32(clockRate),
    ByteFields.prefixed(codec, codecBytesMax)
  )

/** Everything that is repeated is written once, and named by its place. */
const makeTable = (entryOf: (stream: StreamDescription) => Uint8Array) => {
  const places = new Map<string, number>()
  const entries: Array<Uint8Array> = []
  const placeOf = (stream: StreamDescription): number => {
    const key = `${stream.kind} ${stream.clockRate} ${stream.codec}`
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

  const recipients = (row: PlanRow | undefined): Uint8Array => {
    const to = row?.to ?? []
    if (to.length === 0) return ByteFields.u8(nobody)
    if (to.length === participants.length - 1 && !to.includes(row!.from)) return ByteFields.u8(everybodyElse)
    const bits = new Uint8Array(1 + Math.ceil(participants.length / 8))
    bits[0] = someOfThem
    for (const id of to) {
      const index = indexOf.get(id)
      if (index !== undefined) bits[1 + (index >> 3)]! |= 1 << (index & 7)
    }
    return bits
  }

  const described = participants.map(({ epoch, id, relay, restores, streams }) =>
    ByteFields.join(
      ByteFields.prefixed(id, idBytesMax),
      ByteFields.u8(relayPlaces.get(relay) ?? 0xff),
      ByteFields.u32(epoch),
      // Wide enough never to wrap: one that did would be taken for the oldest.
      ByteFields.u32(restores),
      ByteFields.u8(streams.length),
      ...streams.flatMap((stream) => [
        ByteFields.u32(stream.ssrc),
        ByteFields.u16(placeOf(stream)),
        recipients(rowOf.get(stream.ssrc))
      ])
    )
  )
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
  const formats = take(reader, ByteFields.takeU16(reader), () => ({
    kind: StreamKind.literals[ByteFields.takeU8(reader)] ?? "audio",
    clockRate: ByteFields.takeU32(reader),
    codec: ByteFields.takePrefixed(reader, codecBytesMax)
  }))
  const count = ByteFields.takeU8(reader)
  const recipients: Array<{ readonly ssrc: number; readonly from: number; readonly bits: Uint8Array | undefined }> = []
  const participants = take(reader, count, (index): PlannedParticipant => {
    const id = ByteFields.takePrefixed(reader, idBytesMax) as ParticipantId
    const relay = relays[ByteFields.takeU8(reader)]?.id
    const epoch = ByteFields.takeU32(reader)
    const restores = ByteFields.takeU32(reader)
    const streams = take(reader, ByteFields.takeU8(reader), () => {
      const ssrc = ByteFields.takeU32(reader)
      const format = formats[ByteFields.takeU16(reader)]
      const who = ByteFields.takeU8(reader)
      const bitBytes = who === nobody ? 0 : Math.ceil(count / 8)
      const bits =
        who === everybodyElse ? undefined : Uint8Array.from(take(reader, bitBytes, () => ByteFields.takeU8(reader)))
      recipients.push({ ssrc, from: index, bits })
      if (format === undefined) reader.failed = true
      return new StreamDescription({ ssrc, ...(format ?? unknownFormat) }, { disableChecks: true })
    })
    if (relay === undefined) reader.failed = true
    return { id, relay: relay ?? ("" as RelayId), epoch, restores, streams }
  })
  if (!ByteFields.isComplete(reader)) return malformed
  const ids = participants.map(({ id }) => id)
  const others = participants.map(({ id: from }) => ids.filter((id) => id !== from))
  return Result.succeed({
    version: new PlanVersion({ ownerEpoch, number, revision }, { disableChecks: true }),
    relays: relays.map((relay) => new RelayPlace(relay, { disableChecks: true })),
    participants,
    rows: recipients.map(({ bits, from, ssrc }) => ({
      ssrc,
      from: ids[from]!,
      to:
        bits === undefined
          ? others[from]!
          : ids.filter((_, index) => ((bits[index >> 3] ?? 0) & (1 << (index & 7))) !== 0)
    }))
  })
}

const unknownFormat = { kind: "audio", clockRate: 1, codec: "?" } as const

/** As many as are said to be there, as long as there is anything to read. */
const take = <A>(reader: ByteFields.FieldReader, count: number, next: (index: number) => A): ReadonlyArray<A> => {
  const taken: Array<A> = []
  while (taken.length < count && !reader.failed) taken.push(next(taken.length))
  return taken
}
