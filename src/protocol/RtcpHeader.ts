import * as ByteFields from "./ByteFields.ts"

/**
 * What every RTCP packet begins with, RFC 3550 section 6.4.1:
 *
 *      0                   1                   2                   3
 *      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *     |V=2|P|  count  |  packet type  |            length             |
 *
 * `count` is the number of blocks or chunks, or the format of a feedback message. `length` counts 32-bit words without
 * the first.
 */
export const headerBytes = 4

export const PacketType = {
  SenderReport: 200,
  ReceiverReport: 201,
  SourceDescription: 202,
  Goodbye: 203,
  /** RFC 4585 section 6.1. */
  TransportFeedback: 205,
  PayloadFeedback: 206
} as const

const rtpVersion = 2
/** Packet types of RTCP where RTP may come on the same port, RFC 5761 section 4. */
const packetTypeMin = 192
const packetTypeMax = 223
/** `count` has 5 bits. */
export const countMax = 31

/** Whether a datagram of a port for both is RTCP, and not RTP. */
export const isRtcp = (bytes: Uint8Array, offset: number, lengthBytes: number): boolean => {
  if (lengthBytes < headerBytes || bytes[offset]! >> 6 !== rtpVersion) return false
  const packetType = bytes[offset + 1]!
  return packetType >= packetTypeMin && packetType <= packetTypeMax
}

export const isVersion2 = (view: DataView, offset: number): boolean => view.getUint8(offset) >> 6 === rtpVersion
export const hasPadding = (view: DataView, offset: number): boolean => (view.getUint8(offset) & 0x20) !== 0
export const countAt = (view: DataView, offset: number): number => view.getUint8(offset) & countMax
export const packetTypeAt = (view: DataView, offset: number): number => view.getUint8(offset + 1)
/** Of the whole packet with this header. Bytes. */
export const packetBytesAt = (view: DataView, offset: number): number => 4 * (view.getUint16(offset + 2) + 1)

/** A whole packet. The body's length is a multiple of 4. */
export const prepend = (count: number, packetType: number, ...body: ReadonlyArray<Uint8Array>): Uint8Array => {
  if (count > countMax) throw new RangeError(`${count} blocks do not fit into one RTCP packet: split them`)
  const words = body.reduce((sum, { length }) => sum + length, 0) / 4
  return ByteFields.join(
    ByteFields.u8((rtpVersion << 6) | count),
    ByteFields.u8(packetType),
    ByteFields.u16(words),
    ...body
  )
}

/** The pieces, and zeros up to the next multiple of 4. */
export const padded = (...pieces: ReadonlyArray<Uint8Array>): Uint8Array => {
  const lengthBytes = pieces.reduce((sum, { length }) => sum + length, 0)
  return ByteFields.join(...pieces, new Uint8Array(-lengthBytes & 3))
}

/** Header and the SSRC that follows it: less has no sender. Bytes. */
const headerAndSenderBytes = 8

/** Whether the bytes can be RTCP that says who has sent it, encrypted (RFC 3711 section 3.4) or not. */
export const hasSender = (bytes: Uint8Array, offset: number, lengthBytes: number): boolean =>
  lengthBytes >= headerAndSenderBytes && isRtcp(bytes, offset, lengthBytes)

/** SSRC of the sender of the first packet. */
export const senderSsrcAt = (view: DataView, offset: number): number => view.getUint32(offset + headerBytes)
