import { Result } from "effect"
import * as ByteFields from "./ByteFields.ts"
import { malformed, type MalformedPacket } from "./MalformedPacket.ts"
import * as RtcpFeedback from "./RtcpFeedback.ts"
import { encodeGoodbye, type Goodbye, readGoodbye } from "./RtcpGoodbye.ts"
import * as RtcpHeader from "./RtcpHeader.ts"
import * as RtcpReports from "./RtcpReports.ts"
import { encodeSourceDescription, readSourceDescription, type SourceDescription } from "./RtcpSourceDescription.ts"

/** One packet of a compound. */
export type RtcpPacket =
  | RtcpReports.SenderReport
  | RtcpReports.ReceiverReport
  | SourceDescription
  | Goodbye
  | RtcpFeedback.GenericNack
  | RtcpFeedback.PictureLossIndication
  | RtcpFeedback.FullIntraRequest
  | OtherPacket

/** Of a type or a format that is not read here. */
export interface OtherPacket {
  readonly _tag: "Other"
  /** 5 bits: how many blocks, or which format. */
  readonly count: number
  readonly packetType: number
  /** What follows the header, without padding: a multiple of 4 bytes. A view, not a copy. */
  readonly body: Uint8Array
}

const tooShort = malformed("Rtcp", "TooShort")
const wrongVersion = malformed("Rtcp", "WrongVersion")
const lengthMismatch = malformed("Rtcp", "LengthMismatch")

/**
 * Reads a datagram of RTCP: a compound (RFC 3550 section 6.1), or packets alone (RFC 5506). One malformed packet makes all
 * of it malformed, for then its lengths cannot be believed.
 */
export const decode = (datagram: Uint8Array): Result.Result<ReadonlyArray<RtcpPacket>, MalformedPacket> => {
  const view = new DataView(datagram.buffer, datagram.byteOffset, datagram.byteLength)
  const packets: Array<RtcpPacket> = []
  let at = 0
  do {
    if (datagram.length - at < RtcpHeader.headerBytes) return tooShort
    if (!RtcpHeader.isVersion2(view, at)) return wrongVersion
    const end = at + RtcpHeader.packetBytesAt(view, at)
    if (end > datagram.length) return tooShort
    const paddingBytes = paddingBytesAt(datagram, view, at, end)
    const bodyAt = at + RtcpHeader.headerBytes
    if (paddingBytes < 0 || bodyAt + paddingBytes > end) return lengthMismatch
    const body = datagram.subarray(bodyAt, end - paddingBytes)
    const packet = read(RtcpHeader.packetTypeAt(view, at), RtcpHeader.countAt(view, at), body)
    if (packet === undefined) return lengthMismatch
    packets.push(packet)
    at = end
  } while (at < datagram.length)
  return Result.succeed(packets)
}

/** Padding counts itself, in words of 4 bytes, and only the last of a compound has it (RFC 3550 section 6.4.1). -1: wrong. */
const paddingBytesAt = (datagram: Uint8Array, view: DataView, offset: number, end: number): number => {
  if (!RtcpHeader.hasPadding(view, offset)) return 0
  const paddingBytes = datagram[end - 1]!
  return end === datagram.length && paddingBytes > 0 && paddingBytes % 4 === 0 ? paddingBytes : -1
}

const read = (packetType: number, count: number, body: Uint8Array): RtcpPacket | undefined => {
  const { PacketType } = RtcpHeader
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength)
  switch (packetType) {
    case PacketType.SenderReport:
      return RtcpReports.readSenderReport(view, count)
    case PacketType.ReceiverReport:
      return RtcpReports.readReceiverReport(view, count)
    case PacketType.SourceDescription:
      return readSourceDescription(body, count)
    case PacketType.Goodbye:
      return readGoodbye(body, count)
    case PacketType.TransportFeedback:
      if (count === RtcpFeedback.nackFormat) return RtcpFeedback.readNack(view)
      break
    case PacketType.PayloadFeedback:
      if (count === RtcpFeedback.pictureLossFormat) return RtcpFeedback.readPictureLoss(view)
      if (count === RtcpFeedback.fullIntraFormat) return RtcpFeedback.readFullIntra(view)
      break
  }
  return { _tag: "Other", count, packetType, body }
}

/** The packets as one datagram, without padding. A compound begins with a report, and names its sender. */
export const encode = (packets: ReadonlyArray<RtcpPacket>): Uint8Array => ByteFields.join(...packets.map(encodeOne))

const encodeOne = (packet: RtcpPacket): Uint8Array => {
  switch (packet._tag) {
    case "SenderReport":
      return RtcpReports.encodeSenderReport(packet)
    case "ReceiverReport":
      return RtcpReports.encodeReceiverReport(packet)
    case "SourceDescription":
      return encodeSourceDescription(packet)
    case "Goodbye":
      return encodeGoodbye(packet)
    case "GenericNack":
      return RtcpFeedback.encodeNack(packet)
    case "PictureLossIndication":
      return RtcpFeedback.encodePictureLoss(packet)
    case "FullIntraRequest":
      return RtcpFeedback.encodeFullIntra(packet)
    case "Other":
      return RtcpHeader.prepend(packet.count, packet.packetType, packet.body)
  }
}
