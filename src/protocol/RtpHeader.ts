import { Result } from "effect"
import { malformed, type MalformedPacket } from "./MalformedPacket.ts"

/** Fixed part of the RTP header, RFC 3550 section 5.1. Bytes. */
export const fixedHeaderBytes = 12
const rtpVersion = 2
/** First byte: padding at the end, and an extension behind the contributing sources. */
export const paddingFlag = 0x20
const extensionFlag = 0x10

const tooShort = malformed("Rtp", "TooShort")
const wrongVersion = malformed("Rtp", "WrongVersion")
const lengthMismatch = malformed("Rtp", "LengthMismatch")

/**
 * Whether the bytes can be an RTP packet, without reading more than its length needs. The relay asks nothing else of a
 * packet, so it stays blind to payload, header extensions and padding.
 */
export const isRtp = (bytes: Uint8Array, offset: number, lengthBytes: number): boolean => {
  if (lengthBytes < fixedHeaderBytes) return false
  const first = bytes[offset]!
  return first >> 6 === rtpVersion && lengthBytes >= fixedHeaderBytes + 4 * (first & 0x0f)
}

export const markerAt = (view: DataView, offset: number): boolean => view.getUint8(offset + 1) >= 0x80

/** 7 bits. */
export const payloadTypeAt = (view: DataView, offset: number): number => view.getUint8(offset + 1) & 0x7f

export const sequenceNumberAt = (view: DataView, offset: number): number => view.getUint16(offset + 2)

/** Media clock ticks, 32 bits. */
export const timestampAt = (view: DataView, offset: number): number => view.getUint32(offset + 4)

export const ssrcAt = (view: DataView, offset: number): number => view.getUint32(offset + 8)

/**
 * Everything before the payload: fixed header, contributing sources, extension. More than the packet has when it was cut
 * off. Bytes.
 */
export const headerBytesOf = (packet: Uint8Array): number => {
  const first = packet[0]!
  const start = fixedHeaderBytes + 4 * (first & 0x0f)
  if ((first & extensionFlag) === 0) return start
  if (packet.length < start + 4) return start + 4
  return start + 4 + 4 * ((packet[start + 2]! << 8) | packet[start + 3]!)
}

export interface RtpPacket {
  readonly marker: boolean
  /** 7 bits. */
  readonly payloadType: number
  readonly sequenceNumber: number
  /** Media clock ticks: 48,000 a second for Opus, 90,000 for video. */
  readonly timestamp: number
  readonly ssrc: number
  /** Everything behind header, contributing sources and extension; without padding. A view, not a copy. */
  readonly payload: Uint8Array
}

/** Reads a whole packet as a receiving device needs it. Header extensions are skipped, padding is cut off. */
export const decode = (packet: Uint8Array): Result.Result<RtpPacket, MalformedPacket> => {
  if (packet.length < fixedHeaderBytes) return tooShort
  const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength)
  const first = packet[0]!
  if (first >> 6 !== rtpVersion) return wrongVersion
  const start = headerBytesOf(packet)
  if (packet.length < start) return tooShort
  let end = packet.length
  if ((first & paddingFlag) !== 0) {
    const paddingBytes = packet[end - 1]!
    if (paddingBytes === 0 || end - paddingBytes < start) return lengthMismatch
    end -= paddingBytes
  }
  const second = packet[1]!
  return Result.succeed({
    marker: (second & 0x80) !== 0,
    payloadType: second & 0x7f,
    sequenceNumber: view.getUint16(2),
    timestamp: timestampAt(view, 0),
    ssrc: ssrcAt(view, 0),
    payload: packet.subarray(start, end)
  })
}

/** Writes the fixed header and returns its length; the payload goes behind it. */
export const writeHeader = (view: DataView, offset: number, header: Omit<RtpPacket, "payload">): number => {
  view.setUint8(offset, rtpVersion << 6)
  view.setUint8(offset + 1, (header.marker ? 0x80 : 0) | header.payloadType)
  view.setUint16(offset + 2, header.sequenceNumber)
  view.setUint32(offset + 4, header.timestamp)
  view.setUint32(offset + 8, header.ssrc)
  return fixedHeaderBytes
}

export const encode = (packet: RtpPacket): Uint8Array => {
  const bytes = new Uint8Array(fixedHeaderBytes + packet.payload.length)
  writeHeader(new DataView(bytes.buffer), 0, packet)
  bytes.set(packet.payload, fixedHeaderBytes)
  return bytes
}
