import { Result } from "effect"
import * as SequenceNumber from "../../protocol/SequenceNumber.ts"
import * as IvfWriter from "../files/IvfWriter.ts"
import * as OggOpusWriter from "../files/OggOpusWriter.ts"
import * as OpusPayload from "../payload/OpusPayload.ts"
import * as Vp8Payload from "../payload/Vp8Payload.ts"
import type { ReceivedFrame } from "./FrameAssembly.ts"

/** A playable file that grows with the frames of one stream. What the functions return is to be appended to it. */
export interface TrackFile {
  /** ".opus", ".ivf" */
  readonly extension: string
  readonly append: (frame: ReceivedFrame) => Uint8Array
  /** What remains to be appended, and what to write over. */
  readonly finish: () => { readonly tail: Uint8Array; readonly correction: IvfWriter.Correction | undefined }
}

const none: Uint8Array = new Uint8Array(0)

/** RFC 7845 section 5.1: from the middle of a stream the decoder needs 80 ms to settle. Samples at 48 kHz. */
const preSkipSamples = 3840
/** A timestamp that jumps further is a new start, not a gap to be filled. Seconds. */
const gapSecondsMax = 10

/** For the codecs that there are files for; `undefined` for others. `serialNumber`: any 32 bits. */
export const make = (codec: string, serialNumber: number): TrackFile | undefined => {
  if (codec === "opus") return makeOpus(serialNumber)
  return codec === "vp8" ? makeVp8() : undefined
}

const makeOpus = (serialNumber: number): TrackFile => {
  const writer = OggOpusWriter.make({ serialNumber, channels: 2, preSkipSamples })
  let nextTimestamp: number | undefined
  return {
    extension: ".opus",
    append: ({ bytes, timestamp }) => {
      const packet = OpusPayload.read(bytes)
      if (Result.isFailure(packet)) return none
      const head = nextTimestamp === undefined ? OggOpusWriter.begin(writer) : none
      const gap = nextTimestamp === undefined ? 0 : SequenceNumber.timestampDistance(nextTimestamp, timestamp)
      const isGap = gap > 0 && gap <= gapSecondsMax * OpusPayload.clockRate
      nextTimestamp = (timestamp + packet.success.durationSamples) >>> 0
      return joined(head, OggOpusWriter.append(writer, packet.success, isGap ? gap : 0))
    },
    finish: () => ({ tail: nextTimestamp === undefined ? none : OggOpusWriter.finish(writer), correction: undefined })
  }
}

const makeVp8 = (): TrackFile => {
  let writer: IvfWriter.IvfWriter | undefined
  let lastTimestamp = 0
  let time = 0
  return {
    extension: ".ivf",
    append: (frame) => {
      // A player can begin with a key frame only, and that one says how large the picture is.
      const size = writer === undefined && frame.keyFrame ? Vp8Payload.keyFrameSize(frame.bytes) : undefined
      let head: Uint8Array = none
      if (size !== undefined) {
        writer = IvfWriter.make({ ...size, timebase: { numerator: 1, denominator: Vp8Payload.clockRate } })
        head = IvfWriter.begin(writer)
        lastTimestamp = frame.timestamp
      }
      if (writer === undefined || !frame.decodable) return none
      const step = SequenceNumber.timestampDistance(lastTimestamp, frame.timestamp)
      const isGap = step > 0 && step <= gapSecondsMax * Vp8Payload.clockRate
      if (writer.frameCount > 0) time += isGap ? step : 1
      lastTimestamp = frame.timestamp
      return joined(head, IvfWriter.append(writer, { bytes: frame.bytes, time }))
    },
    finish: () => ({ tail: none, correction: writer && IvfWriter.finish(writer) })
  }
}

const joined = (first: Uint8Array, second: Uint8Array): Uint8Array => {
  if (first.length === 0) return second
  const bytes = new Uint8Array(first.length + second.length)
  bytes.set(first)
  bytes.set(second, first.length)
  return bytes
}
