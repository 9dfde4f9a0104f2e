import { Result } from "effect"
import { malformed, type MalformedPacket } from "../../protocol/MalformedPacket.ts"
import type { FrameMarks } from "./FrameMarks.ts"

/** RFC 7741 section 4.1. Ticks a second. */
export const clockRate = 90_000

/** Our payload descriptor: flags, extension flags and a PictureID of 15 bits. RFC 7741 section 4.2. Bytes. */
export const descriptorBytes = 4

/** PictureIDs wrap here. */
export const pictureIdMask = 0x7fff

/** The payload descriptor, RFC 7741 section 4.2. */
const extendedFlag = 0x80
const nonReferenceFlag = 0x20
const startOfPartitionFlag = 0x10
const partitionIndexMask = 0x07
const pictureIdFlag = 0x80
const tl0PictureIndexFlag = 0x40
const temporalLayerFlag = 0x20
const keyIndexFlag = 0x10
const longPictureIdFlag = 0x80

/** One RTP payload of a frame, and what the relay may know of it. The marker bit is `marks.endOfFrame`. */
export interface Vp8Packet {
  readonly payload: Uint8Array
  readonly marks: FrameMarks
}

/** The P bit of the frame tag, RFC 6386 section 9.1: 0 for a key frame. False for an empty frame. */
export const isKeyFrame = (frame: Uint8Array): boolean => frame.length > 0 && (frame[0]! & 1) === 0

/** Picture size that a key frame states, RFC 6386 section 9.1; `undefined` for any other bytes. Pixels. */
export const keyFrameSize = (frame: Uint8Array): { readonly width: number; readonly height: number } | undefined => {
  const hasStartCode = frame.length >= 10 && frame[3] === 0x9d && frame[4] === 0x01 && frame[5] === 0x2a
  if (!hasStartCode || !isKeyFrame(frame)) return undefined
  // The upper two bits of each are a scale for display.
  return { width: (frame[6]! | (frame[7]! << 8)) & 0x3fff, height: (frame[8]! | (frame[9]! << 8)) & 0x3fff }
}

/**
 * Cuts a frame into payloads of nearly equal length, none longer than `payloadBytesMax` with its descriptor. The partition
 * index stays 0, as RFC 7741 allows: where partitions begin is not looked for. An empty frame gives no payload.
 *
 * `payloadBytesMax` must leave room for the descriptor and one byte; less is taken as that.
 */
export const packetize = (frame: Uint8Array, pictureId: number, payloadBytesMax: number): ReadonlyArray<Vp8Packet> => {
  const roomBytes = Math.max(1, Math.floor(payloadBytesMax) - descriptorBytes)
  const count = Math.ceil(frame.length / roomBytes)
  const independent = isKeyFrame(frame)
  const packets: Array<Vp8Packet> = []
  for (let index = 0; index < count; index++) {
    const start = Math.floor((index * frame.length) / count)
    const end = Math.floor(((index + 1) * frame.length) / count)
    const payload = new Uint8Array(descriptorBytes + end - start)
    payload[0] = extendedFlag | (index === 0 ? startOfPartitionFlag : 0)
    payload[1] = pictureIdFlag
    payload[2] = longPictureIdFlag | ((pictureId >> 8) & 0x7f)
    payload[3] = pictureId & 0xff
    payload.set(frame.subarray(start, end), descriptorBytes)
    const marks = {
      startOfFrame: index === 0,
      endOfFrame: index === count - 1,
      independent,
      discardable: false,
      baseLayerSync: false,
      temporalLayer: 0
    }
    packets.push({ payload, marks })
  }
  return packets
}

export interface Vp8Payload {
  /** S bit: `bytes` begin a partition. */
  readonly startOfPartition: boolean
  /** A frame begins where a partition 0 begins. */
  readonly partitionIndex: number
  /** N bit: no other frame needs this one. */
  readonly nonReference: boolean
  /** 7 or 15 bits, wrapping. */
  readonly pictureId: number | undefined
  /** 0..3; 0 when not stated. */
  readonly temporalLayer: number
  /** Part of a frame. Not copied. */
  readonly bytes: Uint8Array
}

const tooShort = malformed("Rtp", "TooShort")

/** Reads an RTP payload of any sender, with every optional part of RFC 7741. */
export const read = (payload: Uint8Array): Result.Result<Vp8Payload, MalformedPacket> => {
  if (payload.length < 2) return tooShort
  const flags = payload[0]!
  const extension = (flags & extendedFlag) !== 0 ? payload[1]! : 0
  let offset = (flags & extendedFlag) !== 0 ? 2 : 1
  let pictureId: number | undefined
  let temporalLayer = 0
  if ((extension & pictureIdFlag) !== 0) {
    if (payload.length < offset + 2) return tooShort
    const first = payload[offset]!
    const isLong = (first & longPictureIdFlag) !== 0
    pictureId = isLong ? ((first & 0x7f) << 8) | payload[offset + 1]! : first
    offset += isLong ? 2 : 1
  }
  if ((extension & tl0PictureIndexFlag) !== 0) offset++
  if ((extension & (temporalLayerFlag | keyIndexFlag)) !== 0) {
    if (payload.length <= offset) return tooShort
    if ((extension & temporalLayerFlag) !== 0) temporalLayer = payload[offset]! >> 6
    offset++
  }
  if (payload.length <= offset) return tooShort
  return Result.succeed({
    startOfPartition: (flags & startOfPartitionFlag) !== 0,
    partitionIndex: flags & partitionIndexMask,
    nonReference: (flags & nonReferenceFlag) !== 0,
    pictureId,
    temporalLayer,
    bytes: payload.subarray(offset)
  })
}
