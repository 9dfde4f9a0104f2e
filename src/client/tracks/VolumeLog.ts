import { Schema } from "effect"
import * as VolumeMeter from "../../media/VolumeMeter.ts"
import { ParticipantId } from "../../protocol/Ids.ts"
import { Ssrc, type StreamKind } from "../../protocol/StreamDescription.ts"
import * as JsonLines from "./JsonLines.ts"

/** How loud one audio stream has been since the record before. */
export const VolumeRecord = Schema.Struct({
  event: Schema.Literals(["sent", "received"]),
  /** Who sends the audio. */
  participant: ParticipantId,
  ssrc: Ssrc,
  /** How much audio was sent, or has come: none of who is held back by a relay, or sends nothing. Milliseconds. */
  audioMs: Schema.Int,
  /** Of its loudest packet, as its sender says it (RFC 6464). `null`: it does not know, or there was no packet. dBov. */
  levelDbov: Schema.NullOr(Schema.Int),
  /** Monotonic clock of the machine: comparable between its processes. Milliseconds. */
  atMs: Schema.Finite
})
export type VolumeRecord = typeof VolumeRecord.Type

/** As often as relays report levels. Milliseconds. */
export const everyMs = 200

/** Meters of all audio streams of one participant's call. Changed in place; reads no clock. */
export interface VolumeLog {
  readonly meters: Map<number, Metered>
  readonly records: Array<VolumeRecord>
}

/** An audio stream: whose it is, and on which way. */
export interface AudioSource extends Pick<VolumeRecord, "event" | "participant" | "ssrc"> {
  /** RTP timestamp ticks a second. */
  readonly clockRate: number
}

interface Metered {
  readonly source: AudioSource
  readonly meter: VolumeMeter.VolumeMeter
}

/** Of a packet that is sent or received. */
export interface LevelledPacket {
  /** Media clock ticks, 32 bits. */
  readonly timestamp: number
  /** Voice bit and level, RFC 6464. */
  readonly descriptor: number
}

const levelMask = 0x7f
/** `VolumeMeter` keeps one level for so much audio. Milliseconds. */
const unitMs = 20

export const make = (): VolumeLog => ({ meters: new Map(), records: [] })

/** The audio among the streams of one participant. */
export const sourcesOf = (
  event: VolumeRecord["event"],
  participant: ParticipantId,
  streams: ReadonlyArray<{ readonly kind: StreamKind; readonly ssrc: number; readonly clockRate: number }>
): ReadonlyArray<AudioSource> =>
  streams.flatMap(({ clockRate, kind, ssrc }) => (kind === "audio" ? [{ event, participant, ssrc, clockRate }] : []))

/** Of a stream that was there when the last records were made. */
export const handlePacket = (self: VolumeLog, ssrc: number, { descriptor, timestamp }: LevelledPacket): void => {
  const metered = self.meters.get(ssrc)
  if (metered !== undefined) VolumeMeter.handlePacket(metered.meter, descriptor, timestamp, metered.source.clockRate)
}

/** Adds a record for each stream that is there. Others are forgotten. */
export const poll = (self: VolumeLog, present: ReadonlyArray<AudioSource>, atMs: number): void => {
  const before = new Map(self.meters)
  self.meters.clear()
  for (const source of present) {
    const { event, participant, ssrc } = source
    const { meter } = before.get(ssrc) ?? { meter: VolumeMeter.make() }
    self.meters.set(ssrc, { source, meter })
    self.records.push({ event, participant, ssrc, ...taken(meter), atMs })
  }
}

const taken = (meter: VolumeMeter.VolumeMeter): Pick<VolumeRecord, "audioMs" | "levelDbov"> => {
  const levels = VolumeMeter.take(meter)
  const loudest = levels.reduce((loudest, descriptor) => Math.min(loudest, descriptor & levelMask), levelMask)
  return { audioMs: unitMs * levels.length, levelDbov: meter.isKnown && levels.length > 0 ? -loudest : null }
}

/** One JSON object a line. */
export const format = ({ records }: VolumeLog): string => JsonLines.format(records)

/** The records, or the number of the first line that is none. */
export const parse = JsonLines.parserOf(VolumeRecord)
