import { Result } from "effect"
import * as HopFrame from "../../protocol/HopFrame.ts"
import type { SimulcastLayer } from "../../protocol/StreamDescription.ts"
import * as IvfReader from "../files/IvfReader.ts"
import * as OggOpusReader from "../files/OggOpusReader.ts"
import type { UnreadableFile } from "../files/UnreadableFile.ts"
import * as FrameMarks from "../payload/FrameMarks.ts"
import * as OpusPayload from "../payload/OpusPayload.ts"
import * as Vp8Payload from "../payload/Vp8Payload.ts"

/** A media file as a stream that a device can send. */
export interface MediaTrack {
  readonly kind: "audio" | "video"
  readonly codec: "opus" | "vp8"
  readonly clockRate: number
  /** Of the RTP header: what WebRTC applications use most. */
  readonly payloadType: number
  /** In the order of their times. */
  readonly frames: ReadonlyArray<TrackFrame>
  readonly durationMs: number
  /** Of the picture, as the file's header has it; 0 for audio. */
  readonly heightPixels: number
  /** What it is among the tracks that show the same picture. Left out: it is the only one. See SimulcastTracks. */
  readonly simulcast?: SimulcastLayer
}

export interface TrackFrame {
  /** From the start of the track. */
  readonly timeMs: number
  /** The same in media clock ticks. */
  readonly ticks: number
  readonly bytes: Uint8Array
  /** A decoder can begin with it: of audio with every frame. */
  readonly keyFrame: boolean
  /** Of audio: voice bit and level, RFC 6464. Left out: nobody knows it. */
  readonly audioLevel?: number
}

/** One RTP packet's worth of a frame. */
export interface TrackPacket {
  readonly payload: Uint8Array
  /** Media clock ticks, 32 bits. */
  readonly timestamp: number
  readonly marker: boolean
  /** docs/protocol.md, "Descriptor". */
  readonly descriptor: number
}

const opusPayloadType = 111
const vp8PayloadType = 96

/** Reads an Ogg Opus file. */
export const ofOggOpus = (file: Uint8Array): Result.Result<MediaTrack, UnreadableFile> =>
  Result.map(OggOpusReader.read(file), ({ packets }) => {
    const toMs = (samples: number) => (samples * 1000) / OpusPayload.clockRate
    let ticks = 0
    const frames = packets.map(({ bytes, durationSamples }): TrackFrame => {
      const frame = { timeMs: toMs(ticks), ticks, bytes, keyFrame: true }
      ticks += durationSamples
      return frame
    })
    return {
      kind: "audio",
      codec: "opus",
      clockRate: OpusPayload.clockRate,
      payloadType: opusPayloadType,
      frames,
      durationMs: toMs(ticks),
      heightPixels: 0
    }
  })

/** Reads an IVF file of VP8. */
export const ofIvf = (file: Uint8Array): Result.Result<MediaTrack, UnreadableFile> =>
  Result.map(IvfReader.read(file), ({ frames, header: { height, timebase } }) => {
    const first = frames[0]?.time ?? 0
    const secondsOf = (time: number) => ((time - first) * timebase.numerator) / timebase.denominator
    const last = frames.at(-1)?.time ?? first
    const frameSeconds = frames.length > 1 ? secondsOf(last) / (frames.length - 1) : 0
    return {
      kind: "video",
      codec: "vp8",
      clockRate: Vp8Payload.clockRate,
      payloadType: vp8PayloadType,
      frames: frames.map(({ bytes, keyFrame, time }) => ({
        timeMs: secondsOf(time) * 1000,
        ticks: Math.round(secondsOf(time) * Vp8Payload.clockRate),
        bytes,
        keyFrame
      })),
      durationMs: (secondsOf(last) + frameSeconds) * 1000,
      heightPixels: height
    }
  })

/** The track again and again, until it is so long. */
export const repeated = (track: MediaTrack, durationMs: number): MediaTrack => {
  const times = Math.ceil(durationMs / track.durationMs)
  const frames = Array.from({ length: times }, (_, n) =>
    track.frames.map((frame) => shifted(track, frame, n * track.durationMs))
  ).flat()
  return { ...track, frames: frames.filter(({ timeMs }) => timeMs < durationMs), durationMs }
}

const shifted = ({ clockRate }: MediaTrack, frame: TrackFrame, byMs: number): TrackFrame => {
  const timeMs = frame.timeMs + byMs
  return { ...frame, timeMs, ticks: Math.round((timeMs * clockRate) / 1000) }
}

/** How a frame goes into packets. */
export interface PacketizeOptions {
  /** Frames that have been sent before it. */
  readonly index: number
  /** Of all its packets. Media clock ticks, 32 bits. */
  readonly timestamp: number
  readonly payloadBytesMax: number
}

export const packetize = (
  track: MediaTrack,
  frame: TrackFrame,
  { index, payloadBytesMax, timestamp }: PacketizeOptions
): ReadonlyArray<TrackPacket> =>
  track.codec === "opus"
    ? // The level of a file would take decoding; the marker says that a talk spurt begins, RFC 3551 section 4.1.
      [
        {
          payload: frame.bytes,
          timestamp,
          marker: index === 0,
          descriptor: frame.audioLevel ?? HopFrame.audioLevelUnknown
        }
      ]
    : Vp8Payload.packetize(frame.bytes, index & Vp8Payload.pictureIdMask, payloadBytesMax).map(
        ({ marks, payload }) => ({
          payload,
          timestamp,
          marker: marks.endOfFrame,
          descriptor: FrameMarks.toDescriptor(marks)
        })
      )
