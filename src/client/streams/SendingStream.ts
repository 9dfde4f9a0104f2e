import * as PacketRing from "../../media/PacketRing.ts"
import * as PacketRings from "../../media/PacketRings.ts"
import * as SendLeg from "../../media/SendLeg.ts"
import * as StreamClock from "../../media/StreamClock.ts"
import * as HopFrame from "../../protocol/HopFrame.ts"
import * as RtpHeader from "../../protocol/RtpHeader.ts"
import * as SequenceNumber from "../../protocol/SequenceNumber.ts"
import type { SendBatch } from "../../sockets/PacketBatch.ts"
import * as EndToEndEncryption from "../EndToEndEncryption.ts"
import type { LocalStream } from "../JoinOptions.ts"
import { drawU16, drawU64, type SecureBytes } from "../SecureBytes.ts"
import { metadataOf } from "./Metadata.ts"

/** One RTP packet that the application gives. */
export interface OutgoingPacket {
  /** In clear; at most `payloadBytesMax`. */
  readonly payload: Uint8Array
  /** Media clock ticks, 32 bits. */
  readonly timestamp: number
  readonly marker: boolean
  /** Video: first byte of RFC 9626. Audio: voice bit and level, RFC 6464. See HopFrame. */
  readonly descriptor: number
  /** Audio that has just begun: somebody starts to speak. */
  readonly onset?: boolean
}

/**
 * Longest payload: a datagram of 1,200 bytes, which every path carries, less hop header, RTP header and encryption. Bytes.
 */
export const payloadBytesMax =
  1200 - HopFrame.headerBytes - RtpHeader.fixedHeaderBytes - EndToEndEncryption.overheadBytesMax

/** A stream of this device: its numbers and its key, which go on whatever relay carries it. Changed in place. */
export interface SendingStream {
  readonly stream: LocalStream
  readonly clock: StreamClock.StreamClock
  /** `undefined`: payloads go as they are given. */
  readonly encryption: EndToEndEncryption.Sender | undefined
  nextSequenceNumber: number
  packets: number
  payloadBytes: number
  packetsResent: number
  keyFrameRequests: number
}

export const make = (
  stream: LocalStream,
  sharedSecret: Uint8Array | undefined,
  secureBytes: SecureBytes
): SendingStream => ({
  stream,
  clock: StreamClock.make(stream.kind, stream.clockRate),
  encryption:
    sharedSecret === undefined
      ? undefined
      : EndToEndEncryption.makeSender({ secret: sharedSecret, ssrc: stream.ssrc, keyId: drawU64(secureBytes) }),
  // RFC 3550 section 5.1: not to be guessed.
  nextSequenceNumber: drawU16(secureBytes),
  packets: 0,
  payloadBytes: 0,
  packetsResent: 0,
  keyFrameRequests: 0
})

/** Makes the RTP packet, encrypts it, keeps it for resends, and puts it into the batch. */
export const send = (
  self: SendingStream,
  packet: OutgoingPacket,
  leg: SendLeg.SendLeg,
  rings: PacketRings.PacketRings,
  nowMs: number,
  out: SendBatch
): void => {
  if (packet.payload.length > payloadBytesMax) {
    throw new RangeError(`a payload of ${packet.payload.length} bytes is too long: split it at ${payloadBytesMax}`)
  }
  const { kind, payloadType, ssrc } = self.stream
  const { descriptor, marker, payload, timestamp } = packet
  const header = { marker, payloadType, sequenceNumber: self.nextSequenceNumber, timestamp, ssrc }
  self.nextSequenceNumber = SequenceNumber.next(self.nextSequenceNumber)
  const bytes =
    self.encryption === undefined
      ? RtpHeader.encode({ ...header, payload })
      : encrypted(self.encryption, header, payload, descriptor)
  StreamClock.handlePacket(self.clock, timestamp, nowMs)
  const type = frameType(kind, packet.onset ?? false)
  const ring = PacketRings.ringOf(rings, type)
  const kept = PacketRing.storeBytes(ring, bytes, timestamp, self.clock, nowMs)
  SendLeg.sendPacket(leg, ring, kept, HopFrame.typeByte(type, 0), descriptor, nowMs, out)
  self.packets++
  self.payloadBytes += payload.length
}

const headerScratch = new Uint8Array(RtpHeader.fixedHeaderBytes)
const headerView = new DataView(headerScratch.buffer)

const encrypted = (
  encryption: EndToEndEncryption.Sender,
  header: Omit<RtpHeader.RtpPacket, "payload">,
  payload: Uint8Array,
  descriptor: number
): Uint8Array => {
  RtpHeader.writeHeader(headerView, 0, header)
  const sealed = EndToEndEncryption.seal(encryption, payload, metadataOf(headerScratch, descriptor))
  const bytes = new Uint8Array(headerScratch.length + sealed.length)
  bytes.set(headerScratch)
  bytes.set(sealed, headerScratch.length)
  return bytes
}

const frameType = (kind: "audio" | "video", onset: boolean): HopFrame.FrameType => {
  if (kind === "video") return HopFrame.FrameType.Video
  return onset ? HopFrame.FrameType.AudioOnset : HopFrame.FrameType.Audio
}
